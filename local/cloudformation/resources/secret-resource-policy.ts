import type { JsonObject } from '../json';
import { objectOf, requiredText } from './properties';
import type { ResourceProvider } from './provider';
import { ignoringErrors, type Service } from './service';

/**
 * `AWS::SecretsManager::ResourcePolicy`: the policy of a secret, updated in place. Another secret requires replacement.
 */
export function secretResourcePolicy(secretsManager: Service): ResourceProvider {
  const put = async (properties: JsonObject) => {
    const secretId = requiredText(properties, 'SecretId');
    await secretsManager.call('PutResourcePolicy', {
      SecretId: secretId,
      ResourcePolicy: JSON.stringify(objectOf(properties, 'ResourcePolicy')),
    });
    return { physicalId: secretId, attributes: { Id: secretId } };
  };
  return {
    properties: ['SecretId', 'ResourcePolicy'],
    attributes: ['Id'],
    replacedBy: ['SecretId'],
    create: put,
    update: (_made, properties) => put(properties),
    async delete({ physicalId }) {
      await ignoringErrors(['ResourceNotFoundException'], () =>
        secretsManager.call('DeleteResourcePolicy', { SecretId: physicalId }),
      );
    },
  };
}
