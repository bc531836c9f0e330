import {
  type App,
  Aws,
  type CfnElement,
  CfnOutput,
  CfnParameter,
  Fn,
  Lazy,
  NestedStack,
  type Stack,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import * as fc from 'fast-check';
import { type MfaEnrollmentProps, MfaEnrollmentProvider } from '../../lib';
import {
  DEVICE,
  enroll,
  enrollmentPolicies,
  enrollmentResource,
  enrollments,
  logicalIdOf,
  newApp,
  newStack,
  only,
  resources,
} from './fixture';

/** The logical ids of an enrollment and its policy. */
function idsOf(props: (stack: Stack) => Partial<MfaEnrollmentProps>): { enrollment: string[]; policy: string[] } {
  const stack = newStack();
  enroll(stack, props(stack));
  return { enrollment: Object.keys(enrollments(stack)), policy: Object.keys(enrollmentPolicies(stack)) };
}

const imported = (name: string) => (stack: Stack) => ({ user: iam.User.fromUserName(stack, 'Imported', name) });
const owned = (userName?: string) => (stack: Stack) => ({ user: new iam.User(stack, 'Owned', { userName }) });

describe('a construct renamed or moved changes nothing but metadata', () => {
  const template = (declare: (stack: Stack) => void) => {
    const stack = newStack({}, newApp({ 'aws:cdk:enable-path-metadata': true }));
    new iam.User(stack, 'Alice');
    declare(stack);
    return Template.fromStack(stack).toJSON();
  };
  const withoutMetadata = (json: Record<string, unknown>) =>
    JSON.stringify(json, (key, value: unknown) => (key === 'Metadata' ? undefined : sorted(value)), 1);
  // CloudFormation's objects have no order; its lists do, and `DependsOn` is a list.
  const sorted = (value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  const before = template((stack) => enroll(stack, {}, 'AliceMfa'));

  test.each<[string, (stack: Stack) => void]>([
    ['renamed', (stack) => enroll(stack, {}, 'Renamed')],
    ['renamed to what sorts before everything', (stack) => enroll(stack, {}, '0')],
    ['renamed to what sorts behind everything', (stack) => enroll(stack, {}, 'Zoe')],
    ['moved to another scope', (stack) => enroll(new Construct(stack, 'Team'), {}, 'AliceMfa')],
    ['declared after the provider was made', (stack) => (MfaEnrollmentProvider.getOrCreate(stack), enroll(stack))],
  ])('%s', (_change, declare) => {
    expect(withoutMetadata(template(declare))).toEqual(withoutMetadata(before));
  });

  test('the paths in metadata do differ, so that the comparison sees something', () => {
    expect(template((stack) => enroll(stack, {}, 'Renamed'))).not.toEqual(before);
  });
});

describe('another user, device or provider is another enrollment and another policy', () => {
  const base = imported('alice');
  test.each<[string, (stack: Stack) => Partial<MfaEnrollmentProps>]>([
    ['user', imported('bob')],
    ['device', (s) => ({ ...base(s), serialNumber: `${DEVICE}2` })],
    ['path of the device', (s) => ({ ...base(s), serialNumber: DEVICE.replace('alice', 'team/alice') })],
    ['provider', (s) => ({ ...base(s), provider: new MfaEnrollmentProvider(s, 'Other') })],
  ])('%s', (_change, props) => {
    const [before, after] = [idsOf(base), idsOf(props)];
    expect(after.enrollment).not.toEqual(before.enrollment);
    expect(after.policy).not.toEqual(before.policy);
  });

  test('and user and device are not interchangeable', () => {
    const pair = (user: string, device: string) =>
      idsOf((s) => ({ ...imported(user)(s), serialNumber: `arn:aws:iam::123456789012:mfa/${device}` }));
    expect(pair('alice', 'bob')).not.toEqual(pair('bob', 'alice'));
    expect(pair('ab', 'c')).not.toEqual(pair('a', 'bc'));
  });

  test('an enrollment that is added beside others leaves them as they are', () => {
    const both = newStack();
    enroll(both, { serialNumber: `${DEVICE}2` }, 'Second');
    enroll(both, {}, 'First');
    const alone = newStack();
    enroll(alone, {}, 'First');
    expect(enrollments(both)).toMatchObject(enrollments(alone));
    expect(Object.keys(enrollments(both))).toHaveLength(2);
  });

  test.each<[string, Partial<MfaEnrollmentProps>]>([
    ['seedSecretField', { seedSecretField: 'seed' }],
    ['adoptExisting', { adoptExisting: true }],
  ])('another %s is the same enrollment', (_prop, props) => {
    expect(idsOf((s) => ({ ...base(s), ...props }))).toEqual(idsOf(base));
  });
});

describe('one device is one device, however its ARN is spelled', () => {
  const literal = idsOf(() => ({}));

  test.each<[string, (stack: Stack) => string]>([
    ['with pseudo parameters', () => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:mfa/alice`],
    ['by Stack.formatArn', (s) => s.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: 'alice' })],
    ['by Fn.sub', () => Fn.sub('arn:${AWS::Partition}:iam::${AWS::AccountId}:mfa/alice')],
    ['by Fn.sub with variables', () => Fn.sub('arn:aws:iam::${Account}:mfa/alice', { Account: Aws.ACCOUNT_ID })],
    ['by Fn.join with colons', () => Fn.join(':', ['arn', Aws.PARTITION, 'iam', '', Aws.ACCOUNT_ID, 'mfa/alice'])],
    ['by Fn.join with slashes', () => Fn.join('/', [`arn:aws:iam::${Aws.ACCOUNT_ID}:mfa`, 'alice'])],
    ['by a Lazy', () => Lazy.string({ produce: () => DEVICE })],
    ['in another partition', () => DEVICE.replace('arn:aws:', 'arn:aws-cn:')],
  ])('%s', (_spelling, serialNumber) => {
    expect(idsOf((stack) => ({ serialNumber: serialNumber(stack) }))).toEqual(literal);
  });

  test.each<[string, (token: string) => string]>([
    ['its ARN', (token) => token],
    ['its name', (token) => `arn:aws:iam::${Aws.ACCOUNT_ID}:mfa/${token}`],
    ['its name, by Fn.sub', (token) => Fn.sub('arn:aws:iam::${AWS::AccountId}:mfa/${Name}', { Name: token })],
  ])('a device of which only the deployment knows %s is told apart by its token', (_what, serialNumber) => {
    const ids = (parameter: string) =>
      idsOf((stack) => ({ serialNumber: serialNumber(new CfnParameter(stack, parameter).valueAsString) }));
    expect(ids('A')).toEqual(ids('A'));
    expect(ids('A')).not.toEqual(ids('B'));
    expect(ids('A')).not.toEqual(literal);
  });
});

describe('users', () => {
  test("the declared name tells an app's own user apart, as CloudFormation replaces a renamed user", () => {
    const ids = [owned(), owned('alice'), owned('alicia')].map((props) => idsOf(props).enrollment[0]);
    expect(new Set(ids).size).toBe(3);
  });

  test('a declared name counts by what it is, not by how the user came into the app', () => {
    expect(idsOf(owned('alice'))).toEqual(idsOf(imported('alice')));
  });

  test('an imported name that only the deployment knows is told apart by its token', () => {
    const parameter = (name: string) => (s: Stack) => imported(new CfnParameter(s, name).valueAsString)(s);
    expect(idsOf(parameter('A'))).toEqual(idsOf(parameter('A')));
    expect(idsOf(parameter('A'))).not.toEqual(idsOf(parameter('B')));
  });

  test('a declared name that only the deployment knows is told apart by its token', () => {
    const parameter = (name: string) => (s: Stack) => owned(new CfnParameter(s, name).valueAsString)(s);
    const ids = [owned(), parameter('A'), parameter('B')].map((props) => idsOf(props).enrollment[0]);
    expect(new Set(ids).size).toBe(3);
  });
});

describe('overrideLogicalId after construction', () => {
  const override = (construct: Construct, id: string) =>
    (construct.node.defaultChild as CfnElement).overrideLogicalId(id);

  test('of the user is a new user, and so a new enrollment', () => {
    const stack = newStack();
    const user = new iam.User(stack, 'Alice');
    const before = logicalIdOf(enroll(stack, { user }));
    override(user, 'Renamed');
    const { logicalId, Properties } = only(stack, 'Custom::MfaEnrollment');
    expect(Properties['UserName']).toEqual({ Ref: 'Renamed' });
    expect(logicalId).toMatch(/^MfaEnrollmentRenamedAlice/);
    expect(logicalId).not.toBe(before);
  });

  test('of the function is a new provider, and so a new enrollment', () => {
    const stack = newStack();
    const before = logicalIdOf(enroll(stack));
    override(MfaEnrollmentProvider.getOrCreate(stack).function, 'Renamed');
    const { logicalId, Properties } = only(stack, 'Custom::MfaEnrollment');
    expect(Properties['ServiceToken']).toEqual({ 'Fn::GetAtt': ['Renamed', 'Arn'] });
    expect(logicalId).not.toBe(before);
  });

  test('of the function is one by `renameLogicalId`, too', () => {
    const stack = newStack();
    const provider = MfaEnrollmentProvider.getOrCreate(stack);
    const before = logicalIdOf(provider.function);
    stack.renameLogicalId(before, 'Renamed');
    enroll(stack);
    expect(only(stack, 'Custom::MfaEnrollment').Properties['ServiceToken']).toEqual({
      'Fn::GetAtt': ['Renamed', 'Arn'],
    });
  });

  test('of the enrollment stands, and leaves its policy as it was', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    const policy = logicalIdOf(enrollment.node.findChild('Policy'));
    enrollmentResource(enrollment).overrideLogicalId('Mine');
    expect(only(stack, 'Custom::MfaEnrollment')).toMatchObject({
      logicalId: 'Mine',
      DependsOn: [policy],
    });
    expect(Object.keys(enrollmentPolicies(stack))).toEqual([policy]);
  });

  test('of the enrollment is an error where a claim on the device would be too long for a tag', () => {
    const stack = newStack();
    enrollmentResource(enroll(stack)).overrideLogicalId('M'.repeat(62));
    expect(() => Template.fromStack(stack)).toThrow(/'M{62}' has 62 characters: at most 61 are allowed/);
  });
});

describe('references between stacks', () => {
  const crossed = (id = 'AliceMfa', userStackId = 'Users') => {
    const app = newApp();
    const users = newStack({}, app, userStackId);
    const user = new iam.User(users, 'Alice');
    const stack = newStack({}, app, 'Enrollments');
    return { app, users, stack, enrollment: enroll(stack, { user }, id) };
  };

  test('a user of another stack is imported, and the renamed construct stays the same', () => {
    const { stack } = crossed();
    expect(only(stack, 'Custom::MfaEnrollment').Properties['UserName']).toEqual({
      'Fn::ImportValue': expect.stringMatching(/^Users:/) as unknown,
    });
    expect(Object.keys(enrollments(crossed('Renamed').stack))).toEqual(Object.keys(enrollments(stack)));
  });

  test('users with one logical id in two stacks are two users', () => {
    expect(only(crossed('AliceMfa', 'Others').stack, 'Custom::MfaEnrollment').logicalId).not.toBe(
      only(crossed().stack, 'Custom::MfaEnrollment').logicalId,
    );
  });

  test('so are users that two stacks name by parameters of one name', () => {
    const app = newApp();
    const stacks = ['One', 'Two'].map((name) => {
      const users = newStack({}, app, `Users${name}`);
      const userName = new CfnParameter(users, 'Name').valueAsString;
      const stack = newStack({}, app, name);
      enroll(stack, { user: new iam.User(users, 'Alice', { userName }) });
      return stack;
    });
    const ids = stacks.map((stack) => only(stack, 'Custom::MfaEnrollment').logicalId);
    expect(new Set(ids).size).toBe(2);
  });

  test('the policy is named by the logical id that it has in the template', () => {
    const [policy] = Object.entries(enrollmentPolicies(crossed().stack));
    expect(policy?.[1].Properties['PolicyName']).toBe(policy?.[0]);
  });

  test('the names of the exports change with user and device only, not with the construct', () => {
    const exported = (id: string) => {
      const { app, stack, enrollment } = crossed(id);
      new CfnOutput(newStack({}, app, 'Reader'), 'Who', { value: enrollment.userName });
      return Template.fromStack(stack).findOutputs('*');
    };
    expect(Object.keys(exported('AliceMfa'))).toHaveLength(1);
    expect(exported('AliceMfa')).toEqual(exported('Renamed'));
  });

  test.each(['after', 'before'])(
    'a third stack, declared %s the others, may use what the enrollment answers',
    (when) => {
      const app = newApp();
      const third = when === 'before' ? newStack({}, app, 'Third') : undefined;
      const users = newStack({}, app, 'Users');
      const stack = newStack({}, app, 'Enrollments');
      const enrollment = enroll(stack, { user: new iam.User(users, 'Alice') });
      const reader = third ?? newStack({}, app, 'Third');
      new CfnOutput(reader, 'Who', { value: enrollment.userName });

      const [exported] = Object.values(Template.fromStack(stack).findOutputs('*'));
      expect(exported?.['Value']).toEqual({
        'Fn::GetAtt': [only(stack, 'Custom::MfaEnrollment').logicalId, 'UserName'],
      });
      Template.fromStack(reader).hasOutput('Who', {
        Value: { 'Fn::ImportValue': (exported?.['Export'] as { Name: string }).Name },
      });
      expect(reader.dependencies).toContain(stack);
      expect(stack.dependencies).toContain(users);
    },
  );

  test('a user of the parent reaches an enrollment in a nested stack, which keeps its logical id when it is renamed', () => {
    const nestedIds = (id: string) => {
      const parent = newStack();
      const nested = new NestedStack(parent, 'Nested');
      enroll(nested, { user: new iam.User(parent, 'Alice') }, id);
      const { logicalId, Properties } = only(nested, 'Custom::MfaEnrollment');
      const { Ref: parameter = '' } = Properties['UserName'] as { Ref?: string };
      expect(Template.fromStack(nested).findParameters(parameter)).toHaveProperty(parameter);
      return logicalId;
    };
    expect(nestedIds('AliceMfa')).toBe(nestedIds('Renamed'));
  });

  test('a user of a nested stack reaches an enrollment of the parent', () => {
    const parent = newStack();
    enroll(parent, { user: new iam.User(new NestedStack(parent, 'Nested'), 'Alice') });
    const [nestedId] = Object.keys(resources(parent, 'AWS::CloudFormation::Stack'));
    expect(only(parent, 'Custom::MfaEnrollment').Properties['UserName']).toEqual({
      'Fn::GetAtt': [nestedId, expect.stringMatching(/^Outputs\./)],
    });
  });
});

describe('logical ids', () => {
  test('are readable: user, then device, each once', () => {
    const id = (user: string, device: string) =>
      idsOf((s) => ({ ...imported(user)(s), serialNumber: `arn:aws:iam::123456789012:mfa/${device}` })).enrollment[0];
    expect(id('alice', 'laptop')).toMatch(/^MfaEnrollmentAliceLaptop[0-9A-F]{8}$/);
    expect(id('alice', 'alice')).toMatch(/^MfaEnrollmentAlice[0-9A-F]{8}$/);
    expect(id('alice.b@example.com', 'team/alice')).toMatch(/^MfaEnrollmentAlicebexamplecomTeamalice[0-9A-F]{8}$/);
    expect(id('-', '_')).toMatch(/^MfaEnrollment[0-9A-F]{8}$/);
  });

  // Few letters, so that names which differ only in what an id can't hold come up often.
  const name = (maxLength: number) =>
    fc.string({
      unit: fc.constantFrom('a', 'A', 'b', '1', '.', '-', '_', '@', '+', '=', ','),
      minLength: 1,
      maxLength,
    });
  const pairs = fc.uniqueArray(fc.tuple(name(64), name(215)), {
    selector: ([user, device]) => `${user}|${device}`,
    minLength: 2,
    maxLength: 8,
  });

  test('are alphanumeric, at most 61 characters long, and different for different pairs, whatever the names', () => {
    const app: App = newApp();
    let run = 0;
    fc.assert(
      fc.property(pairs, (pairsOfOneStack) => {
        const stack = newStack({}, app, `Run${run++}`);
        const provider = MfaEnrollmentProvider.getOrCreate(stack);
        const ids = pairsOfOneStack.flatMap(([user, device], index) => {
          const scope = new Construct(stack, `Pair${index}`);
          const enrollment = enroll(scope, {
            provider,
            user: iam.User.fromUserName(scope, 'User', user),
            serialNumber: `arn:aws:iam::123456789012:mfa/${device}`,
          });
          return [logicalIdOf(enrollment), logicalIdOf(enrollment.node.findChild('Policy'))];
        });
        expect(ids.filter((id) => !/^[A-Za-z][A-Za-z0-9]{0,60}$/.test(id))).toEqual([]);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 40, seed: 20260901 },
    );
  });
});
