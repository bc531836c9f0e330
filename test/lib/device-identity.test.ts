import {
  Aws,
  type CfnElement,
  CfnOutput,
  CfnParameter,
  NestedStack,
  type Stack,
  type StackProps,
  Stage,
} from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import * as fc from 'fast-check';
import { MfaEnrollmentProvider, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import {
  devicePolicies,
  devices,
  enrollMade,
  enrollments,
  ENV,
  logicalIdOf,
  newApp,
  newStack,
  only,
  resources,
} from './fixture';

const SECRET = 'AWS::SecretsManager::Secret';

/** The logical ids of a device, its policy, its secret, and the enrollment that uses them. */
function idsOf(stack: Stack) {
  return {
    device: Object.keys(devices(stack)),
    policy: Object.keys(devicePolicies(stack)),
    secret: Object.keys(resources(stack, SECRET)),
    enrollment: Object.keys(enrollments(stack)),
  };
}

function idsWith(props: (stack: Stack) => VirtualMfaDeviceProps, stackProps: StackProps = {}) {
  const stack = newStack(stackProps);
  enrollMade(stack, props(stack));
  return idsOf(stack);
}

const named = (virtualMfaDeviceName: string) => () => ({ virtualMfaDeviceName });

describe('a named device whose construct is renamed or moved changes nothing but metadata', () => {
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
  const alice = { virtualMfaDeviceName: 'alice' };
  const before = template((stack) => enrollMade(stack, alice));

  test.each<[string, (stack: Stack) => void]>([
    ['renamed', (stack) => enrollMade(stack, alice, 'Renamed')],
    ['renamed to what sorts before everything', (stack) => enrollMade(stack, alice, '0')],
    ['renamed to what sorts behind everything', (stack) => enrollMade(stack, alice, 'Zoe')],
    ['moved to another scope', (stack) => enrollMade(new Construct(stack, 'Team'), alice)],
    [
      'declared after the provider was made',
      (stack) => (MfaEnrollmentProvider.getOrCreate(stack), enrollMade(stack, alice)),
    ],
  ])('%s', (_change, declare) => {
    expect(withoutMetadata(template(declare))).toEqual(withoutMetadata(before));
  });

  test('the paths in metadata do differ, so that the comparison sees something', () => {
    expect(template((stack) => enrollMade(stack, alice, 'Renamed'))).not.toEqual(before);
  });

  test('the names of the exports stay, too', () => {
    const exported = (id: string) => {
      const app = newApp();
      const stack = newStack({}, app);
      const device = enrollMade(stack, alice, id);
      new CfnOutput(newStack({}, app, 'Reader'), 'Which', { value: device.serialNumber });
      return Template.fromStack(stack).findOutputs('*');
    };
    expect(Object.keys(exported('AliceDevice'))).toHaveLength(1);
    expect(exported('AliceDevice')).toEqual(exported('Renamed'));
  });
});

describe('another name or path is another device, policy, secret and enrollment', () => {
  test.each<[string, VirtualMfaDeviceProps, VirtualMfaDeviceProps]>([
    ['name', { virtualMfaDeviceName: 'alice' }, { virtualMfaDeviceName: 'alice2' }],
    ['path', { virtualMfaDeviceName: 'alice' }, { virtualMfaDeviceName: 'alice', path: '/staff/' }],
    ['generation', {}, { generation: 2 }],
    ['generation, higher still', { generation: 2 }, { generation: 3 }],
  ])('%s', (_change, one, other) => {
    const [before, after] = [idsWith(() => one), idsWith(() => other)];
    for (const kind of ['device', 'policy', 'secret', 'enrollment'] as const) {
      expect(after[kind]).toHaveLength(1);
      expect(after[kind]).not.toEqual(before[kind]);
    }
  });

  test('the default path and generation spelled out are the same device', () => {
    expect(idsWith(() => ({ path: '/', generation: 1 }))).toEqual(idsWith(() => ({})));
  });

  test('another provider is another device and policy, with the same secret', () => {
    const before = idsWith(named('alice'));
    const after = idsWith((stack) => ({ ...named('alice')(), provider: new MfaEnrollmentProvider(stack, 'Other') }));
    for (const kind of ['device', 'policy', 'enrollment'] as const) {
      expect(after[kind]).not.toEqual(before[kind]);
    }
    expect(after.secret).toEqual(before.secret);
  });

  test('a device that is added beside others leaves them as they are', () => {
    const both = newStack();
    enrollMade(both, named('bob')(), 'Second');
    new VirtualMfaDevice(both, 'First', named('alice')());
    const alone = newStack();
    new VirtualMfaDevice(alone, 'First', named('alice')());
    expect(devices(both)).toMatchObject(devices(alone));
    expect(resources(both, SECRET)).toMatchObject(resources(alone, SECRET));
    expect(Object.keys(devices(both))).toHaveLength(2);
  });

  test('names of which only the deployment knows a part are told apart by their tokens', () => {
    const parameter = (id: string) => (stack: Stack) => ({
      virtualMfaDeviceName: `alice-${new CfnParameter(stack, id).valueAsString}`,
    });
    expect(idsWith(parameter('A'))).toEqual(idsWith(parameter('A')));
    expect(idsWith(parameter('A')).device).not.toEqual(idsWith(parameter('B')).device);
    expect(idsWith(parameter('A')).device[0]).toMatch(/^VirtualMfaDeviceAlice[0-9A-F]{8}$/);
  });
});

describe("the stack's region, spelled out or not, is one region", () => {
  test('a stack whose region becomes known keeps device, secret and enrollment', () => {
    expect(idsWith(() => ({}), { env: { region: 'eu-central-1' } })).toEqual(idsWith(() => ({})));
    expect(idsWith(() => ({}), { env: ENV })).toEqual(idsWith(() => ({})));
  });

  test('a default name that is written down keeps them, and frees the construct to be renamed', () => {
    const name = new VirtualMfaDevice(newStack({ env: ENV }), 'AliceDevice').virtualMfaDeviceName;
    const stack = newStack({ env: ENV });
    enrollMade(stack, { virtualMfaDeviceName: name }, 'Renamed');
    expect(idsOf(stack)).toEqual(idsWith(() => ({}), { env: ENV }));
  });

  test('also where the region is not known, and written down as Aws.REGION', () => {
    const name = new VirtualMfaDevice(newStack({ env: ENV }), 'AliceDevice').virtualMfaDeviceName;
    expect(idsWith(named(name.replace(ENV.region, Aws.REGION)))).toEqual(idsWith(() => ({})));
  });

  test("another region's name is another device", () => {
    const inRegion = (region: string) => idsWith(named(`alice-${region}`), { env: ENV }).device;
    expect(inRegion('us-east-1')).not.toEqual(inRegion(ENV.region));
  });
});

describe('the default name', () => {
  const nameIn = (scope: Construct, id = 'AliceDevice', props: VirtualMfaDeviceProps = {}) =>
    new VirtualMfaDevice(scope, id, props).virtualMfaDeviceName;
  const stackIn = (scope: Construct = newApp(), props: StackProps = {}, id = 'Users') =>
    newStack({ env: ENV, ...props }, scope, id);

  test('shows stack, construct, region and generation', () => {
    expect(nameIn(stackIn())).toMatch(/^Users-AliceDevice-eu-central-1-[0-9a-f]{8}-1$/);
    expect(nameIn(new Construct(stackIn(), 'Team'), 'Alice Device', { generation: 12 })).toMatch(
      /^Users-Team-AliceDevice-eu-central-1-[0-9a-f]{8}-12$/,
    );
  });

  test('needs no deployment but for the region, where that is not known', () => {
    const stack = newStack();
    expect(stack.resolve(nameIn(stack))).toEqual({
      'Fn::Join': ['', ['Stack-AliceDevice-', { Ref: 'AWS::Region' }, expect.stringMatching(/^-[0-9a-f]{8}-1$/)]],
    });
  });

  test('is the same whether the region is known or not', () => {
    const stack = newStack();
    const deployed = JSON.stringify(stack.resolve(nameIn(stack))).replace('",{"Ref":"AWS::Region"},"', ENV.region);
    expect(deployed).toContain(`"${nameIn(newStack({ env: ENV }))}"`);
  });

  test('takes a generation of which only the deployment knows the number', () => {
    const stack = newStack({ env: ENV });
    const generation = new CfnParameter(stack, 'Generation', { type: 'Number' }).valueAsNumber;
    expect(stack.resolve(nameIn(stack, 'AliceDevice', { generation }))).toEqual({
      'Fn::Join': ['', [expect.stringMatching(/-[0-9a-f]{8}-$/), { Ref: 'Generation' }]],
    });
  });

  test('is that of no other construct: not in another place, stack, region or nested stack', () => {
    const app = newApp();
    const stack = stackIn(app);
    const nested = ['One', 'Two'].map((id) => new NestedStack(stack, id));
    const names = [
      nameIn(stack),
      nameIn(stack, 'alicedevice'),
      nameIn(new Construct(stack, 'Team')),
      nameIn(new Construct(stack, 'TeamAlice'), 'Device'),
      nameIn(new Construct(stack, 'Team Alice'), 'Device'),
      nameIn(new Construct(stack, 'Team-Alice'), 'Device'),
      nameIn(stack, 'Team-Alice-Device'),
      nameIn(stack, 'Bob', { generation: 2 }),
      ...nested.map((one) => nameIn(one)),
      nameIn(new NestedStack(nested[0] as Stack, 'Two')),
      nameIn(stackIn(app, { env: { ...ENV, region: 'us-east-1' } }, 'Elsewhere')),
      nameIn(stackIn(app, { stackName: 'Others' }, 'Other')),
      nameIn(stackIn(new Stage(app, 'Beta'))),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[\w+=,.@-]{1,226}$/.test(name))).toEqual([]);
  });

  test("of a device in a nested stack needs no deployment, though the nested stack's own name does", () => {
    const nested = new NestedStack(new NestedStack(stackIn(), 'Outer'), 'Inner');
    expect(nameIn(nested)).toMatch(/^Users-Outer-Inner-AliceDevice-eu-central-1-[0-9a-f]{8}-1$/);
  });

  test('follows the stack by its name, not by where the app has it', () => {
    const inStage = nameIn(stackIn(new Stage(newApp(), 'Beta'), { stackName: 'Users' }));
    expect(inStage).toBe(nameIn(stackIn()));
  });

  const id = fc.string({
    unit: fc.constantFrom('a', 'B', '1', '-', '_', ' ', '$', 'é', '.', '@'),
    minLength: 1,
    maxLength: 90,
  });
  const places = fc.uniqueArray(fc.array(id, { minLength: 1, maxLength: 5 }), {
    selector: (ids) => ids.map((one) => one.trim()).join('/'),
    minLength: 2,
    maxLength: 6,
  });

  test('is one that IAM takes, and another for each place, wherever constructs stand', () => {
    const app = newApp();
    let run = 0;
    fc.assert(
      fc.property(places, (placesOfOneStack) => {
        const stack = newStack({ env: ENV, stackName: `S${'tack'.repeat(31)}` }, app, `Run${run++}`);
        const names = placesOfOneStack.map((ids) => {
          const scope = ids.reduce<Construct>(
            (parent, one) => parent.node.tryFindChild(one) ?? new Construct(parent, one),
            stack,
          );
          return nameIn(scope);
        });
        expect(names.filter((name) => !/^[\w+=,.@-]{1,120}$/.test(name))).toEqual([]);
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 40, seed: 20260901 },
    );
  });
});

describe('logical ids', () => {
  test('are readable, and differ between a device, its policy and its secret', () => {
    expect(idsWith(() => ({ virtualMfaDeviceName: 'alice.b@example.com', path: '/staff/eu/' }))).toMatchObject({
      device: [expect.stringMatching(/^VirtualMfaDeviceStaffeualicebexamplecom[0-9A-F]{8}$/)],
      policy: [expect.stringMatching(/^VirtualMfaDevicePolicyStaffeualicebexamplecom[0-9A-F]{8}$/)],
      secret: [expect.stringMatching(/^VirtualMfaDeviceSeedStaffeualicebexamplecom[0-9A-F]{8}$/)],
    });
  });

  test('that are overridden stand, and are an error where a claim on the device would be too long for a tag', () => {
    const overridden = (logicalId: string) => {
      const stack = newStack();
      const device = enrollMade(stack);
      (device.node.defaultChild as CfnElement).overrideLogicalId(logicalId);
      return stack;
    };
    expect(only(overridden('M'.repeat(61)), 'Custom::MfaEnrollment').Properties['SerialNumber']).toEqual({
      Ref: 'M'.repeat(61),
    });
    expect(() => Template.fromStack(overridden('M'.repeat(62)))).toThrow(
      /'M{62}' has 62 characters: at most 61 are allowed/,
    );
  });

  // Few letters, so that names which differ only in what an id can't hold come up often.
  const name = fc.string({
    unit: fc.constantFrom('a', 'A', 'b', '1', '.', '-', '_', '@', '+', '=', ','),
    minLength: 1,
    maxLength: 100,
  });
  const path = fc.array(name, { maxLength: 1 }).map((parts) => ['', ...parts, ''].join('/').replace('//', '/'));
  const pairs = fc.uniqueArray(fc.tuple(path, name), {
    selector: ([one, other]) => one + other,
    minLength: 2,
    maxLength: 8,
  });

  test('are alphanumeric, at most 61 characters long, and different for different devices, whatever the names', () => {
    const app = newApp();
    let run = 0;
    fc.assert(
      fc.property(pairs, (pairsOfOneStack) => {
        const stack = newStack({}, app, `Run${run++}`);
        const ids = pairsOfOneStack.flatMap(([path, virtualMfaDeviceName], index) => {
          const device = new VirtualMfaDevice(stack, `Device${index}`, { path, virtualMfaDeviceName });
          return [device, device.node.findChild('Policy'), device.seedSecret].map(logicalIdOf);
        });
        expect(ids.filter((one) => !/^[A-Za-z][A-Za-z0-9]{0,60}$/.test(one))).toEqual([]);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 40, seed: 20260901 },
    );
  });
});
