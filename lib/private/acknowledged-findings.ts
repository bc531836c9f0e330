import { type CfnResource, Tokenization } from 'aws-cdk-lib';
import { type InlinePolicy, resolvedDocument } from './declarations';

/*
 * What cdk-nag reports about this library's resources, and why it is intended. cdk-nag reads the reason instead of
 * reporting a finding, and this library does not depend on cdk-nag: version 2 reads the template's metadata, before
 * synthesis resolves it; version 3 reads the construct's metadata, after synthesis, and compares exact finding ids.
 * https://github.com/cdklabs/cdk-nag/blob/v2/README.md#suppressing-a-rule
 * https://github.com/cdklabs/cdk-nag/blob/main/MIGRATION.md#acknowledging-suppressing-rules
 */

/** The rule about wildcards in policies. */
const WILDCARD_RULE = 'AwsSolutions-IAM5';

/** The rule about secrets that nothing rotates. */
const ROTATION_RULE = 'AwsSolutions-SMG4';

/**
 * The construct metadata that version 3 reads, and that `Validations.acknowledge` of a later aws-cdk-lib writes.
 * Early versions of that method reject ids like those of wildcards.
 */
const ACKNOWLEDGED_RULES = 'aws:cdk:acknowledged-rules';

/** A wildcard that a policy of this library needs, and why. */
export interface AcknowledgedWildcard {
  /** The end of the resource's ARN; the beginning differs between accounts and partitions. */
  readonly resource: string;
  readonly reason: string;
}

/** Acknowledges the findings about wildcards in a policy. */
export function acknowledgeWildcards(policy: InlinePolicy, wildcards: readonly AcknowledgedWildcard[]): void {
  if (wildcards.length === 0) {
    return;
  }
  const { resource: cfnPolicy } = policy;
  suppress(
    cfnPolicy,
    wildcards.map(({ resource, reason }) => ({
      id: WILDCARD_RULE,
      reason,
      applies_to: [{ regex: `/^Resource::${resource === '*' ? '' : '.*:'}${patternOf(resource)}$/` }],
    })),
  );
  // A cross-stack reference and a logical id are known once the app is prepared: validation comes next.
  const acknowledged = new Set<string>();
  cfnPolicy.node.addValidation({
    validate: () => {
      for (const [id, reason] of wildcardFindings(policy, wildcards)) {
        if (!acknowledged.has(id)) {
          acknowledged.add(id);
          acknowledge(cfnPolicy, id, reason);
        }
      }
      return [];
    },
  });
}

/** Acknowledges the finding that nothing rotates the secret of a device. */
export function acknowledgeNoRotation(secret: CfnResource): void {
  const reason =
    'AWS generates the seed of a device, and it never changes. A new seed needs a new device, which a rotation function cannot create in this secret.';
  suppress(secret, [{ id: ROTATION_RULE, reason }]);
  acknowledge(secret, ROTATION_RULE, reason);
}

/** A rule of cdk-nag that a resource breaks on purpose. */
interface Suppression {
  readonly id: string;
  readonly reason: string;
  readonly applies_to?: readonly { readonly regex: string }[];
}

function suppress(resource: CfnResource, suppressions: readonly Suppression[]): void {
  resource.addMetadata('cdk_nag', { rules_to_suppress: suppressions });
}

function acknowledge({ node }: CfnResource, id: string, reason: string): void {
  node.addMetadata(ACKNOWLEDGED_RULES, { [id]: reason });
}

/** A regular expression for the end of an ARN; parts that only a deployment knows match any text. */
function patternOf(resource: string): string {
  const unknown = '\0';
  const text = Tokenization.reverseString(resource)
    .mapTokens({ mapToken: () => unknown })
    .join({ join: (left: string, right: string) => left + right }) as string;
  return text.replace(/[*/.+?^${}()|[\]\\]/g, '\\$&').replaceAll(unknown, '.*');
}

/** The ids of the findings about these wildcards, each with its reason. */
function* wildcardFindings(
  policy: InlinePolicy,
  wildcards: readonly AcknowledgedWildcard[],
): Iterable<[string, string]> {
  const resources = resourcesIn(resolvedDocument(policy) as PolicyDocument);
  for (const { resource, reason } of wildcards) {
    const end = nagText(policy.resource.stack.resolve(resource));
    for (const found of resources) {
      if (end === '*' ? found === end : found.endsWith(`:${end}`)) {
        yield [`${WILDCARD_RULE}[Resource::${found}]`, reason];
      }
    }
  }
}

interface PolicyDocument {
  readonly Statement: readonly { readonly Resource?: unknown }[];
}

function resourcesIn({ Statement: statements }: PolicyDocument): string[] {
  return statements.flatMap(({ Resource: resources = [] }) => [resources].flat().map(nagText));
}

/** The text by which cdk-nag names a resource of a policy: references in angle brackets, other functions as JSON. */
function nagText(value: unknown): string {
  if (typeof value === 'string') {
    return value.replaceAll('${', '<').replaceAll('}', '>');
  }
  const [name, argument] = Object.entries(value as object)[0] ?? [];
  switch (name) {
    case 'Ref':
      return `<${nagText(argument)}>`;
    case 'Fn::GetAtt':
      return `<${[argument].flat().map(nagText).join('.')}>`;
    case 'Fn::Join': {
      const [delimiter, parts] = argument as [string, unknown];
      return [parts].flat().map(nagText).join(delimiter);
    }
    case 'Fn::Sub':
    case 'Fn::ImportValue':
      return nagText(argument);
    default:
      return JSON.stringify(value);
  }
}
