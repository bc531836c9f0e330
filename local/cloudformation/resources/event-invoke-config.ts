import { DEFAULT_EVENT_INVOKE, type EventInvokeConfiguration } from '../../lambda/function';
import type { LambdaRunner } from '../../lambda/lambda-runner';
import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { optionalNumber, requiredText } from './properties';
import type { ResourceProvider } from './provider';

/** `AWS::Lambda::EventInvokeConfig` of a function's unpublished version. */
export function eventInvokeConfig(lambda: LambdaRunner, random: Random): ResourceProvider {
  return {
    properties: ['FunctionName', 'Qualifier', 'MaximumRetryAttempts', 'MaximumEventAgeInSeconds'],
    attributes: [],
    replacedBy: ['FunctionName', 'Qualifier'],
    create(properties, { stackName, logicalId }) {
      lambda.putEventInvokeConfig(functionOf(properties), configurationOf(properties));
      return { physicalId: physicalName(stackName, logicalId, random), attributes: {} };
    },
    update(physical, properties) {
      lambda.putEventInvokeConfig(functionOf(properties), configurationOf(properties));
      return physical;
    },
    delete(_made, properties) {
      lambda.deleteEventInvokeConfig(functionOf(properties));
    },
  };
}

function functionOf(properties: JsonObject): string {
  const qualifier = requiredText(properties, 'Qualifier');
  if (qualifier !== '$LATEST') {
    throw new Error(`Property Qualifier '${qualifier}' is not supported locally`);
  }
  return requiredText(properties, 'FunctionName');
}

function configurationOf(properties: JsonObject): EventInvokeConfiguration {
  const { maximumRetryAttempts, maximumEventAgeSeconds } = DEFAULT_EVENT_INVOKE;
  return {
    maximumRetryAttempts: optionalNumber(properties, 'MaximumRetryAttempts') ?? maximumRetryAttempts,
    maximumEventAgeSeconds: optionalNumber(properties, 'MaximumEventAgeInSeconds') ?? maximumEventAgeSeconds,
  };
}
