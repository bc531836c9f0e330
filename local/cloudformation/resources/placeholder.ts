import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { ResourceProvider } from './provider';

/** Resources that do nothing anywhere: what they stand for is that they are in the template. */
export function placeholder(properties: readonly string[], random: Random): ResourceProvider {
  return {
    properties,
    attributes: [],
    create(_properties, { stackName, logicalId }) {
      return { physicalId: physicalName(stackName, logicalId, random), attributes: {} };
    },
    update(made) {
      return made;
    },
    delete() {
      // There is nothing.
    },
  };
}
