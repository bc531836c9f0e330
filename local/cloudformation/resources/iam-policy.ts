import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { objectOf, requiredText, textList } from './properties';
import type { ResourceProvider } from './provider';
import { unless, type Service } from './service';

/**
 * `AWS::IAM::Policy`: one inline policy in some roles. It is changed in place whatever changes, its name included, and
 * never replaced: what it granted before is gone as soon as it is updated.
 */
export function iamPolicy(iam: Service, random: Random): ResourceProvider {
  const put = async (properties: JsonObject) => {
    const document = JSON.stringify(objectOf(properties, 'PolicyDocument'));
    for (const [roleName, policyName] of grants(properties)) {
      await iam.call('PutRolePolicy', { RoleName: roleName, PolicyName: policyName, PolicyDocument: document });
    }
  };
  const remove = async (properties: JsonObject, kept: JsonObject) => {
    for (const [roleName, policyName] of grants(properties)) {
      if (grants(kept).some(([role, policy]) => role === roleName && policy === policyName)) {
        continue;
      }
      await unless(['NoSuchEntity'], () =>
        iam.call('DeleteRolePolicy', { RoleName: roleName, PolicyName: policyName }),
      );
    }
  };
  return {
    properties: ['PolicyName', 'PolicyDocument', 'Roles'],
    attributes: ['Id'],
    async create(properties, { stackName, logicalId }) {
      if (grants(properties).length === 0) {
        throw new Error('At least one of [Groups,Roles,Users] must be non-empty.');
      }
      await put(properties);
      const physicalId = physicalName(stackName, logicalId, random);
      return { physicalId, attributes: { Id: physicalId } };
    },
    async update(made, properties, before) {
      await put(properties);
      await remove(before, properties);
      return made;
    },
    delete: (_made, properties) => remove(properties, {}),
  };
}

/** Pairs of role and policy name; none for properties that are none. */
function grants(properties: JsonObject): readonly (readonly [string, string])[] {
  return textList(properties, 'Roles').map((roleName) => [roleName, requiredText(properties, 'PolicyName')]);
}
