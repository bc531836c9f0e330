import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { type IConstruct, type IDependable } from 'constructs';
import { quoted } from '../checks';
import { type IMfaEnrollmentProvider } from '../mfa-enrollment-provider';
import { Lazy, Stack } from './cdk';
import { resourceIn } from './identity';
import { refuse, wrongType } from './props';
import { decryptStatements } from './seed-secret';

const METHOD = 'restrictSeedReaders';

/** Restricts who can read a device's seed and overwrite it, by the policy of its secret. */
export class SeedReaders {
  private readonly readers: string[] = [];
  private readonly providers: IMfaEnrollmentProvider[] = [];
  private policy?: IDependable;

  constructor(
    private readonly device: IConstruct,
    private readonly seedSecret: secretsmanager.ISecret,
  ) {}

  /** Notes a provider whose function creates or enrolls the device. */
  public addProvider(provider: IMfaEnrollmentProvider): void {
    if (!this.providers.includes(provider)) {
      this.providers.push(provider);
    }
  }

  /** @returns what the device depends on, so that nobody else can read its seed from the start */
  public restrict(readers: readonly iam.IGrantable[]): IDependable {
    refuse(this.device, METHOD, this.problemOfSecret());
    readers.forEach((reader) => refuse(this.device, METHOD, problemOfReader(reader) ?? this.problemOfPlace(reader)));
    for (const reader of readers) {
      this.readers.push(arnIn(reader)!);
      this.grant(reader);
    }
    return (this.policy ??= this.addStatements());
  }

  /** Checks what only synthesis knows: all providers. */
  public problems(): string[] {
    if (this.policy === undefined) {
      return [];
    }
    return this.providers
      .filter((provider) => isDeclared(provider) && Stack.of(provider) !== Stack.of(this.seedSecret))
      .map(
        (provider) =>
          `'${METHOD}': invalid provider '${provider.node.path}' in another stack: expected a provider in the stack of the secret, or one that is imported`,
      );
  }

  private problemOfSecret(): string | undefined {
    if (resourceIn(this.seedSecret, secretsmanager.CfnSecret.CFN_RESOURCE_TYPE_NAME) === undefined) {
      return `invalid secret '${this.seedSecret.node.path}': expected a secret that the app declares, because an imported one takes no resource policy`;
    }
    return Stack.of(this.seedSecret) === Stack.of(this.device)
      ? undefined
      : `invalid secret '${this.seedSecret.node.path}' in another stack: expected a secret in the stack of the device`;
  }

  /** The reader's policy refers to the secret, and the secret's policy to the reader: two stacks can't do both. */
  private problemOfPlace({ grantPrincipal }: iam.IGrantable): string | undefined {
    const reader = grantPrincipal as iam.IRole | iam.IUser;
    const isDeclaredElsewhere =
      Stack.of(reader) !== Stack.of(this.seedSecret) &&
      [iam.CfnRole, iam.CfnUser].some((type) => resourceIn(reader, type.CFN_RESOURCE_TYPE_NAME) !== undefined);
    return isDeclaredElsewhere
      ? `invalid reader '${reader.node.path}' in another stack: expected a role or a user in the stack of the secret, or one that is imported`
      : undefined;
  }

  /** aws-cdk-lib grants the key by the key's policy, which an imported key does not let it change. */
  private grant(reader: iam.IGrantable): void {
    this.seedSecret.grantRead(reader);
    for (const statement of decryptStatements(this.seedSecret)) {
      reader.grantPrincipal.addToPrincipalPolicy(iam.PolicyStatement.fromJson(statement));
    }
  }

  private addStatements(): IDependable {
    const deny = (action: string, others: () => string[]) =>
      this.seedSecret.addToResourcePolicy(
        new iam.PolicyStatement({
          effect: iam.Effect.DENY,
          principals: [new iam.AnyPrincipal()],
          actions: [action],
          resources: ['*'],
          conditions: { ArnNotEquals: { 'aws:PrincipalArn': Lazy.uncachedList({ produce: others }) } },
        }),
      );
    const functions = () => this.providers.map(({ role }) => role.roleArn);
    const { policyDependable } = deny('secretsmanager:GetSecretValue', () => [
      ...new Set([...this.readers, ...functions()]),
    ]);
    deny('secretsmanager:PutSecretValue', functions);
    return policyDependable!;
  }
}

function problemOfReader(reader: iam.IGrantable): string | undefined {
  const arn = arnIn(reader);
  if (arn === undefined) {
    return wrongType(reader, 'roles and users (iam.IRole, iam.IUser)');
  }
  return /[*?]/.test(arn) ? `invalid reader ${quoted(arn)}: expected one role or user, without wildcards` : undefined;
}

/** The ARN of a role or a user. */
function arnIn(reader: iam.IGrantable): string | undefined {
  const { roleArn, userArn } = Object((Object(reader) as Partial<iam.IGrantable>).grantPrincipal) as {
    roleArn?: string;
    userArn?: string;
  };
  return roleArn ?? userArn;
}

/** Whether the app declares a provider; an imported one has no function. */
function isDeclared(provider: IMfaEnrollmentProvider): boolean {
  return 'function' in provider;
}
