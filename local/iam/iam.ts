import { randomBytes } from 'node:crypto';
import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import { violationsOf } from '../constraints';
import type { AuthorizationRequest, Caller } from './authorization/caller';
import { refusalOf } from './authorization/evaluation';
import { type Throttle, TokenBucket } from './token-bucket';
import { type TaggingRequest, tagContext } from './authorization/request-tags';
import { IAM_AUTHORIZATION } from './authorization/service-authorization';
import { AccountContext } from './context';
import type { Delays } from './delays';
import type { DeviceClockReading } from './device-clock';
import type { IamAction, IamInputs } from './inputs';
import { pageOf } from './pages';
import { IAM_PARAMETERS, isIamAction } from './parameters';
import { QR_CODE_PNG } from './qr-code';
import { type Role, Roles } from './roles';
import { type User, Users } from './users';
import { type VirtualDevice, VirtualDevices } from './virtual-devices';

export type { AuthorizationRequest, Authorizer, Caller } from './authorization/caller';
export type { Delays } from './delays';
export type { DeviceClockReading } from './device-clock';
export type { Throttle } from './token-bucket';

/** What an account's IAM is made with. */
export interface IamOptions {
  /** The clock that pairs of codes are judged by. */
  readonly clock: Clock;
  /** The twelve digits. */
  readonly accountId: string;
  /** @default aws */
  readonly partition?: string;
  /** Where seeds and ids come from. @default node:crypto */
  readonly random?: (bytes: number) => Buffer;
}

/** An answer as the API shapes it: times are `Date`, blobs are `Buffer`. */
export type Output = Record<string, unknown>;

/** Everything that can be compared before and after, as it was written and not as it is visible yet. */
export interface IamState {
  readonly users: readonly { readonly userName: string; readonly path: string; readonly userId: string }[];
  readonly devices: readonly {
    readonly serialNumber: string;
    /** The user that it is enabled for. */
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
 * The IAM of one account, as far as virtual MFA devices need it: users, devices, and the roles whose policies decide who
 * may do what. Synchronous, so that each call is one step that nothing interleaves with.
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

  /** How long what is written stays unseen: settable at any time, for what was written before too. */
  get delays(): Delays {
    return this.context.delays;
  }

  set delays(delays: Delays) {
    this.context.delays = delays;
  }

  /** How fast the calls of roles are let through, from now on; `undefined`: as fast as they come. */
  set throttle(throttle: Throttle | undefined) {
    this.bucket = throttle && new TokenBucket(this.context.clock, throttle);
  }

  /**
   * Carries out one action.
   *
   * @param action the API's name for it
   * @param input its parameters in the API's shape
   * @param caller who signed the call; absent, an administrator
   * @throws AwsError as AWS would answer: parameters are judged first, then the caller's rights, then the state
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
    for (const request of this.authorizationsOf(action, input)) {
      const refusal = this.refusalOf(caller, request);
      if (refusal !== undefined) {
        throw new AwsError('AccessDenied', 403, refusal);
      }
    }
    return (this.handlers[action] as (input: unknown) => Output)(input);
  }

  /** Why a caller may not do something, in AWS's words; `undefined` where it may. Other services ask it, too. */
  refusalOf(caller: Caller | undefined, request: AuthorizationRequest): string | undefined {
    if (caller?.roleName === undefined) {
      return undefined;
    }
    const role = this.roles.find(caller.roleName);
    return refusalOf(
      {
        sessionArn: caller.arn,
        roleArn: role === undefined ? this.context.arn('role', '/', caller.roleName) : this.roles.arnOf(role),
        policies: this.roles.policiesInForce(caller.roleName),
      },
      request,
    );
  }

  /** What a device's last accepted pair taught about its clock; no AWS action. `undefined` before there was one. */
  deviceClock(serialNumber: string): DeviceClockReading | undefined {
    return this.devices.find(serialNumber)?.clock.reading;
  }

  /** Everything that can be compared before and after; no AWS action. */
  state(): IamState {
    return {
      users: this.users.all.map((user) => ({ userName: user.name, path: user.path, userId: user.id })),
      devices: this.devices.all.map(({ serialNumber, assignment, tags }) => ({
        serialNumber,
        ...(assignment === undefined ? {} : { userName: this.users.byId(assignment.userId)?.name }),
        tags: Object.fromEntries(tags.latest.map(({ Key, Value }) => [Key, Value])),
      })),
      roles: this.roles.all.map((role) => ({
        roleName: role.name,
        inlinePolicies: Object.fromEntries(role.inlinePolicies),
        managedPolicies: [...role.managedPolicies],
      })),
    };
  }

  private readonly handlers: Handlers = {
    CreateUser: (input) => ({ User: this.shownUser(this.users.create(input)) }),
    GetUser: (input) => ({ User: this.shownUser(this.userOf(input)) }),
    ListUsers: (input) => {
      const { items, ...page } = this.users.list(input);
      return { Users: items.map((user) => this.shownUser(user)), ...page };
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
      this.users.refuseWhileRecreated(user);
      this.devices.enable(user, input.SerialNumber, input);
      return {};
    },
    ResyncMFADevice: (input) => {
      this.devices.resync(this.users.get(input.UserName), input.SerialNumber, input);
      return {};
    },
    DeactivateMFADevice: (input) => {
      const user = this.userOf(input);
      this.users.refuseWhileRecreated(user);
      this.devices.deactivate(user, input.SerialNumber);
      return {};
    },
    ListMFADevices: (input) => {
      const user = this.userOf(input);
      const { items, ...page } = this.devices.listOf(user, input);
      return {
        MFADevices: items.map((device) => ({ UserName: user.name, ...this.shownAssignment(device) })),
        ...page,
      };
    },
    GetMFADevice: ({ SerialNumber }) => {
      this.devices.get(SerialNumber);
      throw new AwsError('ValidationError', 400, `GetMFADevice knows FIDO keys only: ${SerialNumber} is virtual`);
    },
    CreateVirtualMFADevice: (input) => {
      const { device, base32Seed } = this.devices.create(input);
      return {
        VirtualMFADevice: {
          SerialNumber: device.serialNumber,
          Base32StringSeed: Buffer.from(base32Seed),
          QRCodePNG: QR_CODE_PNG,
          ...shownTags(input.Tags),
        },
      };
    },
    DeleteVirtualMFADevice: ({ SerialNumber }) => {
      this.devices.delete(SerialNumber);
      return {};
    },
    ListVirtualMFADevices: (input) => {
      const { items, ...page } = this.devices.list(input);
      return { VirtualMFADevices: items.map((device) => this.shownDevice(device)), ...page };
    },
    TagMFADevice: ({ SerialNumber, Tags }) => {
      this.devices.get(SerialNumber).tags.put(Tags, this.context.clock.now());
      return {};
    },
    UntagMFADevice: ({ SerialNumber, TagKeys }) => {
      this.devices.get(SerialNumber).tags.remove(TagKeys);
      return {};
    },
    ListMFADeviceTags: ({ SerialNumber, ...request }) => {
      const { clock, delays } = this.context;
      const tags = this.devices.get(SerialNumber).tags.visible(clock.now(), delays.tags ?? 0);
      const { items, ...page } = pageOf(tags, ({ Key }) => Key, request);
      return { Tags: items, ...page };
    },

    CreateRole: (input) => ({ Role: this.shownRole(this.roles.create(input)) }),
    GetRole: ({ RoleName }) => ({ Role: this.shownRole(this.roles.get(RoleName)) }),
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

  /** Which actions on which resource a call needs, and what conditions can say about them. */
  private authorizationsOf(
    action: IamAction,
    input: Readonly<Record<string, unknown>> & TaggingRequest,
  ): AuthorizationRequest[] {
    const { resource: type, tagging, ...carries } = IAM_AUTHORIZATION[action];
    const resource = this.resourceOf(type, input);
    const context = tagContext(carries, input);
    const actions = [`iam:${action}`, ...(tagging !== undefined && (input.Tags ?? []).length > 0 ? [tagging] : [])];
    return actions.map((needed) => ({ action: needed, resource, context }));
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

  /** A user is named without its path, but authorised with it: only an unknown one has to do without. */
  private userResource(userName: string, path: string = '/'): string {
    const user = this.users.find(userName);
    return user === undefined ? this.context.arn('user', path, userName) : this.users.arnOf(user);
  }

  /** The user that a call names. AWS fills in the caller where it names none; here no caller is a user. */
  private userOf({ UserName }: { readonly UserName?: string }): User {
    if (UserName === undefined) {
      throw new AwsError('ValidationError', 400, 'Must specify userName when calling with non-User credentials');
    }
    return this.users.get(UserName);
  }

  private shownUser(user: User): Output {
    return {
      Path: user.path,
      UserName: user.name,
      UserId: user.id,
      Arn: this.users.arnOf(user),
      CreateDate: new Date(user.createdAt),
      ...shownTags(user.tags.latest),
    };
  }

  /** A device as lists of virtual devices show it: never its seed, never its tags. */
  private shownDevice(device: VirtualDevice): Output {
    const user = device.assignment === undefined ? undefined : this.users.byId(device.assignment.userId);
    return {
      ...this.shownAssignment(device),
      ...(user === undefined ? {} : { User: this.shownUser(user) }),
    };
  }

  private shownAssignment({ serialNumber, assignment }: VirtualDevice): Output {
    return {
      SerialNumber: serialNumber,
      ...(assignment === undefined ? {} : { EnableDate: new Date(assignment.enabledAt) }),
    };
  }

  private shownRole(role: Role): Output {
    return {
      Path: role.path,
      RoleName: role.name,
      RoleId: role.id,
      Arn: this.roles.arnOf(role),
      CreateDate: new Date(role.createdAt),
      AssumeRolePolicyDocument: encodeURIComponent(role.assumeRolePolicyDocument),
      ...(role.description === undefined ? {} : { Description: role.description }),
      MaxSessionDuration: role.maxSessionDuration,
      ...shownTags(role.tags.latest),
    };
  }
}

/** Lists of tags that are empty are left out. */
function shownTags(tags: readonly { readonly Key: string; readonly Value: string }[] = []): Output {
  return tags.length === 0 ? {} : { Tags: tags };
}
