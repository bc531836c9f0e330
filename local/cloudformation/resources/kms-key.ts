import { uuid, type Random } from '../../lambda/uuid';
import type { ResourceProvider } from './provider';

/** `AWS::KMS::Key`: its id and ARN, for what refers to them. It encrypts nothing. */
export function kmsKey(random: Random, arnPrefix: string): ResourceProvider {
  return {
    properties: ['Description', 'Enabled', 'EnableKeyRotation', 'KeyPolicy', 'PendingWindowInDays'],
    attributes: ['Arn', 'KeyId'],
    create() {
      const keyId = uuid(random);
      return { physicalId: keyId, attributes: { Arn: arnPrefix + keyId, KeyId: keyId } };
    },
    update(made) {
      return made;
    },
    delete() {
      // Nothing is kept of a key.
    },
  };
}
