import type { Random } from '../../lambda/uuid';
import { physicalName } from '../identifiers';
import type { ResourceProvider } from './provider';

/** A provider of resources that have no effect besides being in the template. */
export function placeholder(properties: readonly string[], random: Random): ResourceProvider {
  return {
    properties,
    attributes: [],
    create(_properties, { stackName, logicalId }) {
      return { physicalId: physicalName(stackName, logicalId, random), attributes: {} };
    },
    update(physical) {
      return physical;
    },
    delete() {
      // There is nothing to delete.
    },
  };
}
