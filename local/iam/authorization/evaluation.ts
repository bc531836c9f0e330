import type { AuthorizationRequest } from './caller';
import type { ConditionContext } from './condition';
import type { Policy } from './policy';

/** The role that makes a request. */
export interface Principal {
  /** The session's ARN, which error messages name. */
  readonly sessionArn: string;
  /** The role's ARN, which is the value of `aws:PrincipalArn`. */
  readonly roleArn: string;
  readonly policies: readonly Policy[];
}

/**
 * Why the policies of a role, and of a resource in the same account, deny a request, as AWS writes it, or `undefined`
 * if they allow it.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function denialReason(
  principal: Principal,
  { action, resource, context, resourcePolicy }: AuthorizationRequest,
): string | undefined {
  const request = { action, resource, context: conditionContext(principal, context ?? {}) };
  const verdicts = principal.policies.map((policy) => policy.verdict(request));
  const denial = `User: ${principal.sessionArn} is not authorized to perform: ${action} on resource: ${resource}`;
  if (verdicts.includes('deny')) {
    return `${denial} with an explicit deny in an identity-based policy`;
  }
  const resourceVerdict = resourcePolicy?.verdict(request);
  if (resourceVerdict === 'deny') {
    return `${denial} with an explicit deny in a resource-based policy`;
  }
  return verdicts.includes('allow') || resourceVerdict === 'allow'
    ? undefined
    : `${denial} because no identity-based policy allows the ${action} action`;
}

function conditionContext(
  { roleArn }: Principal,
  context: Readonly<Record<string, readonly string[]>>,
): ConditionContext {
  const all = {
    'aws:PrincipalArn': [roleArn],
    // Callers use TLS for AWS. Policies must not notice that this machine's loopback doesn't.
    'aws:SecureTransport': ['true'],
    ...context,
  };
  return new Map(Object.entries(all).map(([key, values]) => [key.toLowerCase(), values]));
}
