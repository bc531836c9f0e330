import type { FunctionConfiguration } from '../../../local/lambda';

/** A function configuration with overrides. */
export function configuration(change: Partial<FunctionConfiguration> = {}): FunctionConfiguration {
  const functionName = change.functionName ?? 'fn';
  return {
    functionName,
    functionArn: `arn:aws:lambda:eu-central-1:123456789012:function:${functionName}`,
    codeDirectory: '/nowhere',
    handler: 'index.handler',
    timeoutSeconds: 30,
    memorySizeMb: 256,
    roleArn: 'arn:aws:iam::123456789012:role/service/fn-role',
    variables: {},
    logGroupName: 'fn-logs',
    ...change,
  };
}
