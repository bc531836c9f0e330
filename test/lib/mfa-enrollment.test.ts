import {
  type App,
  Aspects,
  Aws,
  CfnOutput,
  CfnParameter,
  CfnResource,
  Fn,
  NestedStack,
  RemovalPolicy,
  type Stack,
  Stage,
  Tags,
} from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as cxapi from 'aws-cdk-lib/cx-api';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { MfaEnrollment, type MfaEnrollmentProps, MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';
import {
  type Declaration,
  DEVICE,
  devicePolicies,
  devices,
  enroll,
  enrollmentPolicies,
  enrollmentResource,
  enrollments,
  ENV,
  literalStack,
  newApp,
  newStack,
  only,
  resources,
} from './fixture';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice-AbCdEf';
const TYPE = 'Custom::MfaEnrollment';
const DEVICE_TYPE = 'Custom::VirtualMfaDevice';

describe('properties', () => {
  test('an enrollment has the properties UserName, SerialNumber and SeedSecretArn, and no others by default', () => {
    const stack = newStack();
    enroll(stack);
    expect(Object.keys(only(stack, TYPE).Properties).sort()).toEqual([
      'SeedSecretArn',
      'SerialNumber',
      'ServiceTimeout',
      'ServiceToken',
      'UserName',
    ]);
    expect(only(stack, TYPE).Properties).toMatchObject({
      ServiceTimeout: 1410,
      UserName: { Ref: only(stack, 'AWS::IAM::User').logicalId },
      SerialNumber: DEVICE,
    });
  });

  test.each<[string, Declaration, string, unknown]>([
    ['seedSecretField names the key of a JSON secret', { seedSecretField: 'seed' }, 'SeedSecretField', 'seed'],
    ['adoptExisting true is AdoptExisting in the template', { adoptExisting: true }, 'AdoptExisting', true],
    [
      'adoptExisting false is the default and not in the template',
      { adoptExisting: false },
      'AdoptExisting',
      undefined,
    ],
  ])('%s', (_rule, props, property, value) => {
    const stack = newStack();
    enroll(stack, props);
    expect(only(stack, TYPE).Properties[property]).toEqual(value);
  });

  test('userName and serialNumber are attributes, so that resources that reference them are created after the enrollment', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    new CfnOutput(stack, 'Who', { value: enrollment.userName });
    new CfnOutput(stack, 'What', { value: enrollment.serialNumber });
    const { logicalId } = only(stack, TYPE);
    Template.fromStack(stack).hasOutput('Who', { Value: { 'Fn::GetAtt': [logicalId, 'UserName'] } });
    Template.fromStack(stack).hasOutput('What', { Value: { 'Fn::GetAtt': [logicalId, 'SerialNumber'] } });
  });
});

describe('removal policy', () => {
  const RETAINED = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };
  const DELETED = { DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' };

  test.each([
    ['no policy: deleted, and the template says so', undefined, DELETED],
    ['DESTROY: deleted', RemovalPolicy.DESTROY, DELETED],
    ['RETAIN: retained, unless the create rolls back', RemovalPolicy.RETAIN, RETAINED],
    ['RETAIN_ON_UPDATE_OR_DELETE: same as RETAIN', RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, RETAINED],
  ])('%s', (_rule, removalPolicy, expected) => {
    const stack = newStack();
    enroll(stack, { removalPolicy });
    const { DeletionPolicy, UpdateReplacePolicy } = only(stack, TYPE);
    expect({ DeletionPolicy, UpdateReplacePolicy }).toEqual(expected);
  });

  test('a retained enrollment of an imported device retains nothing else', () => {
    const stack = newStack();
    enroll(stack, { removalPolicy: RemovalPolicy.RETAIN });
    const retained = Object.values(
      Template.fromStack(stack).toJSON()['Resources'] as Record<string, { Type: string; DeletionPolicy?: string }>,
    ).filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete');
    expect(retained.map(({ Type }) => Type)).toEqual([TYPE]);
  });

  describe('the note that removal leaves an imported user without MFA', () => {
    const notes = (removalPolicy?: RemovalPolicy, userName?: string) => {
      const stack = newStack();
      const user = userName === undefined ? undefined : iam.User.fromUserName(stack, 'Imported', userName);
      enroll(stack, { removalPolicy, ...(user && { user }) });
      return Annotations.fromStack(stack)
        .findInfo('*', Match.stringLikeRegexp('without this MFA device'))
        .map(({ entry }) => entry.data);
    };

    test('names the imported user and the remedy if the enrollment has no removal policy', () => {
      expect(notes(undefined, 'bob')).toEqual([expect.stringMatching(/'bob'.*'removalPolicy' to RETAIN/)]);
    });

    test('names the construct of the user if the name is a token', () => {
      const stack = newStack();
      enroll(stack, { user: iam.User.fromUserName(stack, 'Imported', new CfnParameter(stack, 'Name').valueAsString) });
      expect(Annotations.fromStack(stack).findInfo('*', Match.stringLikeRegexp("'Stack/Imported'"))).toHaveLength(1);
    });

    test.each([RemovalPolicy.DESTROY, RemovalPolicy.RETAIN])(
      'is absent if the enrollment has a removal policy: %s',
      (policy) => {
        expect(notes(policy, 'bob')).toEqual([]);
      },
    );

    test('is absent for a user that the app declares', () => {
      expect(notes()).toEqual([]);
    });

    test('says that an adopted device stays enabled', () => {
      const stack = newStack();
      enroll(stack, { user: iam.User.fromUserName(stack, 'Imported', 'bob'), adoptExisting: true });
      const words = Match.stringLikeRegexp('without this MFA device, unless it was adopted; set');
      expect(Annotations.fromStack(stack).findInfo('*', words)).toHaveLength(1);
    });
  });

  test.each([
    [RemovalPolicy.DESTROY, 1],
    [RemovalPolicy.RETAIN, 0],
  ])('a retained enrollment of a user with the removal policy %s has %d notes about it', (policy, count) => {
    const stack = newStack();
    const user = new iam.User(stack, 'Bob');
    enroll(stack, { user, removalPolicy: RemovalPolicy.RETAIN });
    user.applyRemovalPolicy(policy);
    const words = Match.stringLikeRegexp("can't delete the user 'Stack/Bob' while it is");
    expect(Annotations.fromStack(stack).findInfo('*', words)).toHaveLength(count);
  });
});
describe('dependencies', () => {
  const retrySettings = (stack: Stack) => only(stack, 'AWS::Lambda::EventInvokeConfig').logicalId;
  const providerPolicy = (stack: Stack) =>
    Object.keys(resources(stack, 'AWS::IAM::Policy')).filter((id) => id.startsWith('MfaEnrollmentProvider'));

  test("the custom resource depends on its own policy, the provider's policy and the retry settings, and on nothing else", () => {
    const stack = newStack();
    enroll(stack);
    const [policyId = ''] = Object.keys(enrollmentPolicies(stack));
    expect(providerPolicy(stack)).toHaveLength(1);
    expect(only(stack, TYPE).DependsOn).toEqual([policyId, ...providerPolicy(stack), retrySettings(stack)].sort());
  });

  test('policies and retry settings depend on nothing, so that CloudFormation creates them in parallel', () => {
    const stack = newStack();
    enroll(stack);
    const sideBySide = [
      ...Object.values(resources(stack, 'AWS::IAM::Policy')),
      ...Object.values(resources(stack, 'AWS::Lambda::EventInvokeConfig')),
    ];
    expect(sideBySide).toHaveLength(3);
    for (const { DependsOn } of sideBySide) {
      expect(DependsOn).toBeUndefined();
    }
  });

  test('dependencies are ordered by logical id, wherever the constructs are', () => {
    const dependsOn = (scope: (stack: Stack) => Construct, id: string) => {
      const stack = newStack();
      const provider = new MfaEnrollmentProvider(stack, 'M');
      new iam.User(stack, 'Alice');
      enroll(scope(stack), { provider }, id);
      return only(stack, TYPE).DependsOn;
    };
    const before = dependsOn((stack) => stack, 'A');
    expect(before).toEqual([...before!].sort());
    expect(dependsOn((stack) => stack, 'Z')).toEqual(before);
    expect(dependsOn((stack) => new Construct(stack, 'Team'), 'A')).toEqual(before);
  });

  test('dependencies are the same without validation', () => {
    const dependsOn = (skipValidation: boolean) => {
      const stack = newStack();
      enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'M') }, 'A');
      const { Resources } = (stack.node.root as App).synth({ skipValidation }).getStackArtifact(stack.artifactId)
        .template as { Resources: Record<string, { Type: string; DependsOn?: string[] }> };
      return Object.values(Resources).find(({ Type }) => Type === TYPE)?.DependsOn;
    };
    expect(dependsOn(false)).toHaveLength(3);
    expect(dependsOn(true)).toEqual(dependsOn(false));
  });

  test("each of several enrollments depends on its own policy, and on no other enrollment's", () => {
    const stack = newStack();
    enroll(stack, {}, 'One');
    enroll(stack, { serialNumber: `${DEVICE}-2` }, 'Two');
    for (const [logicalId, { DependsOn = [] }] of Object.entries(enrollments(stack))) {
      expect(DependsOn.filter((id) => id.startsWith('MfaEnrollmentPolicy'))).toEqual([
        logicalId.replace(/^MfaEnrollment/, 'MfaEnrollmentPolicy'),
      ]);
    }
  });

  test('a dependency that the app adds is kept', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    const endpoint = new CfnResource(stack, 'Endpoint', { type: 'AWS::EC2::VPCEndpoint' });
    enrollment.node.addDependency(endpoint);
    expect(only(stack, TYPE).DependsOn).toContain('Endpoint');
    expect(only(stack, TYPE).DependsOn).toHaveLength(4);
  });
});

describe('escape hatches', () => {
  test('the default child is the CfnResource called Resource', () => {
    const enrollment = enroll(newStack());
    expect(CfnResource.isCfnResource(enrollmentResource(enrollment))).toBe(true);
    expect(enrollment.node.defaultChild).toBe(enrollment.node.findChild('Resource'));
    expect(enrollmentResource(enrollment).cfnResourceType).toBe(TYPE);
  });

  test('addPropertyOverride and addOverride reach the template', () => {
    const stack = newStack();
    const resource = enrollmentResource(enroll(stack));
    resource.addPropertyOverride('ServiceTimeout', 3600);
    resource.addOverride('Condition', 'Production');
    expect(only(stack, TYPE)).toMatchObject({ Properties: { ServiceTimeout: 3600 }, Condition: 'Production' });
  });

  test('overrideLogicalId renames the enrollment and the references to it', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    new CfnOutput(stack, 'Who', { value: enrollment.userName });
    enrollmentResource(enrollment).overrideLogicalId('Mine');
    expect(only(stack, TYPE).logicalId).toBe('Mine');
    Template.fromStack(stack).hasOutput('Who', { Value: { 'Fn::GetAtt': ['Mine', 'UserName'] } });
  });

  test('tags of the stack reach the function, and not the enrollment, which has no tags', () => {
    const stack = newStack();
    enroll(stack);
    Tags.of(stack).add('team', 'identity');
    Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', {
      Tags: [{ Key: 'team', Value: 'identity' }],
    });
    expect(only(stack, TYPE).Properties).not.toHaveProperty('Tags');
  });

  test("a permissions boundary of the stack reaches the function's role", () => {
    const stack = newStack();
    enroll(stack);
    iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.fromAwsManagedPolicyName('PowerUserAccess'));
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Role', { PermissionsBoundary: Match.anyValue() });
  });

  test('an aspect can change the enrollment', () => {
    const stack = newStack();
    enroll(stack);
    Aspects.of(stack).add({
      visit: (node) => {
        if (CfnResource.isCfnResource(node) && node.cfnResourceType === TYPE) {
          node.applyRemovalPolicy(RemovalPolicy.RETAIN);
        }
      },
    });
    expect(only(stack, TYPE).DeletionPolicy).toBe('Retain');
  });
});

describe('nested stacks and stages', () => {
  test('a nested stack has its own provider', () => {
    const parent = newStack();
    const nested = new NestedStack(parent, 'Nested');
    enroll(parent, {}, 'InParent');
    enroll(nested, {}, 'InNested');
    for (const stack of [parent, nested]) {
      expect(only(stack, TYPE).Properties['ServiceToken']).toEqual({
        'Fn::GetAtt': [only(stack, 'AWS::Lambda::Function').logicalId, 'Arn'],
      });
    }
  });

  test('one stack in two stages has the same template', () => {
    const app = newApp();
    const [beta, production] = ['Beta', 'Production'].map((name) => {
      const stack = newStack({ env: ENV, stackName: 'Users' }, new Stage(app, name));
      enroll(stack);
      return stack;
    });
    if (beta === undefined || production === undefined) {
      throw new Error('two stages were expected');
    }
    expect(Template.fromStack(beta).toJSON()).toEqual(Template.fromStack(production).toJSON());
  });
});

describe('feature flags', () => {
  const flags = Object.keys(cxapi.FLAGS).filter((flag) => !cxapi.CURRENT_VERSION_EXPIRED_FLAGS.includes(flag));
  const recommended = Object.fromEntries(flags.map((flag) => [flag, cxapi.FLAGS[flag]?.recommendedValue]));
  const off = Object.fromEntries(flags.map((flag) => [flag, false]));
  const synthesized = (context: Record<string, unknown>) => {
    const stack = newStack({ env: ENV }, newApp(context));
    // One of the flags writes out the partition. An imported ARN is the same either way.
    enroll(stack, { seedSecret: Secret.fromSecretCompleteArn(stack, 'Seed', SECRET) });
    return { enrollments: enrollments(stack), policies: enrollmentPolicies(stack) };
  };

  test.each([
    ['recommended', recommended],
    ['off', off],
  ])('an enrollment has the same template with all flags %s', (_setting, context) => {
    expect(flags.length).toBeGreaterThan(50);
    expect(synthesized(context)).toEqual(synthesized({}));
  });
});

describe('the default device', () => {
  const SECRET_TYPE = 'AWS::SecretsManager::Secret';
  const alice = (stack: Stack) => iam.User.fromUserName(stack, 'Alice', 'alice');
  const enrollAlice = (stack: Stack, props: Partial<MfaEnrollmentProps> = {}, id = 'AliceMfa') =>
    new MfaEnrollment(stack, id, { user: props.user ?? alice(stack), ...props });
  const nameWith = (props: Partial<MfaEnrollmentProps> = {}) =>
    (enrollAlice(newStack({ env: ENV }), props).device as VirtualMfaDevice).virtualMfaDeviceName;

  test('an enrollment without device creates a device, its secret and nothing else', () => {
    const types = (declare: (stack: Stack) => unknown) => {
      const stack = newStack();
      declare(stack);
      const all = Template.fromStack(stack).toJSON()['Resources'] as Record<string, { Type: string }>;
      return Object.values(all).map(({ Type }) => Type);
    };
    const imported = types((stack) => enroll(stack, { user: alice(stack) }));
    const added = [DEVICE_TYPE, SECRET_TYPE, 'AWS::IAM::Policy'];
    expect(types((stack) => enrollAlice(stack)).sort()).toEqual([...imported, ...added].sort());
  });

  test('the enrollment references the device and its secret, and so waits for them', () => {
    const stack = newStack();
    const enrollment = enrollAlice(stack);
    expect(only(stack, TYPE).Properties).toMatchObject({
      UserName: 'alice',
      SerialNumber: { 'Fn::GetAtt': [only(stack, DEVICE_TYPE).logicalId, 'SerialNumber'] },
      SeedSecretArn: { Ref: only(stack, SECRET_TYPE).logicalId },
    });
    expect(enrollment.device).toBeInstanceOf(VirtualMfaDevice);
  });

  test('it is called <stack>-<user>-<region>-<8 hex digits>-<generation>', () => {
    expect(nameWith()).toMatch(/^Stack-alice-eu-central-1-[0-9a-f]{8}-1$/);
  });

  test('generation 1 is the default, and a higher generation is another device, secret and enrollment', () => {
    expect(nameWith({ generation: 1 })).toBe(nameWith());
    expect(nameWith({ generation: 2 })).toBe(nameWith().replace(/1$/, '2'));
    const ids = (generation: number) => {
      const stack = newStack();
      enrollAlice(stack, { generation });
      return [TYPE, DEVICE_TYPE, SECRET_TYPE].map((type) => only(stack, type).logicalId);
    };
    const [before, after] = [ids(1), ids(2)];
    expect(after.filter((id) => before.includes(id))).toEqual([]);
  });

  test('a generation that only the deployment knows is part of the name', () => {
    const stack = literalStack();
    enrollAlice(stack, { generation: new CfnParameter(stack, 'Generation', { type: 'Number' }).valueAsNumber });
    expect(only(stack, DEVICE_TYPE).Properties['SerialNumber']).toEqual({
      'Fn::Join': ['', [expect.stringMatching(/:mfa\/Stack-alice-eu-central-1-[0-9a-f]{8}-$/), { Ref: 'Generation' }]],
    });
  });

  test('generation with device is an error', () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'Device');
    expect(() => enrollAlice(stack, { device, generation: 2 })).toThrow(
      "[Stack/AliceMfa] 'generation': is set together with 'device': expected one of them; rotate the device itself",
    );
  });

  test.each<[string, (stack: Stack) => Partial<MfaEnrollmentProps>]>([
    ['of the same user construct', () => ({})],
    ['of a user that is imported twice', (stack) => ({ user: iam.User.fromUserName(stack, 'AliceToo', 'alice') })],
    ['with another generation', () => ({ generation: 2 })],
    ['with another provider', (stack) => ({ provider: new MfaEnrollmentProvider(stack, 'Other') })],
  ])('a second enrollment of one user in one stack without device is an error that asks for one: %s', (_how, props) => {
    const stack = newStack();
    const user = alice(stack);
    enrollAlice(stack, { user }, 'First');
    enrollAlice(stack, { user, ...props(stack) }, 'Second');
    expect(() => Template.fromStack(stack)).toThrow(
      "[Stack/Second] 'device': expected a VirtualMfaDevice, because the user already has the default device of 'Stack/First'",
    );
    expect(() => Template.fromStack(stack)).not.toThrow(/\[Stack\/First\]/);
  });

  test('a second enrollment of one user passes with an explicit device, before or after the default device', () => {
    for (const order of ['before', 'after']) {
      const stack = newStack();
      const user = alice(stack);
      const explicit = () => enrollAlice(stack, { user, device: new VirtualMfaDevice(stack, 'Device') }, 'Explicit');
      if (order === 'before') {
        explicit();
      }
      enrollAlice(stack, { user }, 'Default');
      if (order === 'after') {
        explicit();
      }
      expect(Object.keys(enrollments(stack))).toHaveLength(2);
    }
  });

  test('default devices of two users, and of one user in two stacks, pass', () => {
    const app = newApp();
    const stacks = [newStack({}, app, 'One'), newStack({}, app, 'Two')];
    for (const stack of stacks) {
      enrollAlice(stack, {}, 'First');
      enrollAlice(stack, { user: iam.User.fromUserName(stack, 'Bob', 'bob') }, 'Second');
    }
    const serialNumbers = stacks.flatMap((stack) =>
      Object.values(devices(stack)).map(({ Properties }) => JSON.stringify(Properties['SerialNumber'])),
    );
    expect(new Set(serialNumbers).size).toBe(4);
  });

  test('it has the provider of the enrollment', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Own');
    enrollAlice(stack, { provider });
    expect(only(stack, DEVICE_TYPE).Properties['ServiceToken']).toEqual(stack.resolve(provider.serviceToken));
    expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toHaveLength(1);
  });

  test('the name written out on a declared device changes no logical id, so that nothing is rotated', () => {
    const ids = (declare: (stack: Stack) => unknown) => {
      const stack = newStack({ env: ENV });
      declare(stack);
      return [enrollments, devices, enrollmentPolicies, devicePolicies]
        .map((of) => Object.keys(of(stack)))
        .concat([Object.keys(resources(stack, SECRET_TYPE))]);
    };
    const explicit = ids((stack) => {
      const device = new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: nameWith() });
      enrollAlice(stack, { device });
    });
    expect(explicit).toEqual(ids((stack) => enrollAlice(stack)));
  });
});

describe('recheck', () => {
  const recheckOf = (stack: Stack, type: string) => only(stack, type).Properties['Recheck'];
  const declare = (
    { provider, enrollment }: { provider?: number; enrollment?: number },
    props: (stack: Stack) => Partial<MfaEnrollmentProps> = () => ({}),
  ) => {
    const stack = newStack();
    const user = iam.User.fromUserName(stack, 'Alice', 'alice');
    new MfaEnrollment(stack, 'AliceMfa', {
      user,
      provider: new MfaEnrollmentProvider(stack, 'Provider', { recheck: provider }),
      recheck: enrollment,
      ...props(stack),
    });
    return stack;
  };

  test.each<[string, Parameters<typeof declare>[0], number | undefined]>([
    ['absent by default', {}, undefined],
    ['absent at 0', { enrollment: 0 }, undefined],
    ['absent at 0 of the provider', { provider: 0 }, undefined],
    ['the number of the enrollment', { enrollment: 3 }, 3],
    ['the number of the provider if the enrollment has none', { provider: 7 }, 7],
    ['the number of the enrollment rather than of the provider', { provider: 7, enrollment: 3 }, 3],
    ['absent at 0 of the enrollment, whatever the provider has', { provider: 7, enrollment: 0 }, undefined],
  ])('Recheck of an enrollment and of its default device is %s', (_rule, numbers, expected) => {
    const stack = declare(numbers);
    for (const type of [TYPE, DEVICE_TYPE]) {
      expect(recheckOf(stack, type)).toBe(expected);
      if (expected === undefined) {
        expect(only(stack, type).Properties).not.toHaveProperty('Recheck');
      }
    }
  });

  test('Recheck of a declared device is the number of its provider, not of the enrollment', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Provider', { recheck: 7 });
    enroll(stack, { provider, recheck: 3, device: new VirtualMfaDevice(stack, 'Device', { provider }) });
    expect([TYPE, DEVICE_TYPE].map((type) => recheckOf(stack, type))).toEqual([3, 7]);
  });

  test('Recheck of an imported device is that of the enrollment alone', () => {
    const stack = newStack();
    enroll(stack, { recheck: 3 });
    expect(recheckOf(stack, TYPE)).toBe(3);
    expect(devices(stack)).toEqual({});
  });

  test('a token passes, of the enrollment and of the provider', () => {
    for (const which of ['enrollment', 'provider'] as const) {
      const stack = newStack();
      const recheck = new CfnParameter(stack, 'Build', { type: 'Number' }).valueAsNumber;
      new MfaEnrollment(stack, 'AliceMfa', {
        user: iam.User.fromUserName(stack, 'Alice', 'alice'),
        ...(which === 'enrollment' ? { recheck } : { provider: new MfaEnrollmentProvider(stack, 'P', { recheck }) }),
      });
      for (const type of [TYPE, DEVICE_TYPE]) {
        expect(recheckOf(stack, type)).toEqual({ Ref: 'Build' });
      }
    }
  });

  test('it is part of no logical id, and changes nothing else in the template', () => {
    const without = (stack: Stack) =>
      JSON.stringify(Template.fromStack(stack).toJSON(), (key, value: unknown) =>
        key === 'Recheck' ? undefined : value,
      );
    const before = without(declare({}));
    expect(without(declare({ enrollment: 3 }))).toBe(before);
    expect(without(declare({ provider: 7 }))).toBe(before);
  });
});

describe('a device name or path with tokens', () => {
  const joined = () => Fn.join('-', ['x', Aws.STACK_NAME]);

  test.each<[string, (stack: Stack) => VirtualMfaDevice]>([
    ['a name', (stack) => new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: joined() })],
    ['a path', (stack) => new VirtualMfaDevice(stack, 'Device', { path: `/${joined()}/` })],
    [
      'the devicePath of a path scope',
      (stack) => {
        const pathScope = { userPath: '/staff/', devicePath: `/${joined()}/` };
        const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
        return new VirtualMfaDevice(stack, 'Device', { provider });
      },
    ],
    [
      'a name under a path scope',
      (stack) => {
        const pathScope = { userPath: '/staff/', devicePath: '/staff/' };
        const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
        return new VirtualMfaDevice(stack, 'Device', { provider, virtualMfaDeviceName: joined() });
      },
    ],
    [
      'the seedSecretPrefix of a path scope',
      (stack) => {
        const pathScope = { userPath: '/staff/', devicePath: '/staff/', seedSecretPrefix: `${joined()}/` };
        const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
        return new VirtualMfaDevice(stack, 'Device', { provider });
      },
    ],
    [
      'the userPath of a path scope',
      (stack) => {
        const pathScope = { userPath: `/${joined()}/`, devicePath: '/staff/' };
        const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
        return new VirtualMfaDevice(stack, 'Device', { provider });
      },
    ],
  ])('never leaves the text of a token in the template: %s', (_where, declare) => {
    for (const env of [undefined, ENV]) {
      const stack = newStack({ env });
      declare(stack);
      const template = JSON.stringify(Template.fromStack(stack).toJSON());
      expect(template).not.toMatch(/\$\{Token|Token\[|=3A/);
      expect(template).toContain('{"Ref":"AWS::StackName"}');
    }
  });

  test('in a path scope is not part of a logical id, so tokens that the app makes before change nothing', () => {
    const logicalIdsAfter = (tokens: number) => {
      const stack = newStack();
      Array.from({ length: tokens }, (_, index) => Fn.join('-', [`${index}`, Aws.REGION]));
      const path = `/${joined()}/`;
      const provider = new MfaEnrollmentProvider(stack, 'Provider', {
        pathScope: { userPath: path, devicePath: path },
      });
      new VirtualMfaDevice(stack, 'Device', { provider });
      return Object.keys(Template.fromStack(stack).toJSON()['Resources'] as object);
    };
    expect(logicalIdsAfter(7)).toEqual(logicalIdsAfter(0));
    expect(logicalIdsAfter(0).join()).not.toContain('Token');
  });

  test('the name of a secret under a path scope keeps the tokens and replaces characters only around them', () => {
    const stack = literalStack();
    const pathScope = { userPath: '/staff/', devicePath: '/staff/' };
    new VirtualMfaDevice(stack, 'Device', {
      provider: new MfaEnrollmentProvider(stack, 'Provider', { pathScope }),
      path: '/staff/a:b/',
      virtualMfaDeviceName: `c,${joined()}`,
    });
    expect(only(stack, 'AWS::SecretsManager::Secret').Properties['Name']).toEqual({
      'Fn::Join': ['', ['mfa/staff/a=3Ab/c=2C', { 'Fn::Join': ['-', ['x', { Ref: 'AWS::StackName' }]] }]],
    });
  });
});
