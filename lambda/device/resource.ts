import { printable } from '../../lib/checks';
import { DEVICE_CLAIM_PREFIX, DEVICE_PROPERTIES, type DeviceAttributes, tagKey } from '../../lib/contract';
import { problemIn, propertiesIn } from '../properties';
import { declarationOf } from '../declaration';
import { secretOptions } from '../failure';
import { type Request, type Resource, surroundingsOf } from '../resource';
import { VirtualMfaDevice } from './device';

/** The virtual MFA device that a request is about. */
export function deviceIn(request: Request): Resource {
  const properties = propertiesIn(DEVICE_PROPERTIES, request.ResourceProperties);
  const { SerialNumber: serialNumber, SeedSecretArn: secretArn, OwnSecret: ownSecret } = properties;
  const declaration = declarationOf(request);
  const claimKey = tagKey(DEVICE_CLAIM_PREFIX, declaration.stackUuid, declaration.logicalId);
  const deleteSecret =
    ownSecret === 'true'
      ? `aws secretsmanager delete-secret --force-delete-without-recovery ${secretOptions(secretArn)}`
      : undefined;
  return {
    parts: [serialNumber],
    declaration,
    problem: problemIn(DEVICE_PROPERTIES, properties, surroundingsOf(request), request.RequestType),
    attributes: { SerialNumber: serialNumber } satisfies DeviceAttributes,
    subject: {
      tried: {
        Create: `could not create virtual MFA device ${printable(serialNumber)} and store its seed`,
        Update: `could not update virtual MFA device ${printable(serialNumber)}`,
        Delete: `could not delete virtual MFA device ${printable(serialNumber)}`,
      },
      claimKey,
      // A seed lives as long as its device.
      byHand: [
        `aws iam delete-virtual-mfa-device --serial-number ${serialNumber}`,
        ...(deleteSecret === undefined ? [] : [deleteSecret]),
      ].join(' && '),
      byHandIfGone: deleteSecret,
      lifelong: 'a device keeps its name and its path',
      region: declaration.region,
      stackName: declaration.stackName,
      logicalId: declaration.logicalId,
      serialNumber,
      secretArn,
    },
    logFields: { serialNumber },
    work: (occasion, ports, attempts) => new VirtualMfaDevice(properties, occasion, ports, attempts),
  };
}
