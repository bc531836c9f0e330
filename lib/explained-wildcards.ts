import { CfnResource } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';

/**
 * A wildcard that a policy of this library needs, and why. Whoever checks an app with cdk-nag finds the reason in the
 * template instead of a finding (AwsSolutions-IAM5); this library does not depend on cdk-nag for that.
 */
export interface ExplainedWildcard {
  /** What the resource's ARN ends in; the beginning differs between accounts and partitions. */
  readonly resource: string;
  readonly reason: string;
}

/** Writes the reasons into the policy's metadata, where cdk-nag looks for them. https://github.com/cdklabs/cdk-nag#suppressing-a-rule */
export function explainWildcards(policy: iam.Policy, wildcards: ExplainedWildcard[]): void {
  if (wildcards.length > 0) {
    (policy.node.defaultChild as CfnResource).addMetadata('cdk_nag', {
      rules_to_suppress: wildcards.map(({ resource, reason }) => ({
        id: 'AwsSolutions-IAM5',
        reason,
        applies_to: [{ regex: `/^Resource::${resource === '*' ? '' : '.*:'}${escaped(resource)}$/` }],
      })),
    });
  }
}

function escaped(literal: string): string {
  return literal.replace(/[*/.+?^${}()|[\]]/g, '\\$&');
}
