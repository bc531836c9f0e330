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
import { devices, enrollMade, ENV, logicalIdOf, newApp, newStack, only, resources } from './fixture';
import { bareTemplate, idsIn } from './templates';

const SECRET = 'AWS::SecretsManager::Secret';

function idsWith(props: (stack: Stack) => VirtualMfaDeviceProps, stackProps: StackProps = {}) {
  const stack = newStack(stackProps);
  enrollMade(stack, props(stack));
  return idsIn(stack);
}

const named = (virtualMfaDeviceName: string) => () => ({ virtualMfaDeviceName });

describe('renaming or moving a device with a name changes nothing but metadata', () => {
  const stackWith = (declare: (stack: Stack) => void) => {
    const stack = newStack({}, newApp({ 'aws:cdk:enable-path-metadata': true }));
    new iam.User(stack, 'Alice');
    declare(stack);
    return stack;
  };
  const alice = { virtualMfaDeviceName: 'alice' };
  const before = stackWith((stack) => enrollMade(stack, alice));

  test.each<[string, (stack: Stack) => void]>([
    ['renamed', (stack) => enrollMade(stack, alice, 'Renamed')],
    ['renamed to an id that sorts first', (stack) => enrollMade(stack, alice, '0')],
    ['renamed to an id that sorts last', (stack) => enrollMade(stack, alice, 'Zoe')],
    ['moved to another scope', (stack) => enrollMade(new Construct(stack, 'Team'), alice)],
    ['declared after its provider', (stack) => (MfaEnrollmentProvider.getOrCreate(stack), enrollMade(stack, alice))],
  ])('%s', (_change, declare) => {
    expect(bareTemplate(stackWith(declare))).toEqual(bareTemplate(before));
  });

  test('the template has paths in its metadata, which do change', () => {
    const renamed = stackWith((stack) => enrollMade(stack, alice, 'Renamed'));
    expect(Template.fromStack(renamed).toJSON()).not.toEqual(Template.fromStack(before).toJSON());
  });

  test('renaming the device keeps the names of the exports of its attributes', () => {
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

describe('another name, path or generation is another device, policy, secret and enrollment', () => {
  test.each<[string, VirtualMfaDeviceProps, VirtualMfaDeviceProps]>([
    ['name', { virtualMfaDeviceName: 'alice' }, { virtualMfaDeviceName: 'alice2' }],
    ['path', { virtualMfaDeviceName: 'alice' }, { virtualMfaDeviceName: 'alice', path: '/staff/' }],
    ['generation', {}, { generation: 2 }],
    ['generation from 2 to 3', { generation: 2 }, { generation: 3 }],
  ])('%s', (_change, one, other) => {
    const [before, after] = [idsWith(() => one), idsWith(() => other)];
    for (const kind of ['device', 'policy', 'secret', 'enrollment'] as const) {
      expect(after[kind]).toHaveLength(1);
      expect(after[kind]).not.toEqual(before[kind]);
    }
  });

  test('naming the default path and generation is the same device', () => {
    expect(idsWith(() => ({ path: '/', generation: 1 }))).toEqual(idsWith(() => ({})));
  });

  test('another provider is another device resource with another policy and the same secret', () => {
    const before = idsWith(named('alice'));
    const after = idsWith((stack) => ({ ...named('alice')(), provider: new MfaEnrollmentProvider(stack, 'Other') }));
    for (const kind of ['device', 'policy', 'enrollment'] as const) {
      expect(after[kind]).not.toEqual(before[kind]);
    }
    expect(after.secret).toEqual(before.secret);
  });

  test('adding a device changes no other', () => {
    const both = newStack();
    enrollMade(both, named('bob')(), 'Second');
    new VirtualMfaDevice(both, 'First', named('alice')());
    const alone = newStack();
    new VirtualMfaDevice(alone, 'First', named('alice')());
    expect(devices(both)).toMatchObject(devices(alone));
    expect(resources(both, SECRET)).toMatchObject(resources(alone, SECRET));
    expect(Object.keys(devices(both))).toHaveLength(2);
  });

  test('devices of whose names only a deployment knows a part differ by their tokens', () => {
    const parameter = (id: string) => (stack: Stack) => ({
      virtualMfaDeviceName: `alice-${new CfnParameter(stack, id).valueAsString}`,
    });
    expect(idsWith(parameter('A'))).toEqual(idsWith(parameter('A')));
    expect(idsWith(parameter('A')).device).not.toEqual(idsWith(parameter('B')).device);
    expect(idsWith(parameter('A')).device[0]).toMatch(/^VirtualMfaDeviceAlice[0-9A-F]{8}$/);
  });
});

describe("the stack's region in the name of a device", () => {
  test('a stack whose region becomes known keeps device, secret and enrollment', () => {
    expect(idsWith(() => ({}), { env: { region: 'eu-central-1' } })).toEqual(idsWith(() => ({})));
    expect(idsWith(() => ({}), { env: ENV })).toEqual(idsWith(() => ({})));
  });

  test('a construct with its default name as its virtualMfaDeviceName can be renamed and keeps them', () => {
    const name = new VirtualMfaDevice(newStack({ env: ENV }), 'AliceDevice').virtualMfaDeviceName;
    const stack = newStack({ env: ENV });
    enrollMade(stack, { virtualMfaDeviceName: name }, 'Renamed');
    expect(idsIn(stack)).toEqual(idsWith(() => ({}), { env: ENV }));
  });

  test('a default name with Aws.REGION keeps them in a stack without a known region', () => {
    const name = new VirtualMfaDevice(newStack({ env: ENV }), 'AliceDevice').virtualMfaDeviceName;
    expect(idsWith(named(name.replace(ENV.region, Aws.REGION)))).toEqual(idsWith(() => ({})));
  });

  test('the name of another region is another device', () => {
    const inRegion = (region: string) => idsWith(named(`alice-${region}`), { env: ENV }).device;
    expect(inRegion('us-east-1')).not.toEqual(inRegion(ENV.region));
  });
});

describe('the default name', () => {
  const nameIn = (scope: Construct, id = 'AliceDevice', props: VirtualMfaDeviceProps = {}) =>
    new VirtualMfaDevice(scope, id, props).virtualMfaDeviceName;
  const stackIn = (scope: Construct = newApp(), props: StackProps = {}, id = 'Users') =>
    newStack({ env: ENV, ...props }, scope, id);

  test('contains stack, construct, region, hash and generation', () => {
    expect(nameIn(stackIn())).toMatch(/^Users-AliceDevice-eu-central-1-[0-9a-f]{8}-1$/);
    expect(nameIn(new Construct(stackIn(), 'Team'), 'Alice Device', { generation: 12 })).toMatch(
      /^Users-Team-Alice-Device-eu-central-1-[0-9a-f]{8}-12$/,
    );
  });

  test('is known at synthesis except for a region that is not', () => {
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

  test('can have a generation that only a deployment knows', () => {
    const stack = newStack({ env: ENV });
    const generation = new CfnParameter(stack, 'Generation', { type: 'Number' }).valueAsNumber;
    expect(stack.resolve(nameIn(stack, 'AliceDevice', { generation }))).toEqual({
      'Fn::Join': ['', [expect.stringMatching(/-[0-9a-f]{8}-$/), { Ref: 'Generation' }]],
    });
  });

  test('differs between any two constructs, scopes, stacks, regions and nested stacks', () => {
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

  test('is known at synthesis in a nested stack, whose own name is not', () => {
    const nested = new NestedStack(new NestedStack(stackIn(), 'Outer'), 'Inner');
    expect(nameIn(nested)).toMatch(/^Users-AliceDevice-eu-central-1-[0-9a-f]{8}-1$/);
  });

  test('depends on the name of the stack, not on its place in the app', () => {
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

  test('is valid in IAM and differs between any two construct paths', () => {
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
        // 60 characters each of stack and path, and 25 of region, hash and generation with their hyphens.
        expect(names.filter((name) => !/^[\w+=,.@-]{1,145}$/.test(name))).toEqual([]);
        expect(new Set(names).size).toBe(names.length);
      }),
      { numRuns: 40, seed: 20260901 },
    );
  });
});

describe('logical ids', () => {
  test('contain path and name of the device, and what each resource is', () => {
    expect(idsWith(() => ({ virtualMfaDeviceName: 'alice.b@example.com', path: '/staff/eu/' }))).toMatchObject({
      device: [expect.stringMatching(/^VirtualMfaDeviceStaffeualicebexamplecom[0-9A-F]{8}$/)],
      policy: [expect.stringMatching(/^VirtualMfaDevicePolicyStaffeualicebexamplecom[0-9A-F]{8}$/)],
      secret: [expect.stringMatching(/^VirtualMfaDeviceSeedStaffeualicebexamplecom[0-9A-F]{8}$/)],
    });
  });

  test('stay as they are overridden, and are an error if the claim on the device would be too long for a tag key', () => {
    const overridden = (logicalId: string) => {
      const stack = newStack();
      const device = enrollMade(stack);
      (device.node.defaultChild as CfnElement).overrideLogicalId(logicalId);
      return stack;
    };
    expect(only(overridden('M'.repeat(61)), 'Custom::MfaEnrollment').Properties['SerialNumber']).toEqual({
      'Fn::GetAtt': ['M'.repeat(61), 'SerialNumber'],
    });
    expect(() => Template.fromStack(overridden('M'.repeat(62)))).toThrow(
      /'M{62}' of 62 characters: expected at most 61/,
    );
  });

  // Few characters, so that many names differ only in what a logical id can't contain.
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

  test('are alphanumeric, have at most 61 characters, and differ for any two devices', () => {
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
