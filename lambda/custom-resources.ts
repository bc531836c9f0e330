import { problemOfSerialNumber, problemOfTag, problemOfTagCount, problemOfUserName } from '../lib/checks';
import {
  DEVICE_RESOURCE_TYPE,
  deviceClaimKey,
  ENROLLMENT_RESOURCE_TYPE,
  enrollmentClaimKey,
  physicalResourceId,
} from '../lib/contract';
import { Enrollment } from './enrollment/enrollment';
import { deviceProperties, enrollmentProperties } from './properties';
import { type RequestType } from './aws/reactions';
import { type Declaration, type Resource } from './resource';
import { VirtualMfaDevice } from './device/device';

/** Of what CloudFormation sends, what says which resource it is about. */
export interface Request {
  readonly RequestType: RequestType;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

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
        problem: `resource type '${request.ResourceType}' is not served: ${ENROLLMENT_RESOURCE_TYPE} and ${DEVICE_RESOURCE_TYPE} are allowed`,
      };
  }
}

function enrollmentIn(request: Request): Resource {
  const properties = enrollmentProperties(request.ResourceProperties);
  const { UserName: userName, SerialNumber: serialNumber, SeedSecretArn: secretArn } = properties;
  const declaration = declarationOf(request);
  const claimKey = enrollmentClaimKey(declaration.stackUuid, declaration.logicalId);
  const object = `MFA device ${serialNumber} for user ${userName}`;
  return {
    physicalId: physicalResourceId(properties),
    problem: firstOf({
      UserName: problemOfUserName(userName),
      SerialNumber: problemOfSerialNumber(serialNumber, surroundingsOf(request)),
      // A Delete needs no secret.
      ...(request.RequestType !== 'Delete' && {
        SeedSecretArn: problemOfSecretArn(secretArn),
        SeedSecretField: properties.SeedSecretField === '' ? "'' is no key of a JSON secret" : undefined,
      }),
    }),
    attributes: { UserName: userName, SerialNumber: serialNumber },
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

function deviceIn(request: Request): Resource {
  const properties = deviceProperties(request.ResourceProperties);
  const { SerialNumber: serialNumber, SeedSecretArn: secretArn, Tags: tags = [] } = properties;
  const declaration = declarationOf(request);
  const claimKey = deviceClaimKey(declaration.stackUuid, declaration.logicalId);
  return {
    physicalId: serialNumber,
    problem: firstOf({
      SerialNumber: problemOfSerialNumber(serialNumber, surroundingsOf(request)),
      ...(request.RequestType !== 'Delete' && {
        SeedSecretArn: problemOfSecretArn(secretArn),
        Tags: problemOfTagCount(tags.length) ?? tags.map(problemOfTag).find((problem) => problem !== undefined),
      }),
    }),
    attributes: {},
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

/** What only the deployment knows is checked here, by the rules that synthesis has for what it knows. */
function firstOf(problems: Readonly<Record<string, string | undefined>>): string | undefined {
  const [property, problem] = Object.entries(problems).find(([, words]) => words !== undefined) ?? [];
  return problem === undefined ? undefined : `'${property}': ${problem}`;
}

function problemOfSecretArn(arn: string): string | undefined {
  if (/^arn:[^:]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:./.test(arn)) {
    return undefined;
  }
  // What is no ARN at all is not quoted: somebody may have put the seed itself here.
  return `${arn.startsWith('arn:') ? `'${arn}'` : 'the value'} is not the ARN of a secret: arn:aws:secretsmanager:<region>:<account>:secret:<name> is expected`;
}

function surroundingsOf({ StackId }: Request) {
  const [, partition, , , account] = StackId.split(':');
  return { account, partition };
}

/** `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>` */
function declarationOf({ StackId, LogicalResourceId }: Request): Declaration {
  const [, , , region = '', , resource = ''] = StackId.split(':');
  const [, stackName = '', stackUuid = ''] = resource.split('/');
  return { logicalId: LogicalResourceId, stackName, stackUuid, region };
}
