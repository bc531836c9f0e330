import type { Policy } from './policy';

/** Who signed a call. */
export interface Caller {
  /** The principal as AWS names it in error messages. The ARN of an assumed role ends with the session name. */
  readonly arn: string;
  /** The role whose policies decide. A caller without a role is an administrator. */
  readonly roleName?: string;
  /** The user who signed with a long-term access key. */
  readonly userName?: string;
}

/** One permission that a call needs. */
export interface AuthorizationRequest {
  /** The action as policies spell it, for example `iam:EnableMFADevice`. */
  readonly action: string;
  /** The ARN of the resource, or `*` for actions without one. */
  readonly resource: string;
  /** The request's condition keys and their values. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
  /** The resource's own policy, if it has one. */
  readonly resourcePolicy?: Policy;
}

/** Returns why a call is denied, as AWS writes it, or `undefined` if it is allowed. */
export type Authorizer = (caller: Caller | undefined, request: AuthorizationRequest) => string | undefined;
