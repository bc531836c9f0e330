/** The time that CloudFormation takes to create a resource. */
interface CreationTime {
  readonly seconds: number;
  /** `reported`: in the stack events of https://github.com/aws/aws-cdk/issues/7964. `assumed`: an estimate. */
  readonly source: 'reported' | 'assumed';
}

const BY_TYPE: Readonly<Record<string, CreationTime>> = {
  'AWS::IAM::Role': { seconds: 16, source: 'reported' },
  'AWS::IAM::Policy': { seconds: 16, source: 'reported' },
  'AWS::IAM::ManagedPolicy': { seconds: 16, source: 'assumed' },
  'AWS::IAM::User': { seconds: 16, source: 'assumed' },
  'AWS::SecretsManager::Secret': { seconds: 2, source: 'reported' },
  'AWS::Lambda::Function': { seconds: 6, source: 'assumed' },
  'AWS::Lambda::EventInvokeConfig': { seconds: 3, source: 'assumed' },
};
const CUSTOM_RESOURCE: CreationTime = { seconds: 3, source: 'assumed' };
const OTHER: CreationTime = { seconds: 2, source: 'assumed' };

/** Returns the time to create a resource of a type, in seconds. */
export function creationSeconds(type: string): number {
  const isCustom = type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';
  return (BY_TYPE[type] ?? (isCustom ? CUSTOM_RESOURCE : OTHER)).seconds;
}
