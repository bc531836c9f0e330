import { Aws, CfnParameter, NestedStack, RemovalPolicy, type Stack, type StackProps, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import * as fc from 'fast-check';
import { MfaEnrollmentProvider, type MfaEnrollmentProps, VirtualMfaDevice } from '../../lib';
import { devices, enrollments, ENV, newApp, newStack, only, resources } from './fixture';
import { bareTemplate, enrollDefault, idsIn } from './templates';

const PATH_SCOPE = { userPath: '/', devicePath: '/staff/' };

type Users = (stack: Stack) => iam.IUser;
const imported =
  (name: string): Users =>
  (stack) =>
    iam.User.fromUserName(stack, 'Imported', name);
const declared =
  (userName?: string, id = 'Alice'): Users =>
  (stack) =>
    new iam.User(stack, id, { userName });

/** The name of the default device of a user's enrollment. */
function nameOf(enrolled: Construct, user: iam.IUser, props: Partial<MfaEnrollmentProps> = {}, id?: string): string {
  const { device } = enrollDefault(enrolled, { user, ...props }, id);
  return (device as VirtualMfaDevice).virtualMfaDeviceName;
}

function nameIn(users: Users, stackProps: StackProps = {}, props: Partial<MfaEnrollmentProps> = {}): string {
  const stack = newStack({ env: ENV, ...stackProps });
  return nameOf(stack, users(stack), props);
}

describe('the name of the default device', () => {
  test('contains stack, user, region, hash and generation', () => {
    expect(nameIn(imported('bob'))).toBe('Stack-bob-eu-central-1-54f6be0a-1');
    expect(nameIn(imported('bob'), { stackName: 'Users' }, { generation: 12 })).toBe(
      'Users-bob-eu-central-1-2150f9e7-12',
    );
    expect(nameIn(declared())).toBe('Stack-Alice-eu-central-1-b10b83db-1');
  });

  test('contains the region as a reference if it is not known', () => {
    const stack = newStack();
    expect(stack.resolve(nameOf(stack, imported('bob')(stack)))).toEqual({
      'Fn::Join': [
        '',
        ['Stack-bob-', { Ref: 'AWS::Region' }, nameIn(imported('bob')).slice('Stack-bob-eu-central-1'.length)],
      ],
    });
  });

  test('can have a generation that only a deployment knows', () => {
    const stack = newStack({ env: ENV });
    const generation = new CfnParameter(stack, 'Generation', { type: 'Number' }).valueAsNumber;
    const hash = nameIn(imported('bob')).slice(0, -'1'.length);
    expect(stack.resolve(nameOf(stack, imported('bob')(stack), { generation }))).toEqual({
      'Fn::Join': ['', [hash, { Ref: 'Generation' }]],
    });
  });

  test('has the same hash in all regions and generations', () => {
    const hashes = [
      nameIn(imported('bob')),
      nameIn(imported('bob'), { env: { region: 'us-east-1' } }),
      nameIn(imported('bob'), {}, { generation: 2 }),
    ].map((name) => /-([0-9a-f]{8})-\d+$/.exec(name)?.[1]);
    expect(new Set(hashes).size).toBe(1);
  });

  test('is the same for a declared and an imported user of one literal name', () => {
    const byArn: Users = (stack) => iam.User.fromUserArn(stack, 'Imported', 'arn:aws:iam::123456789012:user/staff/bob');
    expect(nameIn(declared('bob'))).toBe(nameIn(imported('bob')));
    expect(nameIn(byArn)).toBe(nameIn(imported('bob')));
  });

  test('follows the path of the construct of a user without a literal name', () => {
    const inTeam: Users = (stack) => new iam.User(new Construct(stack, 'Team'), 'Alice');
    const parameter: Users = (stack) => imported(new CfnParameter(stack, 'Name').valueAsString)(stack);
    expect(nameIn(inTeam)).toMatch(/^Stack-Team-Alice-eu-central-1-[0-9a-f]{8}-1$/);
    expect(nameIn(parameter)).toMatch(/^Stack-Imported-eu-central-1-[0-9a-f]{8}-1$/);
    expect(nameIn(inTeam)).not.toBe(nameIn((stack) => new iam.User(new Construct(stack, 'Team-Alice'), 'x')));
  });

  test('has the path of a user below the stack, so that the stack can move in the app', () => {
    const inStage = newStack({ env: ENV, stackName: 'Stack' }, new Stage(newApp(), 'Beta'), 'Moved');
    expect(nameOf(inStage, declared()(inStage))).toBe(nameIn(declared()));
  });

  test('has the whole path of a user of another stack', () => {
    const app = newApp();
    const user = new iam.User(newStack({ env: ENV }, app, 'Users'), 'Alice');
    const name = nameOf(newStack({ env: ENV }, app), user);
    expect(name).toMatch(/^Stack-Users-Alice-eu-central-1-[0-9a-f]{8}-1$/);
  });

  test('differs between a user without a name and a user whose name is the id of that construct', () => {
    expect(nameIn(declared('Alice'))).not.toBe(nameIn(declared()));
  });

  test('differs between a user and a device whose construct has the id of that user', () => {
    const stack = newStack({ env: ENV });
    const device = new VirtualMfaDevice(stack, 'bob');
    expect(nameIn(imported('bob'))).not.toBe(device.virtualMfaDeviceName);
  });

  test('has 60 characters at most of stack and user, and a hyphen for each character that IAM refuses', () => {
    const [longStack, longPath] = ['s'.repeat(120), 'a b/é'.repeat(30)];
    const ids = longPath.split('/');
    const user: Users = (stack) =>
      new iam.User(
        ids.reduce<Construct>((scope, id, index) => new Construct(scope, `${index}${id}`), stack),
        'Alice',
      );
    expect(nameIn(user, { stackName: longStack })).toMatch(
      /^s{60}-0a-b-1-a-b[A-Za-z0-9-]{50}-eu-central-1-[0-9a-f]{8}-1$/,
    );
  });

  test('differs between users whose names differ only behind the 60th character', () => {
    const names = ['x', 'y'].map((end) => nameIn(imported('n'.repeat(60) + end)));
    expect(new Set(names).size).toBe(2);
  });

  test('differs between nested stacks, and is known there at synthesis', () => {
    const stack = newStack({ env: ENV });
    const one = new NestedStack(stack, 'One');
    const two = new NestedStack(stack, 'Two');
    const inner = new NestedStack(one, 'Two');
    const names = [stack, one, two, inner].map((each) => nameOf(each, imported('bob')(each)));
    expect(new Set(names).size).toBe(4);
    expect(names.filter((name) => !/^Stack-bob-eu-central-1-[0-9a-f]{8}-1$/.test(name))).toEqual([]);
  });

  test('is valid in IAM and differs between any two users of a stack', () => {
    const app = newApp();
    let run = 0;
    const name = fc.string({
      unit: fc.constantFrom('a', 'A', 'b', '.', '-', '_', '@', '+', '=', ','),
      minLength: 1,
      maxLength: 64,
    });
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 6 }), (users) => {
        const stack = newStack({ env: ENV, stackName: `S${'tack'.repeat(31)}` }, app, `Run${run++}`);
        const names = users.map((user, index) => {
          const scope = new Construct(stack, `Scope${index}`);
          return nameOf(scope, iam.User.fromUserName(scope, 'User', user));
        });
        expect(names.filter((each) => !/^[\w+=,.@-]{1,145}$/.test(each))).toEqual([]);
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 20, seed: 20260901 },
    );
  });
});

describe('moving or renaming an enrollment with its default device changes nothing but metadata', () => {
  const stackWith = (declare: (stack: Stack) => void) => {
    const stack = newStack({}, newApp({ 'aws:cdk:enable-path-metadata': true }));
    new iam.User(stack, 'Alice');
    declare(stack);
    return stack;
  };
  const before = stackWith((stack) => enrollDefault(stack));

  test.each<[string, (stack: Stack) => void]>([
    ['renamed', (stack) => enrollDefault(stack, {}, 'Renamed')],
    ['renamed to an id that sorts first', (stack) => enrollDefault(stack, {}, '0')],
    ['renamed to an id that sorts last', (stack) => enrollDefault(stack, {}, 'Zoe')],
    ['moved to another scope', (stack) => enrollDefault(new Construct(stack, 'Team'))],
    ['moved to a scope that sorts last', (stack) => enrollDefault(new Construct(stack, 'Zoes'))],
    ['declared after its provider', (stack) => (MfaEnrollmentProvider.getOrCreate(stack), enrollDefault(stack))],
  ])('%s', (_change, declare) => {
    expect(bareTemplate(stackWith(declare))).toEqual(bareTemplate(before));
  });

  test('the template has paths in its metadata, which do change', () => {
    const renamed = stackWith((stack) => enrollDefault(stack, {}, 'Renamed'));
    expect(Template.fromStack(renamed).toJSON()).not.toEqual(Template.fromStack(before).toJSON());
  });

  test('device and enrollment list several dependencies, in the order of logical ids', () => {
    for (const type of ['Custom::VirtualMfaDevice', 'Custom::MfaEnrollment']) {
      const { DependsOn = [] } = only(before, type);
      expect(DependsOn).toHaveLength(3);
      expect(DependsOn).toEqual([...DependsOn].sort());
    }
  });
});

describe('another device', () => {
  const stackWith = (users: Users, props: Partial<MfaEnrollmentProps> = {}) => {
    const stack = newStack({ env: ENV });
    enrollDefault(stack, { user: users(stack), ...props });
    return stack;
  };
  const serialNumberIn = (stack: Stack) => only(stack, 'Custom::VirtualMfaDevice').Properties['SerialNumber'];
  const serialNumbersIn = (stacks: Stack[]) => new Set(stacks.map((stack) => JSON.stringify(serialNumberIn(stack))));

  test.each<[string, Stack, Stack]>([
    ['a renamed imported user', stackWith(imported('alice')), stackWith(imported('alicia'))],
    ['a renamed declared user', stackWith(declared('alice')), stackWith(declared('alicia'))],
    ['a declared user that gets a name', stackWith(declared()), stackWith(declared('alicia'))],
    [
      'a declared user that gets the id of its construct as its name',
      stackWith(declared()),
      stackWith(declared('Alice')),
    ],
    ['a higher generation', stackWith(declared()), stackWith(declared(), { generation: 2 })],
  ])('%s gets a new device, secret and enrollment', (_change, before, after) => {
    expect(serialNumberIn(after)).not.toEqual(serialNumberIn(before));
    for (const [kind, ids] of Object.entries(idsIn(after))) {
      expect(ids).toHaveLength(1);
      expect(ids).not.toEqual(idsIn(before)[kind as keyof ReturnType<typeof idsIn>]);
    }
  });

  test('a stack in two regions has two devices', () => {
    const app = newApp();
    const stacks = ['eu-central-1', 'us-east-1'].map((region) => {
      const stack = newStack({ env: { ...ENV, region }, stackName: 'Users' }, app, region);
      enrollDefault(stack, { user: imported('bob')(stack) });
      return stack;
    });
    expect(serialNumbersIn(stacks).size).toBe(2);
  });

  test('a template that is deployed in two regions has two devices', () => {
    const stack = newStack();
    enrollDefault(stack);
    expect(JSON.stringify(serialNumberIn(stack))).toContain('{"Ref":"AWS::Region"}');
  });

  test('a user that two stacks import has two devices', () => {
    const app = newApp();
    const stacks = ['One', 'Two'].map((id) => {
      const stack = newStack({ env: ENV }, app, id);
      enrollDefault(stack, { user: imported('bob')(stack) });
      return stack;
    });
    expect(serialNumbersIn(stacks).size).toBe(2);
  });

  test('two nested stacks that import a user have two devices', () => {
    const parent = newStack();
    const stacks = ['One', 'Two'].map((id) => {
      const nested = new NestedStack(parent, id);
      enrollDefault(nested, { user: imported('bob')(nested) });
      return nested;
    });
    expect(serialNumbersIn(stacks).size).toBe(2);
  });
});

test.each<[string, (stack: Stack) => iam.IUser]>([
  ['a declared user', declared()],
  ['an imported user', imported('bob')],
])('a stack whose region becomes known keeps the logical ids for %s', (_user, users) => {
  const idsWith = (stackProps: StackProps) => {
    const stack = newStack(stackProps);
    enrollDefault(stack, { user: users(stack) });
    return idsIn(stack);
  };
  expect(idsWith({ env: { region: 'eu-central-1' } })).toEqual(idsWith({}));
  expect(idsWith({ env: ENV })).toEqual(idsWith({}));
});

describe('from the default device to a VirtualMfaDevice with the name that it has', () => {
  const nested = (stack: Stack) => new NestedStack(stack, 'Nested');
  const providerOf = (stack: Stack) =>
    new MfaEnrollmentProvider(stack, 'Provider', { pathScope: PATH_SCOPE, recheck: 2 });

  test.each<
    [
      string,
      StackProps,
      (stack: Stack) => { stack: Stack; provider?: MfaEnrollmentProvider; removalPolicy?: RemovalPolicy },
    ]
  >([
    ['with a known region', { env: ENV }, (stack) => ({ stack })],
    ['without a known region', {}, (stack) => ({ stack })],
    ['in a nested stack', {}, (stack) => ({ stack: nested(stack) })],
    ['under a path scope', { env: ENV }, (stack) => ({ stack, provider: providerOf(stack) })],
    ['under a path scope without a known region', {}, (stack) => ({ stack, provider: providerOf(stack) })],
    ['with a removal policy', {}, (stack) => ({ stack, removalPolicy: RemovalPolicy.RETAIN })],
  ])('%s nothing changes but metadata', (_where, stackProps, place) => {
    const inStack = (declare: (props: ReturnType<typeof place>) => void) => {
      const props = place(newStack(stackProps, newApp({ 'aws:cdk:enable-path-metadata': true })));
      new iam.User(props.stack, 'Alice');
      declare(props);
      return props.stack;
    };
    const before = inStack(({ stack, ...props }) => enrollDefault(stack, props));
    const serialNumber = only(before, 'Custom::VirtualMfaDevice').Properties['SerialNumber'];
    // What the documentation tells people to copy: the name as the template has it, with Aws.REGION for a reference.
    const parts =
      typeof serialNumber === 'string'
        ? [serialNumber]
        : (serialNumber as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
    const text = parts.map((part) => (typeof part === 'string' ? part : (part as { Ref: string }).Ref)).join('');
    const virtualMfaDeviceName = text.slice(text.lastIndexOf('/') + 1).replace('AWS::Region', Aws.REGION);
    const after = inStack(({ stack, provider, removalPolicy }) => {
      const device = new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName, provider, removalPolicy });
      enrollDefault(stack, { device, provider, removalPolicy });
    });
    expect(bareTemplate(after)).toEqual(bareTemplate(before));
    expect(Template.fromStack(after).toJSON()).not.toEqual(Template.fromStack(before).toJSON());
  });
});

describe('the default device', () => {
  test('has the provider, the removal policy and the recheck of the enrollment', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Own', { recheck: 2 });
    enrollDefault(stack, { provider, removalPolicy: RemovalPolicy.RETAIN, recheck: 5 });
    expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toHaveLength(1);
    for (const type of ['Custom::VirtualMfaDevice', 'Custom::MfaEnrollment']) {
      expect(only(stack, type)).toMatchObject({
        Properties: { ServiceToken: stack.resolve(provider.serviceToken) as unknown, Recheck: 5 },
        DeletionPolicy: 'RetainExceptOnCreate',
        UpdateReplacePolicy: 'Retain',
      });
    }
    expect(only(stack, 'AWS::SecretsManager::Secret')).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    });
  });

  test('has the recheck of the provider if the enrollment has none', () => {
    const stack = newStack();
    enrollDefault(stack, { provider: new MfaEnrollmentProvider(stack, 'Own', { recheck: 2 }) });
    expect(only(stack, 'Custom::VirtualMfaDevice').Properties['Recheck']).toBe(2);
  });

  test('can have a recheck of 0 under a provider with another', () => {
    const stack = newStack();
    enrollDefault(stack, { provider: new MfaEnrollmentProvider(stack, 'Own', { recheck: 2 }), recheck: 0 });
    expect(only(stack, 'Custom::VirtualMfaDevice').Properties).not.toHaveProperty('Recheck');
    expect(only(stack, 'Custom::MfaEnrollment').Properties).not.toHaveProperty('Recheck');
  });

  test('has the path of the path scope, and a secret below its prefix', () => {
    const stack = newStack({ env: ENV });
    const provider = new MfaEnrollmentProvider(stack, 'Own', { pathScope: PATH_SCOPE });
    const name = nameOf(stack, imported('bob')(stack), { provider });
    expect(JSON.stringify(only(stack, 'Custom::VirtualMfaDevice').Properties['SerialNumber'])).toContain(
      `:mfa/staff/${name}"`,
    );
    expect(only(stack, 'AWS::SecretsManager::Secret').Properties['Name']).toBe(`mfa/staff/${name}`);
  });

  test('has a secret that CloudFormation names without a path scope', () => {
    const stack = newStack();
    enrollDefault(stack);
    expect(only(stack, 'AWS::SecretsManager::Secret').Properties).not.toHaveProperty('Name');
  });

  test('exists before the enrollment, which refers to its attribute', () => {
    const stack = newStack();
    enrollDefault(stack);
    const [[deviceId] = []] = Object.entries(devices(stack));
    expect(only(stack, 'Custom::MfaEnrollment').Properties['SerialNumber']).toEqual({
      'Fn::GetAtt': [deviceId, 'SerialNumber'],
    });
  });

  test('takes the one place of a user in a stack: a second enrollment needs a device of its own', () => {
    const second = (props: (stack: Stack) => Partial<MfaEnrollmentProps>) => () => {
      const stack = newStack();
      enrollDefault(stack, {}, 'First');
      enrollDefault(stack, props(stack), 'Second');
      return enrollments(stack);
    };
    const error =
      /\[Stack\/Second\] 'device': expected a VirtualMfaDevice, because the user already has the default device of 'Stack\/First'/;
    expect(second(() => ({}))).toThrow(error);
    expect(second(() => ({ generation: 2 }))).toThrow(error);
    expect(
      second((stack) => ({
        user: iam.User.fromUserName(stack, 'Again', (stack.node.findChild('Alice') as iam.User).userName),
      })),
    ).toThrow(error);
    expect(Object.keys(second((stack) => ({ device: new VirtualMfaDevice(stack, 'Device') }))())).toHaveLength(2);
  });
});
