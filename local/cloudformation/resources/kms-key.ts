import { uuid, type Random } from '../../lambda/uuid';
import type { ResourceProvider } from './provider';

/** `AWS::KMS::Key`: only an id and an ARN to refer to. It encrypts nothing. */
export function kmsKey(random: Random, arnPrefix: string): ResourceProvider {
  return {
    properties: ['Description', 'Enabled', 'EnableKeyRotation', 'KeyPolicy', 'PendingWindowInDays'],
    attributes: ['Arn', 'KeyId'],
    create() {
      const keyId = uuid(random);
      return { physicalId: keyId, attributes: { Arn: arnPrefix + keyId, KeyId: keyId } };
    },
    update(physical) {
      return physical;
    },
    delete() {
      // A key has no state.
    },
  };
}
