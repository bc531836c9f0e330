import { Aspects, CfnOutput, CfnParameter, CfnResource, NestedStack, RemovalPolicy, Stage, Tags } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as cxapi from 'aws-cdk-lib/cx-api';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { type MfaEnrollmentProps } from '../../lib';
import {
  DEVICE,
  enroll,
  enrollmentPolicies,
  enrollmentResource,
  enrollments,
  ENV,
  newApp,
  newStack,
  only,
} from './fixture';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice-AbCdEf';
const TYPE = 'Custom::MfaEnrollment';

describe('properties', () => {
  test('an enrollment with the required props has these properties and no others', () => {
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

  test.each<[string, Partial<MfaEnrollmentProps>, string, unknown]>([
    ['seedSecretField names the key of a JSON secret', { seedSecretField: 'seed' }, 'SeedSecretField', 'seed'],
    ['adoptExisting true stands in the template', { adoptExisting: true }, 'AdoptExisting', true],
    ['adoptExisting false is the default and stands nowhere', { adoptExisting: false }, 'AdoptExisting', undefined],
  ])('%s', (_rule, props, property, value) => {
    const stack = newStack();
    enroll(stack, props);
    expect(only(stack, TYPE).Properties[property]).toEqual(value);
  });

  test('userName and serialNumber are what the enrollment answers, so that what uses them waits for it', () => {
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
  const DELETED = { DeletionPolicy: undefined, UpdateReplacePolicy: undefined };

  test.each([
    ['absent: deleted', undefined, DELETED],
    ['DESTROY: deleted', RemovalPolicy.DESTROY, DELETED],
    ['RETAIN: kept, but cleaned up when the create rolls back', RemovalPolicy.RETAIN, RETAINED],
    ['RETAIN_ON_UPDATE_OR_DELETE: the same', RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, RETAINED],
  ])('%s', (_rule, removalPolicy, expected) => {
    const stack = newStack();
    enroll(stack, { removalPolicy });
    const { DeletionPolicy, UpdateReplacePolicy } = only(stack, TYPE);
    expect({ DeletionPolicy, UpdateReplacePolicy }).toEqual(expected);
  });

  test('a retained enrollment retains nothing else', () => {
    const stack = newStack();
    enroll(stack, { removalPolicy: RemovalPolicy.RETAIN });
    const retained = Object.values(
      Template.fromStack(stack).toJSON()['Resources'] as Record<string, { Type: string; DeletionPolicy?: string }>,
    ).filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete');
    expect(retained.map(({ Type }) => Type)).toEqual([TYPE]);
  });

  describe('the hint that removing it leaves an imported user without MFA', () => {
    const hints = (removalPolicy?: RemovalPolicy, userName?: string) => {
      const stack = newStack();
      const user = userName === undefined ? undefined : iam.User.fromUserName(stack, 'Imported', userName);
      enroll(stack, { removalPolicy, ...(user && { user }) });
      return Annotations.fromStack(stack)
        .findInfo('*', Match.stringLikeRegexp('without this MFA device'))
        .map(({ entry }) => entry.data);
    };

    test('is given to an imported user with no policy, and names user and remedy', () => {
      expect(hints(undefined, 'bob')).toEqual([expect.stringMatching(/'bob'.*'removalPolicy' to RETAIN/)]);
    });

    test('names the construct where the name is a token', () => {
      const stack = newStack();
      enroll(stack, { user: iam.User.fromUserName(stack, 'Imported', new CfnParameter(stack, 'Name').valueAsString) });
      expect(Annotations.fromStack(stack).findInfo('*', Match.stringLikeRegexp("'Stack/Imported'"))).toHaveLength(1);
    });

    test.each([RemovalPolicy.DESTROY, RemovalPolicy.RETAIN])('is not given where the policy is said: %s', (policy) => {
      expect(hints(policy, 'bob')).toEqual([]);
    });

    test("is not given to the app's own user", () => {
      expect(hints()).toEqual([]);
    });
  });
});
describe('order', () => {
  test('the custom resource depends on its policy, which depends on the retry settings, and on nothing else', () => {
    const stack = newStack();
    enroll(stack);
    const [[policyId, policy] = []] = Object.entries(enrollmentPolicies(stack));
    expect(only(stack, TYPE).DependsOn).toEqual([policyId]);
    expect(policy?.DependsOn).toEqual([only(stack, 'AWS::Lambda::EventInvokeConfig').logicalId]);
  });

  test("each of several enrollments depends on its own policy, and on no other's", () => {
    const stack = newStack();
    enroll(stack, {}, 'One');
    enroll(stack, { serialNumber: `${DEVICE}-2` }, 'Two');
    for (const [logicalId, { DependsOn = [] }] of Object.entries(enrollments(stack))) {
      expect(DependsOn.filter((id) => id.startsWith('MfaEnrollmentPolicy'))).toEqual([
        logicalId.replace(/^MfaEnrollment/, 'MfaEnrollmentPolicy'),
      ]);
    }
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

  test('overrideLogicalId renames the enrollment, in what refers to it too', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    new CfnOutput(stack, 'Who', { value: enrollment.userName });
    enrollmentResource(enrollment).overrideLogicalId('Mine');
    expect(only(stack, TYPE).logicalId).toBe('Mine');
    Template.fromStack(stack).hasOutput('Who', { Value: { 'Fn::GetAtt': ['Mine', 'UserName'] } });
  });

  test('tags of the stack reach what can be tagged', () => {
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

  test('an aspect sees the enrollment and may change it', () => {
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

describe('where a stack may stand', () => {
  test('in a nested stack, which has a provider of its own', () => {
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

  test('in two stages, which come out alike', () => {
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
    // With the partition spelled out or not, as one of the flags decides, an imported ARN is what it is.
    enroll(stack, { seedSecret: Secret.fromSecretCompleteArn(stack, 'Seed', SECRET) });
    return { enrollments: enrollments(stack), policies: enrollmentPolicies(stack) };
  };

  test.each([
    ['recommended', recommended],
    ['off', off],
  ])('an enrollment comes out the same with all of them %s', (_setting, context) => {
    expect(flags.length).toBeGreaterThan(50);
    expect(synthesized(context)).toEqual(synthesized({}));
  });
});
