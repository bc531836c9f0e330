import { randomBytes } from 'node:crypto';
import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import { violationsOf } from '../constraints';
import type { AuthorizationRequest, Caller } from './authorization/caller';
import { denialReason } from './authorization/evaluation';
import { type Throttle, TokenBucket } from './token-bucket';
import { type TaggingRequest, tagContext } from './authorization/request-tags';
import { IAM_AUTHORIZATION } from './authorization/service-authorization';
import { AccountContext } from './context';
import type { Delays } from './delays';
import type { DeviceClockReading } from './device-clock';
import type { IamAction, IamInputs } from './inputs';
import { IAM_PARAMETERS, isIamAction } from './parameters';
import { qrCodePng } from './qr-code';
import { type Role, Roles } from './roles';
import { type User, Users } from './users';
import { type DeviceView, type VirtualDevice, VirtualDevices } from './virtual-devices';

export type { AuthorizationRequest, Authorizer, Caller } from './authorization/caller';
export type { Delays } from './delays';
export type { DeviceClockReading } from './device-clock';
export type { Throttle } from './token-bucket';

/** Options of {@link Iam}. */
export interface IamOptions {
  /** The clock that pairs of codes are checked against. */
  readonly clock: Clock;
  /** 12 digits. */
  readonly accountId: string;
  /** @default aws */
  readonly partition?: string;
  /** Source of seeds and ids. @default node:crypto */
  readonly random?: (bytes: number) => Buffer;
}

/** Output in the API's shape: times are `Date`, blobs are `Buffer`. */
export type Output = Record<string, unknown>;

/** Everything that tests compare before and after a change, as written, whether visible yet or not. */
export interface IamState {
  readonly users: readonly { readonly userName: string; readonly path: string; readonly userId: string }[];
  readonly devices: readonly {
    readonly serialNumber: string;
    /** The user that the device is enabled for. */
    readonly userName?: string;
    readonly tags: Readonly<Record<string, string>>;
  }[];
  readonly roles: readonly {
    readonly roleName: string;
    readonly inlinePolicies: Readonly<Record<string, string>>;
    readonly managedPolicies: readonly string[];
  }[];
}

type Handlers = { readonly [A in IamAction]: (input: IamInputs[A]) => Output };

/**
 * The IAM of one account, as far as virtual MFA devices need it: users, devices, and the roles whose policies decide
 * who may do what. Synchronous, so calls never interleave.
 */
export class Iam {
  private readonly context: AccountContext;
  private readonly users: Users;
  private readonly devices: VirtualDevices;
  private readonly roles: Roles;
  private bucket?: TokenBucket;

  constructor({ clock, accountId, partition = 'aws', random = randomBytes }: IamOptions) {
    this.context = new AccountContext(clock, accountId, partition, random);
    this.users = new Users(this.context);
    this.devices = new VirtualDevices(this.context);
    this.roles = new Roles(this.context);
  }

  /** How long writes stay invisible. Can be changed at any time, and applies to earlier writes, too. */
  get delays(): Delays {
    return this.context.delays;
  }

  set delays(delays: Delays) {
    this.context.delays = delays;
  }

  /** The rate limit for calls of roles from now on; `undefined` means no limit. */
  set throttle(throttle: Throttle | undefined) {
    this.bucket = throttle && new TokenBucket(this.context.clock, throttle);
  }

  /**
   * Executes one action.
   *
   * @param action the API's name of the action
   * @param input the parameters in the API's shape
   * @param caller who signed the call; an administrator if absent
   * @throws AwsError as AWS would return it; parameters are checked first, then permissions, then the state
   */
  call(action: string, input: Readonly<Record<string, unknown>>, caller?: Caller): Output {
    if (!isIamAction(action)) {
      throw new AwsError('InvalidAction', 400, `Could not find operation ${action} for version 2010-05-08`);
    }
    if (caller?.roleName !== undefined && this.bucket?.take() === false) {
      throw new AwsError('Throttling', 400, 'Rate exceeded');
    }
    const violations = violationsOf(IAM_PARAMETERS[action], input);
    if (violations !== undefined) {
      throw new AwsError('ValidationError', 400, violations);
    }
    const named = withCallingUser(action, input, caller);
    this.requireMfaForOwnDevices(action, named, caller);
    for (const request of this.authorizationsOf(action, named)) {
      const refusal = this.denialReason(caller, request);
      if (refusal !== undefined) {
        throw new AwsError('AccessDenied', 403, refusal);
      }
    }
    return (this.handlers[action] as (input: unknown) => Output)(named);
  }

  /**
   * Why a caller is denied a request, as AWS writes it, or `undefined` if it is allowed. Other services use this, too.
   */
  denialReason(caller: Caller | undefined, request: AuthorizationRequest): string | undefined {
    if (caller?.roleName === undefined) {
      return undefined;
    }
    const role = this.roles.find(caller.roleName);
    return denialReason(
      {
        sessionArn: caller.arn,
        roleArn: role === undefined ? this.context.arn('role', '/', caller.roleName) : this.roles.arnOf(role),
        policies: this.roles.policiesInForce(caller.roleName),
      },
      request,
    );
  }

  /** A device's clock state after its last accepted pair, or `undefined` if there was none. Not an AWS action. */
  deviceClock(serialNumber: string): DeviceClockReading | undefined {
    return this.devices.find(serialNumber)?.clock.reading;
  }

  /** Everything that tests compare before and after a change. Not an AWS action. */
  state(): IamState {
    return {
      users: this.users.all.map((user) => ({ userName: user.name, path: user.path, userId: user.id })),
      devices: this.devices.all.map(({ serialNumber, assignment, tags }) => ({
        serialNumber,
        ...(assignment === undefined ? {} : { userName: this.users.byId(assignment.userId)?.name }),
        tags: Object.fromEntries(tags.all.map(({ Key, Value }) => [Key, Value])),
      })),
      roles: this.roles.all.map((role) => ({
        roleName: role.name,
        inlinePolicies: Object.fromEntries(role.inlinePolicies),
        managedPolicies: [...role.managedPolicies],
      })),
    };
  }

  private readonly handlers: Handlers = {
    CreateUser: (input) => ({ User: this.userOutput(this.users.create(input)) }),
    GetUser: (input) => ({ User: this.userOutput(this.userOf(input)) }),
    ListUsers: (input) => {
      const { items, ...page } = this.users.list(input);
      return { Users: items.map((user) => this.userOutput(user)), ...page };
    },
    UpdateUser: (input) => {
      this.users.update(input);
      return {};
    },
    DeleteUser: ({ UserName }) => {
      const user = this.users.get(UserName);
      if (this.devices.of(user).length > 0) {
        throw new AwsError('DeleteConflict', 409, 'Cannot delete entity, must remove tokens from principal first.');
      }
      this.users.delete(user);
      return {};
    },

    EnableMFADevice: (input) => {
      const user = this.users.get(input.UserName);
      this.users.requireModifiable(user);
      this.devices.enable(user, input.SerialNumber, input);
      return {};
    },
    ResyncMFADevice: (input) => {
      this.devices.resync(this.users.get(input.UserName), input.SerialNumber, input);
      return {};
    },
    DeactivateMFADevice: (input) => {
      const user = this.userOf(input);
      this.users.requireModifiable(user);
      this.devices.deactivate(user, input.SerialNumber);
      return {};
    },
    ListMFADevices: (input) => {
      const user = this.userOf(input);
      const { items, ...page } = this.devices.listOf(user, input);
      return {
        MFADevices: items.map((device) => ({ UserName: user.name, ...assignmentOutput(device) })),
        ...page,
      };
    },
    GetMFADevice: ({ SerialNumber }) => {
      this.devices.get(SerialNumber);
      throw new AwsError(
        'ValidationError',
        400,
        `GetMFADevice supports only FIDO security keys: ${SerialNumber} is a virtual device`,
      );
    },
    CreateVirtualMFADevice: (input) => {
      const { device, base32Seed } = this.devices.create(input);
      const { accountId } = this.context;
      return {
        VirtualMFADevice: {
          SerialNumber: device.serialNumber,
          Base32StringSeed: Buffer.from(base32Seed),
          // Drawn only if somebody looks at it: the function does not.
          get QRCodePNG() {
            return qrCodePng(input.VirtualMFADeviceName, accountId, base32Seed);
          },
          ...tagsOutput(input.Tags),
        },
      };
    },
    DeleteVirtualMFADevice: ({ SerialNumber }) => {
      this.devices.delete(SerialNumber);
      return {};
    },
    ListVirtualMFADevices: (input) => {
      const { items, ...page } = this.devices.list(input);
      return { VirtualMFADevices: items.map((device) => this.deviceOutput(device)), ...page };
    },
    TagMFADevice: ({ SerialNumber, Tags }) => {
      this.devices.tag(SerialNumber, Tags);
      return {};
    },
    UntagMFADevice: ({ SerialNumber, TagKeys }) => {
      this.devices.untag(SerialNumber, TagKeys);
      return {};
    },
    ListMFADeviceTags: ({ SerialNumber, ...request }) => {
      const { items, ...page } = this.devices.listTags(SerialNumber, request);
      return { Tags: items, ...page };
    },

    CreateRole: (input) => ({ Role: this.roleOutput(this.roles.create(input)) }),
    GetRole: ({ RoleName }) => ({ Role: this.roleOutput(this.roles.get(RoleName)) }),
    DeleteRole: ({ RoleName }) => {
      this.roles.delete(RoleName);
      return {};
    },
    PutRolePolicy: (input) => {
      this.roles.putPolicy(input);
      return {};
    },
    GetRolePolicy: (input) => ({ ...input, PolicyDocument: encodeURIComponent(this.roles.policy(input)) }),
    DeleteRolePolicy: (input) => {
      this.roles.deletePolicy(input);
      return {};
    },
    ListRolePolicies: (input) => {
      const { items, ...page } = this.roles.listPolicies(input);
      return { PolicyNames: items, ...page };
    },
    AttachRolePolicy: ({ RoleName, PolicyArn }) => {
      this.roles.attach(RoleName, PolicyArn);
      return {};
    },
    DetachRolePolicy: ({ RoleName, PolicyArn }) => {
      this.roles.detach(RoleName, PolicyArn);
      return {};
    },
    ListAttachedRolePolicies: (input) => {
      const { items, ...page } = this.roles.listManagedPolicies(input);
      return {
        AttachedPolicies: items.map((arn) => ({ PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn })),
        ...page,
      };
    },
  };

  /**
   * A user who has an enabled device can't add or remove devices of their own with a long-term key, whatever policies
   * allow. AWS was seen to deny enabling and deactivating, before any other error, and to allow resynchronizing.
   *
   * @see https://aws.amazon.com/security/security-bulletins/AWS-2023-001/
   */
  private requireMfaForOwnDevices(
    action: IamAction,
    input: { readonly UserName?: string; readonly SerialNumber?: string },
    caller: Caller | undefined,
  ): void {
    const user = caller?.userName === undefined ? undefined : this.users.find(caller.userName);
    const devices = user === undefined ? [] : this.devices.of(user);
    if (user === undefined || devices.length === 0) {
      return;
    }
    const isOwn = {
      EnableMFADevice: input.UserName === user.name,
      DeactivateMFADevice: input.UserName === user.name,
      CreateVirtualMFADevice: true,
      DeleteVirtualMFADevice: devices.some(({ serialNumber }) => serialNumber === input.SerialNumber),
    };
    if (action in isOwn && isOwn[action as keyof typeof isOwn]) {
      throw new AwsError(
        'AccessDenied',
        403,
        'To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.',
      );
    }
  }

  /** The permissions that a call needs, with the condition keys that policies can use. */
  private authorizationsOf(
    action: IamAction,
    input: Readonly<Record<string, unknown>> & TaggingRequest,
  ): AuthorizationRequest[] {
    const { resource: type, tagging, ...carries } = IAM_AUTHORIZATION[action];
    const resource = this.resourceOf(type, input);
    const context = tagContext(carries, input);
    const actions = [`iam:${action}`, ...(tagging !== undefined && (input.Tags ?? []).length > 0 ? [tagging] : [])];
    return actions.map((requiredAction) => ({ action: requiredAction, resource, context }));
  }

  private resourceOf(type: 'user' | 'mfa' | 'role' | '*', input: Readonly<Record<string, unknown>>): string {
    const named = input as {
      UserName?: string;
      RoleName?: string;
      SerialNumber?: string;
      VirtualMFADeviceName?: string;
      Path?: string;
    };
    switch (type) {
      case '*':
        return '*';
      case 'user':
        return this.userResource(named.UserName ?? '', named.Path);
      case 'role': {
        const role = this.roles.find(named.RoleName ?? '');
        return role === undefined
          ? this.context.arn('role', named.Path ?? '/', named.RoleName ?? '')
          : this.roles.arnOf(role);
      }
      case 'mfa':
        return named.VirtualMFADeviceName === undefined
          ? (named.SerialNumber ?? '')
          : this.devices.serialNumberOf({ VirtualMFADeviceName: named.VirtualMFADeviceName, Path: named.Path });
    }
  }

  /** Calls name a user without its path, but the ARN includes it. An unknown user is assumed to have none. */
  private userResource(userName: string, path: string = '/'): string {
    const user = this.users.find(userName);
    return user === undefined ? this.context.arn('user', path, userName) : this.users.arnOf(user);
  }

  /** The user that a call names, or who signed it. */
  private userOf({ UserName }: { readonly UserName?: string }): User {
    if (UserName === undefined) {
      throw new AwsError('ValidationError', 400, 'Must specify userName when calling with non-User credentials');
    }
    return this.users.get(UserName);
  }

  private userOutput(user: User): Output {
    return {
      Path: user.path,
      UserName: user.name,
      UserId: user.id,
      Arn: this.users.arnOf(user),
      CreateDate: new Date(user.createdAt),
      ...tagsOutput(user.tags.all),
    };
  }

  /** A device as lists of virtual devices show it, without its seed and its tags. */
  private deviceOutput(device: VirtualDevice): Output {
    const user = device.assignment === undefined ? undefined : this.users.byId(device.assignment.userId);
    return {
      ...assignmentOutput(device),
      ...(user === undefined ? {} : { User: this.userOutput(user) }),
    };
  }

  private roleOutput(role: Role): Output {
    return {
      Path: role.path,
      RoleName: role.name,
      RoleId: role.id,
      Arn: this.roles.arnOf(role),
      CreateDate: new Date(role.createdAt),
      AssumeRolePolicyDocument: encodeURIComponent(role.assumeRolePolicyDocument),
      ...(role.description === undefined ? {} : { Description: role.description }),
      MaxSessionDuration: role.maxSessionDuration,
      ...tagsOutput(role.tags.all),
    };
  }
}

/** The input of a call, with the calling user where AWS takes it from the signature. */
function withCallingUser(
  action: IamAction,
  input: Readonly<Record<string, unknown>>,
  caller: Caller | undefined,
): Readonly<Record<string, unknown>> {
  const { members, required } = IAM_PARAMETERS[action];
  const isOptional = members.UserName !== undefined && !required.includes('UserName');
  return isOptional && caller?.userName !== undefined ? { UserName: caller.userName, ...input } : input;
}

function assignmentOutput({ serialNumber, assignment }: Pick<DeviceView, 'serialNumber' | 'assignment'>): Output {
  return {
    SerialNumber: serialNumber,
    ...(assignment === undefined ? {} : { EnableDate: new Date(assignment.enabledAt) }),
  };
}

/** The output omits empty lists of tags. */
function tagsOutput(tags: readonly { readonly Key: string; readonly Value: string }[] = []): Output {
  return tags.length === 0 ? {} : { Tags: tags };
}
