import { isDeepStrictEqual } from 'node:util';
import { evaluateConditions } from './conditions';
import { attributesRead, parse, readsStackOutput, references, type Expression } from './expression';
import type { Json } from './json';
import { parameterValues, type ParameterValues } from './parameters';
import { conditionHolds } from './resolve';
import type { ResourceProviders } from './resources/provider';
import type { OutputDeclaration, ResourceDeclaration, Template } from './template';
import { templateError } from './validation-error';

/** A resource of the planned stack. */
export interface PlannedResource {
  readonly declaration: ResourceDeclaration;
  readonly properties: Expression;
  /** Logical ids of the resources that must be created first. */
  readonly dependsOn: ReadonlySet<string>;
}

/** An output of the planned stack. */
export interface PlannedOutput {
  readonly value: Expression;
  readonly exportName?: Expression;
}

/** The planned state of a stack: a validated template with its parameters and conditions evaluated. */
export interface Blueprint {
  readonly template: Template;
  readonly parameters: ParameterValues;
  readonly conditions: ReadonlyMap<string, boolean>;
  readonly resources: ReadonlyMap<string, PlannedResource>;
  readonly outputs: ReadonlyMap<string, PlannedOutput>;
}

/**
 * Creates a blueprint from a template.
 *
 * @throws AwsError `ValidationError` that names what is unknown in the template
 */
export function createBlueprint(
  template: Template,
  given: Readonly<Record<string, string>>,
  pseudoParameters: ReadonlyMap<string, Json>,
  providers: ResourceProviders,
): Blueprint {
  const parameters = parameterValues(template, given);
  const { mappings } = template;
  const conditions = evaluateConditions(template.conditions, { parameters, pseudoParameters, mappings });

  const declarations = [...template.resources.values()].map((declaration) => {
    rejectUnknown(declaration, providers);
    return { declaration, properties: parse(declaration.properties, `resource '${declaration.logicalId}'`) };
  });
  const included = declarations.filter(
    ({ declaration: { condition } }) => condition === undefined || conditionHolds(condition, conditions),
  );
  const logicalIds = new Set(included.map(({ declaration }) => declaration.logicalId));

  const nameIsKnown = (name: string) =>
    name === 'AWS::NoValue' || pseudoParameters.has(name) || parameters.has(name) || logicalIds.has(name);
  const check = (expression: Expression, where: string): Set<string> => {
    const named = references(expression, conditions);
    const unresolved = [...named].filter((name) => !nameIsKnown(name));
    if (unresolved.length > 0) {
      throw templateError(`unresolved dependencies [${unresolved.join(', ')}] in ${where}`);
    }
    for (const [logicalId, attribute] of attributesRead(expression, conditions)) {
      const type = template.resources.get(logicalId)?.type;
      if (type === undefined) {
        throw templateError(`Fn::GetAtt in ${where} refers to '${logicalId}', which is not a resource`);
      }
      const { attributes } = providers.of(type);
      if (attributes !== 'any' && !attributes.includes(attribute)) {
        throw templateError(`attribute '${attribute}' of ${type} in ${where} is not supported locally`);
      }
    }
    return new Set([...named].filter((name) => logicalIds.has(name)));
  };

  const resources = new Map(
    included.map(({ declaration, properties }): [string, PlannedResource] => {
      const { logicalId } = declaration;
      const dependsOn = check(properties, `resource '${logicalId}'`);
      for (const dependency of declaration.dependsOn) {
        if (!template.resources.has(dependency)) {
          throw templateError(`unresolved dependencies [${dependency}] in DependsOn of resource '${logicalId}'`);
        }
        if (logicalIds.has(dependency)) {
          dependsOn.add(dependency);
        }
      }
      return [logicalId, { declaration, properties, dependsOn }];
    }),
  );
  rejectCycles(resources);

  const outputs = new Map<string, PlannedOutput>();
  for (const [name, output] of template.outputs) {
    if (output.condition !== undefined && !conditionHolds(output.condition, conditions)) {
      continue;
    }
    const planned = parseOutput(name, output);
    check(planned.value, `output '${name}'`);
    if (planned.exportName !== undefined) {
      check(planned.exportName, `output '${name}'`);
    }
    outputs.set(name, planned);
  }
  return { template, parameters, conditions, resources, outputs };
}

/** Whether an update from one blueprint to the other changes nothing. */
export function isSame(before: Blueprint, after: Blueprint): boolean {
  return isDeepStrictEqual(before.template, after.template) && isDeepStrictEqual(before.parameters, after.parameters);
}

function parseOutput(name: string, { value, exportName }: OutputDeclaration): PlannedOutput {
  const where = `output '${name}'`;
  const parsedName = exportName === undefined ? undefined : parse(exportName, where);
  if (parsedName !== undefined && readsStackOutput(parsedName)) {
    throw templateError('The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs');
  }
  return { value: parse(value, where), ...(parsedName !== undefined && { exportName: parsedName }) };
}

function rejectUnknown({ logicalId, type, properties }: ResourceDeclaration, providers: ResourceProviders): void {
  const known = providers.of(type).properties;
  if (known === 'any') {
    return;
  }
  for (const property of Object.keys(properties)) {
    if (!known.includes(property)) {
      throw templateError(`property '${property}' of resource '${logicalId}' (${type}) is not supported locally`);
    }
  }
}

function rejectCycles(resources: ReadonlyMap<string, PlannedResource>): void {
  const visited = new Set<string>();
  const visit = (logicalId: string, path: readonly string[]): void => {
    if (visited.has(logicalId)) {
      return;
    }
    if (path.includes(logicalId)) {
      const cycle = path.slice(path.indexOf(logicalId));
      throw templateError(`circular dependency between resources: [${cycle.join(', ')}]`);
    }
    for (const dependency of resources.get(logicalId)?.dependsOn ?? []) {
      visit(dependency, [...path, logicalId]);
    }
    visited.add(logicalId);
  };
  for (const logicalId of resources.keys()) {
    visit(logicalId, []);
  }
}
