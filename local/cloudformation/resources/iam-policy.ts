import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { objectOf, requiredText, textList } from './properties';
import type { ResourceProvider } from './provider';
import { ignoringErrors, type Service } from './service';

/**
 * `AWS::IAM::Policy`: an inline policy of one or more roles. Every change, even of the name, is an update in place, so
 * permissions that the update removes are gone immediately.
 */
export function iamPolicy(iam: Service, random: Random): ResourceProvider {
  const put = async (properties: JsonObject) => {
    const document = JSON.stringify(objectOf(properties, 'PolicyDocument'));
    for (const [roleName, policyName] of grants(properties)) {
      await iam.call('PutRolePolicy', { RoleName: roleName, PolicyName: policyName, PolicyDocument: document });
    }
  };
  const removeExcept = async (properties: JsonObject, remaining: JsonObject) => {
    for (const [roleName, policyName] of grants(properties)) {
      if (grants(remaining).some(([role, policy]) => role === roleName && policy === policyName)) {
        continue;
      }
      await ignoringErrors(['NoSuchEntity'], () =>
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
    async update(physical, properties, before) {
      await put(properties);
      await removeExcept(before, properties);
      return physical;
    },
    delete: (_made, properties) => removeExcept(properties, {}),
  };
}

/** Pairs of role name and policy name. */
function grants(properties: JsonObject): readonly (readonly [string, string])[] {
  return textList(properties, 'Roles').map((roleName) => [roleName, requiredText(properties, 'PolicyName')]);
}
