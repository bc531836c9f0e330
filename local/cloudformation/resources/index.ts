import type { LambdaRunner } from '../../lambda/lambda-runner';
import type { Random } from '../../lambda/uuid';
import { customResource, isCustomResource, type CustomResourceOptions } from './custom-resource';
import { eventInvokeConfig } from './event-invoke-config';
import { iamPolicy } from './iam-policy';
import { iamRole } from './iam-role';
import { iamUser } from './iam-user';
import { kmsKey } from './kms-key';
import { lambdaFunction } from './lambda-function';
import { logGroup } from './log-group';
import { placeholder } from './placeholder';
import type { ResourceProvider } from './provider';
import { secret } from './secret';
import { secretResourcePolicy } from './secret-resource-policy';
import type { Service } from './service';
import { ssmParameter } from './ssm-parameter';

/** Options of {@link providersOf}. */
export interface ResourcesOptions extends Omit<CustomResourceOptions, 'invoke'> {
  readonly random: Random;
  readonly region: string;
  readonly accountId: string;
  readonly partition: string;
  readonly iam: Service;
  readonly secretsManager: Service;
  readonly lambda: LambdaRunner;
  /** Returns the directory of a function's asset by its object key. */
  readonly codeDirectory: (s3Key: string) => string | undefined;
}

/** The providers of all supported resource types. */
export function providersOf(options: ResourcesOptions): (type: string) => ResourceProvider | undefined {
  const { clock, random, responseUrls, region, accountId, partition, iam, secretsManager, lambda, codeDirectory } =
    options;
  const arnPrefix = (service: string, resource: string) =>
    `arn:${partition}:${service}:${region}:${accountId}:${resource}`;
  const invoke = lambda.invoke.bind(lambda);
  const custom = customResource({ clock, random, responseUrls, invoke });
  const byType: ReadonlyMap<string, ResourceProvider> = new Map([
    ['AWS::CDK::Metadata', placeholder(['Analytics'], random)],
    ['AWS::CloudFormation::WaitConditionHandle', placeholder([], random)],
    ['AWS::IAM::Policy', iamPolicy(iam, random)],
    ['AWS::IAM::Role', iamRole(iam, random)],
    ['AWS::IAM::User', iamUser(iam, random)],
    ['AWS::KMS::Key', kmsKey(random, arnPrefix('kms', 'key/'))],
    ['AWS::Lambda::EventInvokeConfig', eventInvokeConfig(lambda, random)],
    [
      'AWS::Lambda::Function',
      lambdaFunction({ lambda, random, arnPrefix: arnPrefix('lambda', 'function:'), codeDirectory }),
    ],
    ['AWS::Logs::LogGroup', logGroup(random, arnPrefix('logs', 'log-group:'))],
    ['AWS::SSM::Parameter', ssmParameter(random)],
    ['AWS::SecretsManager::ResourcePolicy', secretResourcePolicy(secretsManager)],
    ['AWS::SecretsManager::Secret', secret(secretsManager, random)],
  ]);
  return (type) => (isCustomResource(type) ? custom : byType.get(type));
}
