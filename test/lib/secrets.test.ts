import { CfnParameter, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import * as fc from 'fast-check';
import { VirtualMfaDevice } from '../../lib';
import { problemOfSecretArn } from '../../lib/checks';
import { nameToAskFor, secretIdOf } from '../../lib/contract';
import { type AuthorizationRequest } from '../../local/iam';
import { matchesArn } from '../../local/iam/authorization/wildcard';
import { bytes, numbers } from '../../local/random';
import { SecretsManager } from '../../local/secrets-manager';
import { VirtualClock } from '../../local/virtual-clock';
import { enroll, ENV, newApp, newStack, only, type Resource, resources, type Statement, statementsOf } from './fixture';

/*
 * Secrets Manager finds a secret by its complete ARN, by a partial ARN that doesn't end in a hyphen and six characters,
 * or by its name. Whatever an app imports and wherever it declares it, the function must ask for that secret, and must
 * be allowed to.
 */

const ENDS_LIKE_COMPLETE = /-[A-Za-z0-9]{6}$/;

const letters = (alphabet: string, constraints: fc.StringConstraints = {}) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, ...constraints });
const six = letters('aB3xyZ', { minLength: 6, maxLength: 6 });
const names = fc.oneof(
  letters('aB3-/_+=.@!', { maxLength: 30 }),
  fc.tuple(letters('aB3-/_+=.@!', { maxLength: 20 }), six).map(([name, end]) => `${name}-${end}`),
  fc.constantFrom('mfa/john-miller', 'mfa/alice', 'a-b', 'xyz-secret', 'mfa/alice-AbCdEf-GhIjKl', 'rds!cluster-1'),
);
const environments = fc.constantFrom<typeof ENV>(
  ENV,
  { ...ENV, region: 'us-east-1' },
  { ...ENV, account: '999999999999' },
);

/** A secret in the Secrets Manager of an account and region, beside others whose names and ARNs are alike. */
function storeIn({ account, region }: typeof ENV, name: string) {
  const asked: AuthorizationRequest[] = [];
  const secrets = new SecretsManager({
    clock: new VirtualClock(),
    accountId: account,
    region,
    random: bytes(numbers(1)),
    authorize: (_caller, request) => {
      asked.push(request);
      return undefined;
    },
  });
  const create = (Name: string) => (secrets.call('CreateSecret', { Name, SecretString: Name }) as { ARN: string }).ARN;
  const arn = create(name);
  for (const other of [`${name}-AbCdEf`, `${name}x`, name.slice(0, -7)]) {
    if (other !== '' && !secrets.secretNames.includes(other)) {
      create(other);
    }
  }
  return { secrets, asked, arn };
}

/** How an app can come by a secret, given its name and its complete ARN. */
const WAYS: Record<string, (stack: Stack, name: string, arn: string) => ISecret> = {
  'by name': (stack, name) => Secret.fromSecretNameV2(stack, 'Seed', name),
  'by a name that a parameter has': (stack) =>
    Secret.fromSecretNameV2(stack, 'Seed', new CfnParameter(stack, 'Name').valueAsString),
  'by a name that ends in a parameter': (stack, name) => {
    const end = new CfnParameter(stack, 'End').valueAsString;
    return Secret.fromSecretNameV2(stack, 'Seed', name.slice(0, -1) + end);
  },
  'by a name that begins with a parameter': (stack, name) => {
    const start = new CfnParameter(stack, 'Start').valueAsString;
    return Secret.fromSecretNameV2(stack, 'Seed', start + name.slice(1));
  },
  'by partial ARN': (stack, _, arn) => Secret.fromSecretPartialArn(stack, 'Seed', arn.slice(0, -7)),
  'by complete ARN': (stack, _, arn) => Secret.fromSecretCompleteArn(stack, 'Seed', arn),
  'by attributes with a partial ARN': (stack, _, arn) =>
    Secret.fromSecretAttributes(stack, 'Seed', { secretPartialArn: arn.slice(0, -7) }),
  'by attributes with a complete ARN': (stack, _, arn) =>
    Secret.fromSecretAttributes(stack, 'Seed', { secretCompleteArn: arn }),
  'by a complete ARN that a parameter has': (stack) =>
    Secret.fromSecretCompleteArn(stack, 'Seed', new CfnParameter(stack, 'Arn').valueAsString),
  declared: (stack, secretName) => new Secret(stack, 'Seed', { secretName }),
};

/** A value of the template as a deployment resolves it. */
function deployed(value: unknown, name: string, arn: string): string {
  const { Ref: reference, 'Fn::Join': join } = Object(value) as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  if (typeof value === 'string') {
    return value;
  }
  if (join !== undefined) {
    return join[1].map((part) => deployed(part, name, arn)).join(join[0]);
  }
  const parameters: Record<string, string> = { Name: name, End: name.slice(-1), Start: name.slice(0, 1) };
  // What is left is a reference to the secret, in this stack or by an import of another stack's export.
  return parameters[reference ?? ''] ?? arn;
}

/** The statements on the secret in the policy of the custom resource. */
function grantsIn(stack: Stack, logicalIds: RegExp): Statement[] {
  return Object.entries(resources(stack, 'AWS::IAM::Policy'))
    .filter(([logicalId]) => logicalIds.test(logicalId))
    .flatMap(([, policy]: [string, Resource]) => statementsOf(policy))
    .filter(({ Action }) => [Action].flat().some((action) => action.startsWith('secretsmanager:')));
}

/** What uses the secret: the type of its resource, and the logical ids of its policy. */
const USES = [
  ['Custom::MfaEnrollment', /^MfaEnrollmentPolicy/],
  ['Custom::VirtualMfaDevice', /^VirtualMfaDevicePolicy/],
] as const;

describe('for any name, and in any account and region, the seed secret is what Secrets Manager finds and what the policy grants', () => {
  test.each(Object.entries(WAYS))('%s', (how, way) => {
    fc.assert(
      fc.property(names, environments, fc.boolean(), (name, owner, isInOwnStack) => {
        const { secrets, asked, arn } = storeIn(owner, name);
        const app = newApp({ '@aws-cdk/core:enablePartitionLiterals': true });
        const stack = newStack({ env: ENV }, app);
        const isElsewhere = owner !== ENV || !isInOwnStack;
        const place = isElsewhere ? newStack({ env: owner }, app, 'Secrets') : stack;
        // A parameter is not known in another stack.
        fc.pre(!how.includes('parameter') || !isElsewhere);

        const declare = () => {
          const seedSecret = way(place, name, arn);
          enroll(stack, { seedSecret, user: iam.User.fromUserName(stack, 'User', 'alice') });
          new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'bob', seedSecret });
        };
        if (ENDS_LIKE_COMPLETE.test(name) && how.includes('partial')) {
          expect(declare).toThrow(
            /invalid partial ARN of a secret .*: expected no hyphen and six characters at its end/,
          );
          return;
        }
        if (ENDS_LIKE_COMPLETE.test(name) && how === 'by name' && owner.account !== ENV.account) {
          expect(declare).toThrow(/in another account: expected a complete ARN/);
          return;
        }
        declare();
        for (const [type, logicalIds] of USES) {
          const sent = deployed(only(stack, type).Properties['SeedSecretArn'], name, arn);
          const granted = grantsIn(stack, logicalIds).map(({ Resource: resource }) => deployed(resource, name, arn));
          expect(secrets.call('DescribeSecret', { SecretId: secretIdOf(sent) })).toMatchObject({
            ARN: arn,
            Name: name,
          });
          expect(problemOfSecretArn(sent, ENV) !== undefined).toBe(
            owner.account !== ENV.account && nameToAskFor(sent) !== undefined,
          );
          expect(granted.length).toBeGreaterThan(0);
          expect(granted.filter((pattern) => !matchesArn(pattern, asked.at(-1)!.resource))).toEqual([]);
          // Nothing but the random characters is left open.
          expect(granted.filter((pattern) => !arn.startsWith(pattern.replace(/-\?{6}$/, '')))).toEqual([]);
        }
      }),
      { numRuns: 10, seed: 20260901 },
    );
  });
});

test('a seed secret that is imported by a name that ends in a hyphen and six letters is sent with its open end', () => {
  const stack = newStack({ env: ENV }, newApp({ '@aws-cdk/core:enablePartitionLiterals': true }));
  enroll(stack, { seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/john-miller') });
  expect(only(stack, 'Custom::MfaEnrollment').Properties['SeedSecretArn']).toBe(
    'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/john-miller-??????',
  );
  expect(() => Template.fromStack(stack)).not.toThrow();
});
