import type { AuthorizationRequest } from './caller';
import type { ConditionContext } from './condition';
import type { Policy } from './policy';

/** A role as the evaluation sees it. */
export interface Principal {
  /** The session's ARN, which refusals name. */
  readonly sessionArn: string;
  /** The role's ARN, which `aws:PrincipalArn` holds. */
  readonly roleArn: string;
  readonly policies: readonly Policy[];
}

/**
 * Why a role's policies and that of what it acts on, in the role's own account, refuse a request, in AWS's words;
 * `undefined` where they allow it.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function refusalOf(
  principal: Principal,
  { action, resource, context, resourcePolicy }: AuthorizationRequest,
): string | undefined {
  const request = { action, resource, context: conditionContext(principal, context ?? {}) };
  const verdicts = principal.policies.map((policy) => policy.verdict(request));
  const refusal = `User: ${principal.sessionArn} is not authorized to perform: ${action} on resource: ${resource}`;
  if (verdicts.includes('deny')) {
    return `${refusal} with an explicit deny in an identity-based policy`;
  }
  const ofResource = resourcePolicy?.verdict(request);
  if (ofResource === 'deny') {
    return `${refusal} with an explicit deny in a resource-based policy`;
  }
  return verdicts.includes('allow') || ofResource === 'allow'
    ? undefined
    : `${refusal} because no identity-based policy allows the ${action} action`;
}

function conditionContext(
  { roleArn }: Principal,
  context: Readonly<Record<string, readonly string[]>>,
): ConditionContext {
  const all = {
    'aws:PrincipalArn': [roleArn],
    // AWS is spoken to over TLS; that this machine's loopback is not must not make a difference to policies.
    'aws:SecureTransport': ['true'],
    ...context,
  };
  return new Map(Object.entries(all).map(([key, values]) => [key.toLowerCase(), values]));
}
