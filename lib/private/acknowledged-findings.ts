import { type CfnResource } from './cdk';

/*
 * What a checker of templates asks about, and why it is meant. Whoever checks an app with cdk-nag finds the reason in
 * the template instead of a finding; this library does not depend on cdk-nag for that.
 * https://github.com/cdklabs/cdk-nag#suppressing-a-rule
 */

/** A wildcard that a policy of this library needs, and why. */
export interface ExplainedWildcard {
  /** What the resource's ARN ends in; the beginning differs between accounts and partitions. */
  readonly resource: string;
  readonly reason: string;
}

/** Writes the reasons into the policy's metadata. */
export function explainWildcards(policy: CfnResource, wildcards: ExplainedWildcard[]): void {
  if (wildcards.length > 0) {
    explain(
      policy,
      wildcards.map(({ resource, reason }) => ({
        id: 'AwsSolutions-IAM5',
        reason,
        applies_to: [{ regex: `/^Resource::${resource === '*' ? '' : '.*:'}${escaped(resource)}$/` }],
      })),
    );
  }
}

/** Writes into the metadata of a device's secret why nothing rotates it. */
export function explainNoRotation(secret: CfnResource): void {
  explain(secret, [
    {
      id: 'AwsSolutions-SMG4',
      reason:
        'AWS chooses the seed of a device and never changes it: a new seed is a new device, in a new secret, and no rotation function can make one in this secret.',
    },
  ]);
}

/** A rule of cdk-nag that a resource breaks on purpose. */
interface ExplainedFinding {
  readonly id: string;
  readonly reason: string;
  readonly applies_to?: readonly { readonly regex: string }[];
}

function explain(resource: CfnResource, findings: ExplainedFinding[]): void {
  resource.addMetadata('cdk_nag', { rules_to_suppress: findings });
}

function escaped(literal: string): string {
  return literal.replace(/[*/.+?^${}()|[\]]/g, '\\$&');
}
