import { printable } from '../../lib/checks';
import { ENROLLMENT_CLAIM_PREFIX, ENROLLMENT_PROPERTIES, type EnrollmentAttributes, tagKey } from '../../lib/contract';
import { problemIn, propertiesIn } from '../properties';
import { declarationOf } from '../declaration';
import { untag } from '../failure';
import { type Request, type Resource, surroundingsOf } from '../resource';
import { Enrollment } from './enrollment';

/** The enrollment that a request is about. */
export function enrollmentIn(request: Request): Resource {
  const properties = propertiesIn(ENROLLMENT_PROPERTIES, request.ResourceProperties);
  const { UserName: userName, SerialNumber: serialNumber, SeedSecretArn: secretArn } = properties;
  const declaration = declarationOf(request);
  const claimKey = tagKey(ENROLLMENT_CLAIM_PREFIX, declaration.stackUuid, declaration.logicalId);
  const object = `MFA device ${printable(serialNumber)} of user ${printable(userName)}`;
  return {
    parts: [userName, serialNumber],
    declaration,
    problem: problemIn(ENROLLMENT_PROPERTIES, properties, surroundingsOf(request), request.RequestType),
    attributes: { UserName: userName, SerialNumber: serialNumber } satisfies EnrollmentAttributes,
    subject: {
      tried: {
        Create: `could not enable ${object}`,
        Update: `could not update the enrollment of ${object}`,
        Delete: `could not deactivate ${object}`,
      },
      claimKey,
      // Both, even if the device is no longer enabled.
      byHand: `aws iam deactivate-mfa-device --user-name ${userName} --serial-number ${serialNumber}; ${untag({ serialNumber, claimKey })}`,
      lifelong: 'an enrollment keeps its user and its device',
      region: declaration.region,
      stackName: declaration.stackName,
      logicalId: declaration.logicalId,
      userName,
      serialNumber,
      secretArn,
    },
    logFields: { userName, serialNumber },
    work: (occasion, ports, attempts) => new Enrollment(properties, occasion, ports, attempts),
  };
}
