import { DEVICE_PROPERTIES, type DeviceAttributes, deviceClaimKey } from '../../lib/contract';
import { problemIn, propertiesIn } from '../properties';
import { declarationOf, type Request, type Resource, surroundingsOf } from '../resource';
import { VirtualMfaDevice } from './device';

/** The virtual MFA device that a request is about. */
export function deviceIn(request: Request): Resource {
  const properties = propertiesIn(DEVICE_PROPERTIES, request.ResourceProperties);
  const { SerialNumber: serialNumber, SeedSecretArn: secretArn } = properties;
  const declaration = declarationOf(request);
  const claimKey = deviceClaimKey(declaration.stackUuid, declaration.logicalId);
  return {
    physicalId: serialNumber,
    problem: problemIn(DEVICE_PROPERTIES, properties, surroundingsOf(request), request.RequestType),
    attributes: { SerialNumber: serialNumber } satisfies DeviceAttributes,
    subject: {
      tried: {
        Create: `cannot make virtual MFA device ${serialNumber} and store its seed`,
        Update: `cannot make sure of virtual MFA device ${serialNumber}`,
        Delete: `cannot delete virtual MFA device ${serialNumber}`,
      },
      byHand: `aws iam delete-virtual-mfa-device --serial-number ${serialNumber}, once it is deactivated, and unless other stacks have it, whose claim tags aws iam list-mfa-device-tags --serial-number ${serialNumber} shows: then aws iam untag-mfa-device --serial-number ${serialNumber} --tag-keys ${claimKey}`,
      lifelong: 'a device keeps its name for life',
      stackName: declaration.stackName,
      logicalId: declaration.logicalId,
      serialNumber,
      secretArn,
    },
    logFields: { serialNumber },
    work: (ports, attempts) => new VirtualMfaDevice(properties, declaration, ports, attempts),
  };
}
