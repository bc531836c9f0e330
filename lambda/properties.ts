import { PROBLEM_OF, problemOfTags, type Surroundings, withoutSeed } from '../lib/checks';
import { type PropertiesIn, type PropertyTable, type PropertyTag } from '../lib/contract';

type Sent = Readonly<Record<string, unknown>>;

/** Reads the properties of one resource type; a value that isn't a string counts as absent. */
export function propertiesIn<Table extends PropertyTable>(table: Table, sent: Sent): PropertiesIn<Table> {
  const read = Object.entries(table).map(([name, kind]) => {
    switch (kind) {
      case 'tags?':
        return [name, tagsIn(sent[name])];
      case 'userName':
        // The name in an ARN that only the deployment knows comes with the user's path.
        return [name, valid(kind, (textIn(sent, name) ?? '').split('/').at(-1)!)];
      case 'deviceArn':
      case 'secretArn':
        return [name, valid(kind, textIn(sent, name) ?? '')];
      default:
        return [name, textIn(sent, name)];
    }
  });
  return Object.fromEntries(read) as PropertiesIn<Table>;
}

/** A value that is refused goes no further if it looks like a seed, neither into a log nor into a response. */
function valid(kind: keyof typeof PROBLEM_OF, value: string): string {
  return PROBLEM_OF[kind](value) === undefined ? value : withoutSeed(value);
}

/** Checks properties by the rules that synthesis has for what it knows. */
export function problemIn<Table extends PropertyTable>(
  table: Table,
  properties: PropertiesIn<Table>,
  surroundings: Surroundings,
  request: string,
): string | undefined {
  for (const [name, kind] of Object.entries(table)) {
    const value = (properties as Record<string, string | readonly PropertyTag[] | undefined>)[name];
    // A Delete needs neither a secret nor tags.
    if (value === undefined || (request === 'Delete' && kind !== 'userName' && kind !== 'deviceArn')) {
      continue;
    }
    const problem =
      kind === 'tags?'
        ? problemOfTags(value as readonly PropertyTag[])
        : PROBLEM_OF[kind](value as string, surroundings);
    if (problem !== undefined) {
      return `'${name}': ${problem}`;
    }
  }
  return undefined;
}

function tagsIn(value: unknown): PropertyTag[] {
  const tags: readonly unknown[] = Array.isArray(value) ? value : [];
  return tags.map((tag) => ({
    Key: textIn(Object(tag) as Sent, 'Key') ?? '',
    Value: textIn(Object(tag) as Sent, 'Value') ?? '',
  }));
}

function textIn(sent: Sent, name: string): string | undefined {
  const value = sent[name];
  return typeof value === 'string' ? value : undefined;
}
