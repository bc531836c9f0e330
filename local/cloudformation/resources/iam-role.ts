import { isDeepStrictEqual } from 'node:util';
import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { objectList, objectOf, optionalNumber, optionalText, requiredText, textList } from './properties';
import type { ResourceProvider } from './provider';
import { ignoringErrors, type Service } from './service';

interface Role {
  readonly Role: { readonly Arn: string; readonly RoleId: string };
}

/** Properties that the local IAM can't change after a role is created. */
const FIXED = ['AssumeRolePolicyDocument', 'Description', 'MaxSessionDuration'];

/** `AWS::IAM::Role` with its inline policies. Another name or path requires replacement. */
export function iamRole(iam: Service, random: Random): ResourceProvider {
  const writePolicies = async (roleName: string, properties: JsonObject, before: JsonObject) => {
    const wanted = policiesOf(properties);
    for (const [name, document] of wanted) {
      await iam.call('PutRolePolicy', { RoleName: roleName, PolicyName: name, PolicyDocument: document });
    }
    for (const name of policiesOf(before).keys()) {
      if (wanted.has(name)) {
        continue;
      }
      await ignoringErrors(['NoSuchEntity'], () =>
        iam.call('DeleteRolePolicy', { RoleName: roleName, PolicyName: name }),
      );
    }
  };
  const attach = async (roleName: string, properties: JsonObject, before: JsonObject) => {
    const wanted = textList(properties, 'ManagedPolicyArns');
    for (const arn of wanted) {
      await iam.call('AttachRolePolicy', { RoleName: roleName, PolicyArn: arn });
    }
    for (const arn of textList(before, 'ManagedPolicyArns')) {
      if (wanted.includes(arn)) {
        continue;
      }
      await ignoringErrors(['NoSuchEntity'], () =>
        iam.call('DetachRolePolicy', { RoleName: roleName, PolicyArn: arn }),
      );
    }
  };
  return {
    properties: ['RoleName', 'Path', 'Policies', 'ManagedPolicyArns', ...FIXED],
    attributes: ['Arn', 'RoleId'],
    replacedBy: ['RoleName', 'Path'],
    async create(properties, { stackName, logicalId }) {
      const roleName = optionalText(properties, 'RoleName') ?? physicalName(stackName, logicalId, random);
      const optional = {
        Path: optionalText(properties, 'Path'),
        Description: optionalText(properties, 'Description'),
        MaxSessionDuration: optionalNumber(properties, 'MaxSessionDuration'),
      };
      const { Role: role } = (await iam.call('CreateRole', {
        RoleName: roleName,
        AssumeRolePolicyDocument: JSON.stringify(objectOf(properties, 'AssumeRolePolicyDocument')),
        ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
      })) as Role;
      await writePolicies(roleName, properties, {});
      await attach(roleName, properties, {});
      return { physicalId: roleName, attributes: { Arn: role.Arn, RoleId: role.RoleId } };
    },
    async update(physical, properties, before) {
      const changed = (property: string) => !isDeepStrictEqual(properties[property], before[property]);
      const fixed = FIXED.find(changed);
      if (fixed !== undefined) {
        throw new Error(`Update of property ${fixed} is not supported locally`);
      }
      await writePolicies(physical.physicalId, properties, before);
      await attach(physical.physicalId, properties, before);
      return physical;
    },
    async delete({ physicalId }, properties) {
      await ignoringErrors(['NoSuchEntity'], async () => {
        await writePolicies(physicalId, {}, properties);
        await attach(physicalId, {}, properties);
        await iam.call('DeleteRole', { RoleName: physicalId });
      });
    },
  };
}

/** The documents of the inline policies, by policy name. */
function policiesOf(properties: JsonObject): ReadonlyMap<string, string> {
  return new Map(
    objectList(properties, 'Policies').map((policy) => [
      requiredText(policy, 'PolicyName'),
      JSON.stringify(objectOf(policy, 'PolicyDocument')),
    ]),
  );
}
