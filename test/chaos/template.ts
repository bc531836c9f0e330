import { createHash } from 'node:crypto';

export type Template = Readonly<Record<string, unknown>>;

export interface TemplateResource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly Metadata?: Readonly<Record<string, string>>;
}

export function resourcesOf(template: Template): [string, TemplateResource][] {
  const resources = template.Resources as Record<string, Omit<TemplateResource, 'Properties'>>;
  return Object.entries(resources).map(([logicalId, resource]) => [logicalId, { Properties: {}, ...resource }]);
}

/** Renames logical ids, with every reference to them. */
export function renamed(template: Template, names: ReadonlyMap<string, string>): Template {
  let text = JSON.stringify(template);
  for (const [before, after] of names) {
    text = text.replaceAll(`"${before}"`, `"${after}"`).replaceAll(`"${before}-"`, `"${after}-"`);
  }
  return JSON.parse(text) as Template;
}

export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
