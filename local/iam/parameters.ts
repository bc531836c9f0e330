import type { ActionParameters, Constraint, Parameters } from '../constraints';
import type { IamAction } from './inputs';

// Lengths and patterns from the service model of API version 2010-05-08.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
const NAME = '[\\w+=,.@-]+';
const newUserName: Constraint = { type: 'string', min: 1, max: 64, pattern: NAME };
const userName: Constraint = { type: 'string', min: 1, max: 128, pattern: NAME };
const roleName: Constraint = { type: 'string', min: 1, max: 64, pattern: NAME };
const policyName: Constraint = { type: 'string', min: 1, max: 128, pattern: NAME };
const deviceName: Constraint = { type: 'string', min: 1, pattern: NAME };
const serialNumber: Constraint = { type: 'string', min: 9, max: 256, pattern: '[\\w+=/:,.@-]+' };
const authenticationCode: Constraint = { type: 'string', min: 6, max: 6, pattern: '[\\d]+', sensitive: true };
const path: Constraint = { type: 'string', min: 1, max: 512, pattern: '(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)' };
const pathPrefix: Constraint = { type: 'string', min: 1, max: 512, pattern: '\\u002F[\\u0021-\\u007F]*' };
const arn: Constraint = { type: 'string', min: 20, max: 2048 };
const policyDocument: Constraint = {
  type: 'string',
  min: 1,
  max: 131072,
  pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
};
const tagKey: Constraint = { type: 'string', min: 1, max: 128, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+' };
const tagValue: Constraint = { type: 'string', max: 256, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*' };
const tags: Constraint = {
  type: 'list',
  max: 50,
  of: { type: 'structure', members: { Key: tagKey, Value: tagValue }, required: ['Key', 'Value'] },
};
const tagKeys: Constraint = { type: 'list', max: 50, of: tagKey };
const page: Parameters = {
  Marker: { type: 'string', min: 1, max: 320, pattern: '[\\u0020-\\u00FF]+' },
  MaxItems: { type: 'integer', min: 1, max: 1000 },
};
const codes: Parameters = {
  UserName: userName,
  SerialNumber: serialNumber,
  AuthenticationCode1: authenticationCode,
  AuthenticationCode2: authenticationCode,
};

/** The actions that the local IAM supports, and the parameters of each. */
export const IAM_PARAMETERS: Readonly<Record<IamAction, ActionParameters>> = {
  CreateUser: action({ UserName: newUserName, Path: path, Tags: tags }, ['UserName']),
  GetUser: action({ UserName: userName }, []),
  ListUsers: action({ PathPrefix: pathPrefix, ...page }, []),
  UpdateUser: action({ UserName: userName, NewUserName: newUserName, NewPath: path }, ['UserName']),
  DeleteUser: action({ UserName: userName }, ['UserName']),

  EnableMFADevice: action(codes, Object.keys(codes)),
  ResyncMFADevice: action(codes, Object.keys(codes)),
  DeactivateMFADevice: action({ UserName: userName, SerialNumber: serialNumber }, ['SerialNumber']),
  ListMFADevices: action({ UserName: userName, ...page }, []),
  GetMFADevice: action({ SerialNumber: serialNumber, UserName: userName }, ['SerialNumber']),
  CreateVirtualMFADevice: action({ VirtualMFADeviceName: deviceName, Path: path, Tags: tags }, [
    'VirtualMFADeviceName',
  ]),
  DeleteVirtualMFADevice: action({ SerialNumber: serialNumber }, ['SerialNumber']),
  ListVirtualMFADevices: action(
    { AssignmentStatus: { type: 'string', values: ['Assigned', 'Unassigned', 'Any'] }, ...page },
    [],
  ),
  TagMFADevice: action({ SerialNumber: serialNumber, Tags: tags }, ['SerialNumber', 'Tags']),
  UntagMFADevice: action({ SerialNumber: serialNumber, TagKeys: tagKeys }, ['SerialNumber', 'TagKeys']),
  ListMFADeviceTags: action({ SerialNumber: serialNumber, ...page }, ['SerialNumber']),

  CreateRole: action(
    {
      RoleName: roleName,
      AssumeRolePolicyDocument: policyDocument,
      Path: path,
      Description: { type: 'string', max: 1000 },
      MaxSessionDuration: { type: 'integer', min: 3600, max: 43200 },
      Tags: tags,
    },
    ['RoleName', 'AssumeRolePolicyDocument'],
  ),
  GetRole: action({ RoleName: roleName }, ['RoleName']),
  DeleteRole: action({ RoleName: roleName }, ['RoleName']),
  PutRolePolicy: action({ RoleName: roleName, PolicyName: policyName, PolicyDocument: policyDocument }, [
    'RoleName',
    'PolicyName',
    'PolicyDocument',
  ]),
  GetRolePolicy: action({ RoleName: roleName, PolicyName: policyName }, ['RoleName', 'PolicyName']),
  DeleteRolePolicy: action({ RoleName: roleName, PolicyName: policyName }, ['RoleName', 'PolicyName']),
  ListRolePolicies: action({ RoleName: roleName, ...page }, ['RoleName']),
  AttachRolePolicy: action({ RoleName: roleName, PolicyArn: arn }, ['RoleName', 'PolicyArn']),
  DetachRolePolicy: action({ RoleName: roleName, PolicyArn: arn }, ['RoleName', 'PolicyArn']),
  ListAttachedRolePolicies: action({ RoleName: roleName, ...page }, ['RoleName']),
};

export function isIamAction(action: string): action is IamAction {
  return Object.hasOwn(IAM_PARAMETERS, action);
}

function action(members: Parameters, required: readonly string[]): ActionParameters {
  return { members, required };
}
