/** Fields of an ARN: `arn`, partition, service, region, account and the resource, which may contain more colons. */
const ARN_FIELDS = 6;

/** Whether a value matches a pattern in which `*` stands for any characters and `?` for any single one. */
export function matchesWildcard(pattern: string, value: string): boolean {
  const expression = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(value);
}

/**
 * Whether an ARN matches a pattern, field by field: a wildcard never matches across one of the first five colons, and
 * fields that a pattern omits match anything.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function matchesArn(pattern: string, arn: string): boolean {
  if (pattern === '*') {
    return true;
  }
  const expected = fieldsOf(pattern);
  const actual = fieldsOf(arn);
  return actual.length >= expected.length && actual.every((field, at) => matchesWildcard(expected[at] ?? '*', field));
}

function fieldsOf(arn: string): string[] {
  const fields = arn.split(':');
  return fields.length <= ARN_FIELDS
    ? fields
    : [...fields.slice(0, ARN_FIELDS - 1), fields.slice(ARN_FIELDS - 1).join(':')];
}
