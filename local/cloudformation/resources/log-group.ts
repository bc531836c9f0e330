import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import { optionalText } from './properties';
import type { ResourceProvider } from './provider';

/** `AWS::Logs::LogGroup`: only its name. It stores no logs. */
export function logGroup(random: Random, arnPrefix: string): ResourceProvider {
  const names = new Set<string>();
  return {
    properties: ['LogGroupName', 'RetentionInDays', 'KmsKeyId', 'LogGroupClass'],
    attributes: ['Arn'],
    replacedBy: ['LogGroupName'],
    create(properties, { stackName, logicalId }) {
      const name = optionalText(properties, 'LogGroupName') ?? physicalName(stackName, logicalId, random, 512);
      if (names.has(name)) {
        throw new Error(`Resource of type 'AWS::Logs::LogGroup' with identifier '${name}' already exists.`);
      }
      names.add(name);
      return { physicalId: name, attributes: { Arn: `${arnPrefix}${name}:*` } };
    },
    update(physical) {
      return physical;
    },
    delete({ physicalId }) {
      names.delete(physicalId);
    },
  };
}
