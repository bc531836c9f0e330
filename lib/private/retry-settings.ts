import * as lambda from 'aws-cdk-lib/aws-lambda';
import { EVENT_AGE } from '../contract';
import { isOfType, Stack } from './cdk';

/**
 * What is wrong if the app configures asynchronous invocation of a provider's function, too. Lambda allows one such
 * configuration for each version of a function, and CloudFormation would refuse the second one during the deployment.
 */
export function problemsOfRetrySettings(handler: lambda.CfnFunction, own: lambda.CfnEventInvokeConfig): string[] {
  const stack = Stack.of(handler);
  const names = [handler.ref, handler.attrArn].map((name) => JSON.stringify(stack.resolve(name)));
  return stack.node
    .findAll()
    .filter((each): each is lambda.CfnEventInvokeConfig =>
      isOfType(each, lambda.CfnEventInvokeConfig.CFN_RESOURCE_TYPE_NAME),
    )
    .filter((each) => each !== own && each.stack === stack && each.qualifier === own.qualifier)
    .filter((each) => names.includes(JSON.stringify(stack.resolve(each.functionName))))
    .map(
      ({ node }) =>
        `'function': second EventInvokeConfig '${node.path}': expected the provider's own only, because Lambda allows one per function. ` +
        `Remove configureAsyncInvoke or the EventInvokeConfig: a request waits at most ${EVENT_AGE} s in the queue and is never retried.`,
    );
}
