import type { Policy } from './policy';

/** Who signed a call. */
export interface Caller {
  /** The principal as AWS names it in refusals: an assumed role's ARN ends in the session's name. */
  readonly arn: string;
  /** The role whose policies decide. Who comes without a role is an administrator. */
  readonly roleName?: string;
}

/** What a call needs to be allowed. */
export interface AuthorizationRequest {
  /** The action as policies spell it, `iam:EnableMFADevice` for example. */
  readonly action: string;
  /** The ARN acted on, or `*` for actions that act on none. */
  readonly resource: string;
  /** The request's condition keys and their values. */
  readonly context?: Readonly<Record<string, readonly string[]>>;
  /** The policy of what is acted on, where it has one. */
  readonly resourcePolicy?: Policy;
}

/** Says why a call is refused, in AWS's words; `undefined` where it is allowed. */
export type Authorizer = (caller: Caller | undefined, request: AuthorizationRequest) => string | undefined;
