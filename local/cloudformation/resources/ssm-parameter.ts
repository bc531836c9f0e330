import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { optionalText, requiredText } from './properties';
import type { Made, ResourceProvider } from './provider';

/** `AWS::SSM::Parameter`: a value under a name. */
export function ssmParameter(random: Random): ResourceProvider {
  const names = new Set<string>();
  return {
    properties: ['Name', 'Type', 'Value', 'Description'],
    attributes: ['Type', 'Value'],
    create(properties, { stackName, logicalId }) {
      const name = optionalText(properties, 'Name') ?? physicalName(stackName, logicalId, random);
      if (names.has(name)) {
        throw new Error(`${name} already exists.`);
      }
      names.add(name);
      return made(name, properties);
    },
    update({ physicalId }, properties, before) {
      return properties.Name === before.Name ? made(physicalId, properties) : 'replace';
    },
    delete({ physicalId }) {
      names.delete(physicalId);
    },
  };
}

function made(name: string, properties: JsonObject): Made {
  return {
    physicalId: name,
    attributes: { Type: requiredText(properties, 'Type'), Value: requiredText(properties, 'Value') },
  };
}
