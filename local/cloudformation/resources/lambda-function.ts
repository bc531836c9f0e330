import type { FunctionConfiguration } from '../../lambda/function';
import type { LambdaRunner } from '../../lambda/lambda-runner';
import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { objectOf, optionalNumber, optionalText, rejectUnknown, requiredText, scalarText } from './properties';
import type { ResourceProvider } from './provider';

/** Options of {@link lambdaFunction}. */
export interface LambdaFunctionOptions {
  readonly lambda: LambdaRunner;
  readonly random: Random;
  /** The start of function ARNs, up to the name. */
  readonly arnPrefix: string;
  /** Returns the directory of an unpacked asset by its object key, or `undefined` if there is no such asset. */
  readonly codeDirectory: (s3Key: string) => string | undefined;
}

/** `AWS::Lambda::Function` with an asset as its code. Another name requires replacement. */
export function lambdaFunction({ lambda, random, arnPrefix, codeDirectory }: LambdaFunctionOptions): ResourceProvider {
  const configurationOf = (functionName: string, properties: JsonObject): FunctionConfiguration => {
    const code = objectOf(properties, 'Code');
    rejectUnknown(code, ['S3Bucket', 'S3Key'], 'Code');
    const s3Key = requiredText(code, 'S3Key');
    const directory = codeDirectory(s3Key);
    if (directory === undefined) {
      throw new Error(
        `Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: no asset '${s3Key}'`,
      );
    }
    const environment = objectOf(properties, 'Environment');
    rejectUnknown(environment, ['Variables'], 'Environment');
    const logging = objectOf(properties, 'LoggingConfig');
    rejectUnknown(logging, ['LogGroup'], 'LoggingConfig');
    return {
      functionName,
      functionArn: arnPrefix + functionName,
      codeDirectory: directory,
      handler: requiredText(properties, 'Handler'),
      // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
      timeoutSeconds: optionalNumber(properties, 'Timeout') ?? 3,
      memorySizeMb: optionalNumber(properties, 'MemorySize') ?? 128,
      roleArn: requiredText(properties, 'Role'),
      variables: Object.fromEntries(
        Object.entries(objectOf(environment, 'Variables')).map(([name, value]) => [name, scalarText(value, name)]),
      ),
      logGroupName: optionalText(logging, 'LogGroup') ?? `/aws/lambda/${functionName}`,
    };
  };
  return {
    properties: [
      'FunctionName',
      'Description',
      'Code',
      'Handler',
      'Runtime',
      'Architectures',
      'Role',
      'MemorySize',
      'Timeout',
      'Environment',
      'LoggingConfig',
    ],
    attributes: ['Arn'],
    replacedBy: ['FunctionName'],
    create(properties, { stackName, logicalId }) {
      const functionName = optionalText(properties, 'FunctionName') ?? physicalName(stackName, logicalId, random);
      lambda.createFunction(configurationOf(functionName, properties));
      return { physicalId: functionName, attributes: { Arn: arnPrefix + functionName } };
    },
    update(physical, properties) {
      lambda.updateFunction(configurationOf(physical.physicalId, properties));
      return physical;
    },
    delete({ physicalId }) {
      lambda.deleteFunction(physicalId);
    },
  };
}
