import { creationSeconds } from './creation-time';

/** A resource of a synthesized template. */
export interface Resource {
  readonly Type: string;
  readonly Properties?: unknown;
  readonly DependsOn?: string | readonly string[];
}

/** Resources that CloudFormation must create one after the other, in order of creation. */
export interface Chain {
  readonly seconds: number;
  readonly logicalIds: readonly string[];
}

/** Finds the chain that takes longest, which is the least time that a first deployment takes. */
export function longestChain(resources: Readonly<Record<string, Resource>>): Chain {
  const chains = new Map<string, Chain>();

  function chainTo(logicalId: string, path: readonly string[]): Chain {
    if (path.includes(logicalId)) {
      throw new Error(`circular dependency: ${[...path, logicalId].join(' > ')}`);
    }
    const known = chains.get(logicalId);
    if (known !== undefined) {
      return known;
    }
    const resource = resources[logicalId]!;
    const before = longest(
      dependenciesOf(resource)
        .filter((dependency) => dependency in resources)
        .map((dependency) => chainTo(dependency, [...path, logicalId])),
    );
    const chain = {
      seconds: before.seconds + creationSeconds(resource.Type),
      logicalIds: [...before.logicalIds, logicalId],
    };
    chains.set(logicalId, chain);
    return chain;
  }

  return longest(Object.keys(resources).map((logicalId) => chainTo(logicalId, [])));
}

function longest(chains: readonly Chain[]): Chain {
  return chains.reduce((most, chain) => (chain.seconds > most.seconds ? chain : most), { seconds: 0, logicalIds: [] });
}

/** Everything that a resource names: logical ids, but also parameters and pseudo parameters. */
function dependenciesOf({ Properties, DependsOn = [] }: Resource): string[] {
  return [...[DependsOn].flat(), ...referencesIn(Properties)];
}

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(referencesIn);
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([key, argument]: [string, unknown]) => {
    switch (key) {
      case 'Ref':
        return [String(argument)];
      case 'Fn::GetAtt':
        return [String(Array.isArray(argument) ? argument[0] : argument).split('.')[0]!];
      case 'Fn::Sub': {
        const [text, variables = {}] = [argument].flat() as [string, object?];
        const names = [...text.matchAll(/\$\{([^!.}]+)[^}]*\}/g)].map(([, name]) => name!);
        return [...names.filter((name) => !(name in variables)), ...referencesIn(variables)];
      }
      default:
        return referencesIn(argument);
    }
  });
}
