import type { PageRequest } from './pages';
import type { Tag } from './tags';

interface OfUser {
  readonly UserName: string;
}
interface OfCaller {
  readonly UserName?: string;
}
interface OfDevice {
  readonly SerialNumber: string;
}
interface OfRole {
  readonly RoleName: string;
}
interface OfRolePolicy extends OfRole {
  readonly PolicyName: string;
}
interface OfManagedPolicy extends OfRole {
  readonly PolicyArn: string;
}
interface WithCodes extends OfUser, OfDevice {
  readonly AuthenticationCode1: string;
  readonly AuthenticationCode2: string;
}

/** Parameters by action, after validation against `IAM_PARAMETERS`. */
export interface IamInputs {
  CreateUser: OfUser & { readonly Path?: string; readonly Tags?: readonly Tag[] };
  GetUser: OfCaller;
  ListUsers: PageRequest & { readonly PathPrefix?: string };
  UpdateUser: OfUser & { readonly NewUserName?: string; readonly NewPath?: string };
  DeleteUser: OfUser;

  EnableMFADevice: WithCodes;
  ResyncMFADevice: WithCodes;
  DeactivateMFADevice: OfDevice & OfCaller;
  ListMFADevices: PageRequest & OfCaller;
  GetMFADevice: OfDevice & OfCaller;
  CreateVirtualMFADevice: {
    readonly VirtualMFADeviceName: string;
    readonly Path?: string;
    readonly Tags?: readonly Tag[];
  };
  DeleteVirtualMFADevice: OfDevice;
  ListVirtualMFADevices: PageRequest & { readonly AssignmentStatus?: 'Assigned' | 'Unassigned' | 'Any' };
  TagMFADevice: OfDevice & { readonly Tags: readonly Tag[] };
  UntagMFADevice: OfDevice & { readonly TagKeys: readonly string[] };
  ListMFADeviceTags: PageRequest & OfDevice;

  CreateRole: OfRole & {
    readonly AssumeRolePolicyDocument: string;
    readonly Path?: string;
    readonly Description?: string;
    readonly MaxSessionDuration?: number;
    readonly Tags?: readonly Tag[];
  };
  GetRole: OfRole;
  DeleteRole: OfRole;
  PutRolePolicy: OfRolePolicy & { readonly PolicyDocument: string };
  GetRolePolicy: OfRolePolicy;
  DeleteRolePolicy: OfRolePolicy;
  ListRolePolicies: PageRequest & OfRole;
  AttachRolePolicy: OfManagedPolicy;
  DetachRolePolicy: OfManagedPolicy;
  ListAttachedRolePolicies: PageRequest & OfRole;
}

/** An action that the local IAM supports. */
export type IamAction = keyof IamInputs;
