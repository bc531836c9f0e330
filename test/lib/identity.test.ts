import {
  type App,
  ArnFormat,
  Aws,
  type CfnElement,
  CfnOutput,
  CfnParameter,
  Fn,
  Lazy,
  NestedStack,
  type Stack,
  type StackProps,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import * as fc from 'fast-check';
import { MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';
import {
  type Declaration,
  DEVICE,
  ENV,
  enroll,
  enrollMade,
  enrollmentPolicies,
  enrollmentResource,
  enrollments,
  logicalIdOf,
  newApp,
  newStack,
  only,
  resources,
} from './fixture';
import { bareTemplate } from './templates';

/** The logical ids of an enrollment and its policy. */
function idsOf(props: (stack: Stack) => Declaration): { enrollment: string[]; policy: string[] } {
  const stack = newStack();
  enroll(stack, props(stack));
  return { enrollment: Object.keys(enrollments(stack)), policy: Object.keys(enrollmentPolicies(stack)) };
}

const imported = (name: string) => (stack: Stack) => ({ user: iam.User.fromUserName(stack, 'Imported', name) });
const owned = (userName?: string) => (stack: Stack) => ({ user: new iam.User(stack, 'Owned', { userName }) });

describe('renaming or moving an enrollment changes nothing but metadata', () => {
  const stackWith = (declare: (stack: Stack) => void) => {
    const stack = newStack({}, newApp({ 'aws:cdk:enable-path-metadata': true }));
    new iam.User(stack, 'Alice');
    declare(stack);
    return stack;
  };
  const before = stackWith((stack) => enroll(stack, {}, 'AliceMfa'));

  test.each<[string, (stack: Stack) => void]>([
    ['renamed', (stack) => enroll(stack, {}, 'Renamed')],
    ['renamed to an id that sorts first', (stack) => enroll(stack, {}, '0')],
    ['renamed to an id that sorts last', (stack) => enroll(stack, {}, 'Zoe')],
    ['moved to another scope', (stack) => enroll(new Construct(stack, 'Team'), {}, 'AliceMfa')],
    ['declared after its provider', (stack) => (MfaEnrollmentProvider.getOrCreate(stack), enroll(stack))],
  ])('%s', (_change, declare) => {
    expect(bareTemplate(stackWith(declare))).toEqual(bareTemplate(before));
  });

  test('the template has paths in its metadata, which do change', () => {
    const renamed = stackWith((stack) => enroll(stack, {}, 'Renamed'));
    expect(Template.fromStack(renamed).toJSON()).not.toEqual(Template.fromStack(before).toJSON());
  });
});

describe('another user, device or provider is another enrollment with another policy', () => {
  const base = imported('alice');
  test.each<[string, (stack: Stack) => Declaration]>([
    ['user', imported('bob')],
    ['device', (s) => ({ ...base(s), serialNumber: `${DEVICE}2` })],
    ['path of the device', (s) => ({ ...base(s), serialNumber: DEVICE.replace('alice', 'team/alice') })],
    ['provider', (s) => ({ ...base(s), provider: new MfaEnrollmentProvider(s, 'Other') })],
  ])('%s', (_change, props) => {
    const [before, after] = [idsOf(base), idsOf(props)];
    expect(after.enrollment).not.toEqual(before.enrollment);
    expect(after.policy).not.toEqual(before.policy);
  });

  test('user and device are not interchangeable', () => {
    const pair = (user: string, device: string) =>
      idsOf((s) => ({ ...imported(user)(s), serialNumber: `arn:aws:iam::123456789012:mfa/${device}` }));
    expect(pair('alice', 'bob')).not.toEqual(pair('bob', 'alice'));
    expect(pair('ab', 'c')).not.toEqual(pair('a', 'bc'));
  });

  test('adding an enrollment changes no other', () => {
    const both = newStack();
    enroll(both, { serialNumber: `${DEVICE}2` }, 'Second');
    enroll(both, {}, 'First');
    const alone = newStack();
    enroll(alone, {}, 'First');
    expect(enrollments(both)).toMatchObject(enrollments(alone));
    expect(Object.keys(enrollments(both))).toHaveLength(2);
  });

  test.each<[string, Declaration]>([
    ['seedSecretField', { seedSecretField: 'seed' }],
    ['adoptExisting', { adoptExisting: true }],
  ])('another %s is the same enrollment', (_prop, props) => {
    expect(idsOf((s) => ({ ...base(s), ...props }))).toEqual(idsOf(base));
  });
});

describe('two ways to write the ARN of a device are one device', () => {
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
  ])('devices of which only a deployment knows %s differ by their tokens', (_what, serialNumber) => {
    const ids = (parameter: string) =>
      idsOf((stack) => ({ serialNumber: serialNumber(new CfnParameter(stack, parameter).valueAsString) }));
    expect(ids('A')).toEqual(ids('A'));
    expect(ids('A')).not.toEqual(ids('B'));
    expect(ids('A')).not.toEqual(literal);
  });
});

describe('the region in the name of a device', () => {
  const inRegion = (region: string | undefined, serialNumber: string) => {
    const stack = newStack(region === undefined ? {} : { env: { region } });
    enroll(stack, { serialNumber });
    return [...Object.keys(enrollments(stack)), ...Object.keys(enrollmentPolicies(stack))];
  };
  const unknown = `arn:aws:iam::${Aws.ACCOUNT_ID}:mfa/team/alice-${Aws.REGION}-1`;
  const known = `arn:aws:iam::${Aws.ACCOUNT_ID}:mfa/team/alice-eu-central-1-1`;

  test('a stack whose region becomes known keeps the enrollment', () => {
    expect(inRegion('eu-central-1', known)).toEqual(inRegion(undefined, unknown));
    expect(inRegion('eu-central-1', unknown)).toEqual(inRegion(undefined, unknown));
    const bySub = Fn.sub('arn:aws:iam::${AWS::AccountId}:mfa/team/alice-${AWS::Region}-1');
    expect(inRegion('eu-central-1', bySub)).toEqual(inRegion(undefined, unknown));
  });

  test('the name of another region is another device', () => {
    expect(inRegion('us-east-1', known)).not.toEqual(inRegion('eu-central-1', known));
    expect(inRegion(undefined, known)).not.toEqual(inRegion(undefined, unknown));
  });
});

describe('a device with the region in its name', () => {
  const enrollment = (path: string, devicePath: string) => () => {
    const stack = newStack({ env: ENV });
    const pathScope = { userPath: '/', devicePath, seedSecretPrefix: 'mfa/' };
    const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
    enroll(stack, { provider, serialNumber: `arn:aws:iam::${ENV.account}:mfa${path}` });
  };

  test('is an error if it is known to be outside of the path scope', () => {
    const error = (path: string) => `'device': invalid value '${path}': expected a device below '/staff/'`;
    for (const path of [`/admins/alice-${ENV.region}`, `/${ENV.region}/alice`]) {
      expect(enrollment(path, '/staff/')).toThrow(error(path));
    }
    expect(enrollment(`/admins/alice-${Aws.REGION}`, '/staff/')).toThrow(error('/admins/alice-…'));
  });

  test('is no error if it may be below the path scope', () => {
    expect(enrollment(`/${Aws.REGION}/alice`, '/staff/')).not.toThrow();
    expect(enrollment(`/staff/alice-${ENV.region}`, '/staff/')).not.toThrow();
    expect(enrollment(`/staff/${Aws.REGION}/alice`, '/staff/')).not.toThrow();
    expect(enrollment(`/${ENV.region}/alice`, `/${ENV.region}/`)).not.toThrow();
  });
});

describe('a declared device is one device, however an enrollment refers to it', () => {
  type Names = { virtualMfaDeviceName?: string; path?: string };
  const NAMES: [string, StackProps, (stack: Stack) => Names][] = [
    ['a literal name', {}, () => ({ virtualMfaDeviceName: 'alice', path: '/staff/' })],
    ['the default name', {}, () => ({})],
    ['the default name in a known region', { env: ENV }, () => ({})],
    ['a parameter in its name', {}, (s) => ({ virtualMfaDeviceName: `a-${new CfnParameter(s, 'N').valueAsString}` })],
    ['a parameter as its path', {}, (s) => ({ path: new CfnParameter(s, 'P').valueAsString })],
    ['a Lazy in its name', {}, () => ({ virtualMfaDeviceName: `a-${Lazy.string({ produce: () => 'b' })}` })],
  ];
  const arnOf = (stack: Stack, device: VirtualMfaDevice, path = '/') =>
    stack.formatArn({
      service: 'iam',
      region: '',
      resource: `mfa${path}${device.virtualMfaDeviceName}`,
      arnFormat: ArnFormat.NO_RESOURCE_NAME,
    });

  test.each(NAMES)('with %s', (_name, stackProps, names) => {
    const idsBy = (refer: (stack: Stack, device: VirtualMfaDevice, path?: string) => Declaration) => {
      const stack = newStack(stackProps);
      const props = names(stack);
      const device = new VirtualMfaDevice(stack, 'Device', props);
      enroll(stack, { seedSecret: device.seedSecret, ...refer(stack, device, props.path) });
      return [...Object.keys(enrollments(stack)), ...Object.keys(enrollmentPolicies(stack))];
    };
    const byObject = idsBy((_, device) => ({ device }));
    expect(byObject).toHaveLength(2);
    expect(idsBy((_, { serialNumber }) => ({ serialNumber }))).toEqual(byObject);
    expect(idsBy((stack, device, path) => ({ serialNumber: arnOf(stack, device, path) }))).toEqual(byObject);
  });

  test.each(NAMES)('enrolling it twice is an error with %s', (_name, stackProps, names) => {
    const synthesis = (refer: (stack: Stack, device: VirtualMfaDevice, path?: string) => string) => () => {
      const stack = newStack(stackProps);
      const props = names(stack);
      const device = new VirtualMfaDevice(stack, 'Device', props);
      enroll(stack, { device }, 'First');
      enroll(stack, { serialNumber: refer(stack, device, props.path), seedSecret: device.seedSecret }, 'Second');
      Template.fromStack(stack);
    };
    const error =
      /\[Stack\/Second\] 'device': invalid value 'Stack\/SecondDevice': expected a device that the stack enrolls once, but 'Stack\/First' enrolls it, too/;
    expect(synthesis((_, { serialNumber }) => serialNumber)).toThrow(error);
    expect(synthesis(arnOf)).toThrow(error);
  });
});

describe('users', () => {
  test('a user of the app with another declared name is another user, because CloudFormation replaces it', () => {
    const ids = [owned(), owned('alice'), owned('alicia')].map((props) => idsOf(props).enrollment[0]);
    expect(new Set(ids).size).toBe(3);
  });

  test('a user with a literal name is the same user, declared or imported', () => {
    expect(idsOf(owned('alice'))).toEqual(idsOf(imported('alice')));
  });

  test('imported users whose names only a deployment knows differ by their tokens', () => {
    const parameter = (name: string) => (s: Stack) => imported(new CfnParameter(s, name).valueAsString)(s);
    expect(idsOf(parameter('A'))).toEqual(idsOf(parameter('A')));
    expect(idsOf(parameter('A'))).not.toEqual(idsOf(parameter('B')));
  });

  test('declared users whose names only a deployment knows differ by their tokens', () => {
    const parameter = (name: string) => (s: Stack) => owned(new CfnParameter(s, name).valueAsString)(s);
    const ids = [owned(), parameter('A'), parameter('B')].map((props) => idsOf(props).enrollment[0]);
    expect(new Set(ids).size).toBe(3);
  });
});

describe('overriding a logical id after construction', () => {
  const override = (construct: Construct, id: string) =>
    (construct.node.defaultChild as CfnElement).overrideLogicalId(id);

  test('a new logical id of the user is a new enrollment', () => {
    const stack = newStack();
    const user = new iam.User(stack, 'Alice');
    const before = logicalIdOf(enroll(stack, { user }));
    override(user, 'Renamed');
    const { logicalId, Properties } = only(stack, 'Custom::MfaEnrollment');
    expect(Properties['UserName']).toEqual({ Ref: 'Renamed' });
    expect(logicalId).toMatch(/^MfaEnrollmentRenamedAlice/);
    expect(logicalId).not.toBe(before);
  });

  test('a new logical id of the function is a new enrollment', () => {
    const stack = newStack();
    const before = logicalIdOf(enroll(stack));
    override(MfaEnrollmentProvider.getOrCreate(stack).function, 'Renamed');
    const { logicalId, Properties } = only(stack, 'Custom::MfaEnrollment');
    expect(Properties['ServiceToken']).toEqual({ 'Fn::GetAtt': ['Renamed', 'Arn'] });
    expect(logicalId).not.toBe(before);
  });

  test('renaming the logical id of the function is a new enrollment', () => {
    const stack = newStack();
    const provider = MfaEnrollmentProvider.getOrCreate(stack);
    stack.renameLogicalId(logicalIdOf(provider.function), 'Renamed');
    enroll(stack);
    const { logicalId, Properties } = only(stack, 'Custom::MfaEnrollment');
    expect(Properties['ServiceToken']).toEqual({ 'Fn::GetAtt': ['Renamed', 'Arn'] });
    expect([logicalId]).not.toEqual(idsOf(() => ({})).enrollment);
  });

  test.each<[string, (stack: Stack) => Construct]>([
    ['an enrollment', (stack) => enroll(stack)],
    ['the policy of an enrollment', (stack) => enroll(stack).node.findChild('Policy')],
    ['a device', (stack) => enrollMade(stack)],
    [
      'the function of a provider with a role of its own',
      (stack) => {
        const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/enroller');
        const provider = new MfaEnrollmentProvider(stack, 'Provider', { role });
        enroll(stack, { provider });
        return provider.function;
      },
    ],
  ])('renameLogicalId of %s finds the id that the template has', (_what, declare) => {
    const stack = newStack();
    const before = logicalIdOf(declare(stack));
    stack.renameLogicalId(before, 'Renamed');
    const ids = Object.keys(Template.fromStack(stack).toJSON()['Resources'] as object);
    expect(ids).toContain('Renamed');
    expect(ids).not.toContain(before);
  });

  test('renameLogicalId of an id that no resource has is still an error', () => {
    const stack = newStack();
    enroll(stack);
    stack.renameLogicalId('MfaEnrollmentAlice', 'Renamed');
    expect(() => Template.fromStack(stack)).toThrow(/not found: MfaEnrollmentAlice$/);
  });

  test('an enrollment keeps the logical id that it is given, and its policy keeps its own', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    const policy = logicalIdOf(enrollment.node.findChild('Policy'));
    enrollmentResource(enrollment).overrideLogicalId('Mine');
    expect(only(stack, 'Custom::MfaEnrollment')).toMatchObject({
      logicalId: 'Mine',
      DependsOn: expect.arrayContaining([policy]) as unknown,
    });
    expect(Object.keys(enrollmentPolicies(stack))).toEqual([policy]);
  });

  test('a logical id with which the claim on the device would be too long for a tag key is an error', () => {
    const stack = newStack();
    enrollmentResource(enroll(stack)).overrideLogicalId('M'.repeat(62));
    expect(() => Template.fromStack(stack)).toThrow(/'M{62}' of 62 characters: expected at most 61/);
  });
});

describe('references across stacks', () => {
  const crossed = (id = 'AliceMfa', userStackId = 'Users') => {
    const app = newApp();
    const users = newStack({}, app, userStackId);
    const user = new iam.User(users, 'Alice');
    const stack = newStack({}, app, 'Enrollments');
    return { app, users, stack, enrollment: enroll(stack, { user }, id) };
  };

  test('renaming an enrollment with a user of another stack keeps its logical id', () => {
    const { stack } = crossed();
    expect(only(stack, 'Custom::MfaEnrollment').Properties['UserName']).toEqual({
      'Fn::ImportValue': expect.stringMatching(/^Users:/) as unknown,
    });
    expect(Object.keys(enrollments(crossed('Renamed').stack))).toEqual(Object.keys(enrollments(stack)));
  });

  test('users with the same logical id in two stacks are two users', () => {
    expect(only(crossed('AliceMfa', 'Others').stack, 'Custom::MfaEnrollment').logicalId).not.toBe(
      only(crossed().stack, 'Custom::MfaEnrollment').logicalId,
    );
  });

  test('users that two stacks name by parameters with the same logical id are two users', () => {
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

  /** Two stacks, of which the first owns what the enrollment of the second refers to. */
  const referring = (props: (owner: Stack, reader: Stack) => Declaration, app = newApp()) => {
    const owner = newStack({}, app, 'Owner');
    const reader = newStack({}, app, 'Reader');
    return { owner, reader, enrollment: enroll(reader, props(owner, reader)) };
  };
  const idsOfReader = (reader: Stack) => {
    const [enrollment] = Object.keys(enrollments(reader));
    const [policy] = Object.keys(enrollmentPolicies(reader));
    return [enrollment, policy];
  };
  const REFERENCES: [string, (owner: Stack) => Declaration][] = [
    ['user', (owner) => ({ user: new iam.User(owner, 'Alice') })],
    [
      'user with a name that only a deployment knows',
      (owner) => owned(new CfnParameter(owner, 'N').valueAsString)(owner),
    ],
    ['device', (owner) => ({ device: new VirtualMfaDevice(owner, 'Device') })],
    [
      'device with a name that only a deployment knows',
      (owner) => ({
        device: new VirtualMfaDevice(owner, 'Device', {
          virtualMfaDeviceName: `alice-${new CfnParameter(owner, 'Suffix').valueAsString}`,
        }),
      }),
    ],
    ['serial number', (owner) => ({ serialNumber: new CfnParameter(owner, 'Serial').valueAsString })],
    ['provider', (owner) => ({ provider: new MfaEnrollmentProvider(owner, 'Provider') })],
    ['secret', (owner) => ({ seedSecret: new Secret(owner, 'Secret') })],
  ];

  test.each(REFERENCES)('resolving the reference to a %s of another stack changes no logical id', (_what, props) => {
    const { reader, enrollment } = referring(props);
    const before = [enrollment, enrollment.node.findChild('Policy')].map(logicalIdOf);
    expect(JSON.stringify(Template.fromStack(reader))).toContain('Fn::ImportValue');
    expect(idsOfReader(reader)).toEqual(before);
    expect([enrollment, enrollment.node.findChild('Policy')].map(logicalIdOf)).toEqual(before);
  });

  test.each(REFERENCES)('the logical id of a %s in another stack follows that stack', (what, props) => {
    const idsWith = (stackName: string) => {
      const app = newApp();
      const owner = newStack({ stackName }, app, 'Owner');
      const reader = newStack({}, app, 'Reader');
      enroll(reader, props(owner));
      return idsOfReader(reader);
    };
    const [one, other] = [idsWith('One'), idsWith('Other')];
    // The secret is no part of what an enrollment is.
    expect(JSON.stringify(one) === JSON.stringify(other)).toBe(what === 'secret');
  });

  test('an export that is kept by hand changes no logical id', () => {
    const user = (owner: Stack) => new iam.User(owner, 'Alice');
    const exported = referring((owner) => {
      const alice = user(owner);
      owner.exportValue(alice.userName);
      return { user: alice };
    });
    expect(idsOfReader(exported.reader)).toEqual(idsOfReader(referring((owner) => ({ user: user(owner) })).reader));
  });

  test('a user with a literal name is one user, by reference to another stack or imported by that name', () => {
    const { reader } = referring((owner) => owned('alice')(owner));
    expect(idsOfReader(reader)).toEqual(idsOfReader(referring((_, stack) => imported('alice')(stack)).reader));
  });

  test('a device with a literal name is one device, by reference to another stack or by its ARN', () => {
    const { reader } = referring((owner) => ({
      device: new VirtualMfaDevice(owner, 'Device', { virtualMfaDeviceName: 'alice' }),
    }));
    expect(idsOfReader(reader)).toEqual(idsOfReader(referring(() => ({ serialNumber: DEVICE })).reader));
  });

  test('two stacks whose devices have parameters of the same logical id in their names have two devices', () => {
    const app = newApp();
    const reader = newStack({}, app, 'Reader');
    for (const id of ['One', 'Two']) {
      const owner = newStack({}, app, id);
      const suffix = new CfnParameter(owner, 'Suffix').valueAsString;
      enroll(reader, { device: new VirtualMfaDevice(owner, 'Device', { virtualMfaDeviceName: `a-${suffix}` }) }, id);
    }
    expect(Object.keys(enrollments(reader))).toHaveLength(2);
  });

  test('a device of another region is not the device whose name has the region of the stack instead', () => {
    const app = newApp();
    const reader = newStack({ env: ENV, crossRegionReferences: true }, app, 'Reader');
    const owner = newStack({ env: { ...ENV, region: 'us-east-1' }, crossRegionReferences: true }, app, 'Owner');
    const user = iam.User.fromUserName(reader, 'User', 'alice');
    const there = new VirtualMfaDevice(owner, 'Device', { virtualMfaDeviceName: 'alice-us-east-1' });
    const ids = [
      enroll(reader, { user, device: there }, 'There'),
      enroll(reader, { user, serialNumber: `${DEVICE}-${ENV.region}` }, 'Here'),
    ].map(logicalIdOf);
    expect(new Set(ids).size).toBe(2);
  });

  test('the name of the policy is its logical id in the template', () => {
    const [policy] = Object.entries(enrollmentPolicies(crossed().stack));
    expect(policy?.[1].Properties['PolicyName']).toBe(policy?.[0]);
  });

  test('renaming an enrollment keeps the names of the exports of its attributes', () => {
    const exported = (id: string) => {
      const { app, stack, enrollment } = crossed(id);
      new CfnOutput(newStack({}, app, 'Reader'), 'Who', { value: enrollment.userName });
      return Template.fromStack(stack).findOutputs('*');
    };
    expect(Object.keys(exported('AliceMfa'))).toHaveLength(1);
    expect(exported('AliceMfa')).toEqual(exported('Renamed'));
  });

  test.each(['after', 'before'])(
    'a third stack, declared %s the others, can reference the attributes of the enrollment',
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

  test('renaming an enrollment in a nested stack with a user of the parent keeps its logical id', () => {
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

  test('a parent stack can enroll a user of its nested stack', () => {
    const parent = newStack();
    enroll(parent, { user: new iam.User(new NestedStack(parent, 'Nested'), 'Alice') });
    const [nestedId] = Object.keys(resources(parent, 'AWS::CloudFormation::Stack'));
    expect(only(parent, 'Custom::MfaEnrollment').Properties['UserName']).toEqual({
      'Fn::GetAtt': [nestedId, expect.stringMatching(/^Outputs\./)],
    });
  });
});

describe('logical ids', () => {
  test('contain the names of user and device, one name only once', () => {
    const id = (user: string, device: string) =>
      idsOf((s) => ({ ...imported(user)(s), serialNumber: `arn:aws:iam::123456789012:mfa/${device}` })).enrollment[0];
    expect(id('alice', 'laptop')).toMatch(/^MfaEnrollmentAliceLaptop[0-9A-F]{8}$/);
    expect(id('alice', 'alice')).toMatch(/^MfaEnrollmentAlice[0-9A-F]{8}$/);
    expect(id('alice.b@example.com', 'team/alice')).toMatch(/^MfaEnrollmentAlicebexamplecomTeamalice[0-9A-F]{8}$/);
    expect(id('-', '_')).toMatch(/^MfaEnrollment[0-9A-F]{8}$/);
  });

  // Few characters, so that many names differ only in what a logical id can't contain.
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

  test('are alphanumeric, have at most 61 characters, and differ for any two pairs of user and device', () => {
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
