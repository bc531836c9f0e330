import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { JsonObject } from '../json';
import { optionalText, requiredText } from './properties';
import type { PhysicalResource, ResourceProvider } from './provider';

/** `AWS::SSM::Parameter`: a named value. */
export function ssmParameter(random: Random): ResourceProvider {
  const names = new Set<string>();
  return {
    properties: ['Name', 'Type', 'Value', 'Description'],
    attributes: ['Type', 'Value'],
    replacedBy: ['Name'],
    create(properties, { stackName, logicalId }) {
      const name = optionalText(properties, 'Name') ?? physicalName(stackName, logicalId, random);
      if (names.has(name)) {
        throw new Error(`${name} already exists.`);
      }
      names.add(name);
      return physicalResource(name, properties);
    },
    update({ physicalId }, properties) {
      return physicalResource(physicalId, properties);
    },
    delete({ physicalId }) {
      names.delete(physicalId);
    },
  };
}

function physicalResource(name: string, properties: JsonObject): PhysicalResource {
  return {
    physicalId: name,
    attributes: { Type: requiredText(properties, 'Type'), Value: requiredText(properties, 'Value') },
  };
}
