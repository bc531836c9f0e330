import { invalid } from '../lib/checks';
import { DEVICE_RESOURCE_TYPE, ENROLLMENT_RESOURCE_TYPE } from '../lib/contract';
import { deviceIn } from './device/resource';
import { enrollmentIn } from './enrollment/resource';
import { type Request, type Resource } from './resource';

/** The resource that a request is about; its properties are read and checked. */
export function resourceIn(request: Request): Resource {
  switch (request.ResourceType) {
    case ENROLLMENT_RESOURCE_TYPE:
      return enrollmentIn(request);
    case DEVICE_RESOURCE_TYPE:
      return deviceIn(request);
    default:
      return {
        ...enrollmentIn(request),
        problem: invalid(
          'resource type',
          request.ResourceType,
          `${ENROLLMENT_RESOURCE_TYPE} or ${DEVICE_RESOURCE_TYPE}`,
        ),
      };
  }
}
