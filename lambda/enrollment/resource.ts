import {
  ENROLLMENT_PROPERTIES,
  type EnrollmentAttributes,
  enrollmentClaimKey,
  physicalResourceId,
} from '../../lib/contract';
import { problemIn, propertiesIn } from '../properties';
import { declarationOf, type Request, type Resource, surroundingsOf } from '../resource';
import { Enrollment } from './enrollment';

/** The enrollment that a request is about. */
export function enrollmentIn(request: Request): Resource {
  const properties = propertiesIn(ENROLLMENT_PROPERTIES, request.ResourceProperties);
  const { UserName: userName, SerialNumber: serialNumber, SeedSecretArn: secretArn } = properties;
  const declaration = declarationOf(request);
  const claimKey = enrollmentClaimKey(declaration.stackUuid, declaration.logicalId);
  const object = `MFA device ${serialNumber} for user ${userName}`;
  return {
    physicalId: physicalResourceId(properties),
    problem: problemIn(ENROLLMENT_PROPERTIES, properties, surroundingsOf(request), request.RequestType),
    attributes: { UserName: userName, SerialNumber: serialNumber } satisfies EnrollmentAttributes,
    subject: {
      tried: {
        Create: `cannot enable ${object}`,
        Update: `cannot make sure of ${object}`,
        Delete: `cannot deactivate ${object}`,
      },
      byHand: `aws iam deactivate-mfa-device --user-name ${userName} --serial-number ${serialNumber}, unless others rely on it, and aws iam untag-mfa-device --serial-number ${serialNumber} --tag-keys ${claimKey}`,
      lifelong: 'an enrollment is a user and a device, for life',
      stackName: declaration.stackName,
      logicalId: declaration.logicalId,
      userName,
      serialNumber,
      secretArn,
    },
    logFields: { userName, serialNumber },
    work: (ports, attempts) => new Enrollment(properties, declaration, ports, attempts),
  };
}
