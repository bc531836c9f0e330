import { Stage, type Stack } from './cdk';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct, type IConstruct } from 'constructs';

const ID = 'MfaEnrollmentDeclarations';

/** Something that is declared in a stack. */
export interface Declared {
  readonly construct: IConstruct;
  readonly stack: Stack;
  /** What identifies it, as synthesis knows it. */
  readonly key: () => unknown;
}

/** A policy on the role of a function. */
export interface InlinePolicy {
  readonly resource: iam.CfnPolicy;
  readonly document: unknown;
  /** Whether the document holds no tokens. */
  readonly isLiteral: boolean;
  /** Whether it is part of the template. */
  readonly isInTemplate: boolean;
}

/** The document of a policy as the template has it. */
export function resolvedDocument({ document, isLiteral, resource }: InlinePolicy): unknown {
  return isLiteral ? document : resource.stack.resolve(document);
}

/** What the stacks of an app, or of a stage, declare. */
export class Declarations extends Construct {
  /** Those of the stage that a construct is in. */
  public static of(construct: IConstruct): Declarations {
    const stage = Stage.of(construct) ?? construct.node.root;
    return (stage.node.tryFindChild(ID) as Declarations | undefined) ?? new Declarations(stage, ID);
  }

  public readonly devices = new DeclaredList();
  /** What takes the seed of each device. */
  public readonly seeds = new DeclaredList();
  public readonly enrollments = new DeclaredList();
  /** The enrolled users; an enrollment with a default device counts in both. */
  public readonly users = new DeclaredList();
  public readonly defaultDevices = new DeclaredList();
  /** Serial numbers, which are tokens, and the devices of the app that they belong to. */
  public readonly deviceKeys = new Map<string, (stack: Stack) => unknown>();
  private readonly policies = new Map<iam.IRole, InlinePolicy[]>();
  private readonly codes = new Map<Stack, lambda.Code>();

  private constructor(scope: Construct, id: string) {
    super(scope, id);
  }

  /**
   * The code of the functions of a stack. Its providers share one asset, because each asset costs synthesis as much as
   * several enrollments, which a bound of the synthesis bench does not allow.
   */
  public codeIn(stack: Stack, directory: string): lambda.Code {
    const code = this.codes.get(stack) ?? lambda.Code.fromAsset(directory);
    this.codes.set(stack, code);
    return code;
  }

  /** The policies that all providers put on a role. */
  public policiesOn(role: iam.IRole): InlinePolicy[] {
    const policies = this.policies.get(role) ?? [];
    this.policies.set(role, policies);
    return policies;
  }
}

/** Declarations of one kind, in order, found by their keys. */
class DeclaredList {
  /** The stacks that declare any. */
  public readonly stacks = new Set<Stack>();
  private readonly all: Declared[] = [];
  /** Computed once: every key takes time to resolve. */
  private index?: { readonly keyOf: Map<Declared, string>; readonly withKey: Map<string, Declared[]> };

  public add(declared: Declared): void {
    this.all.push(declared);
    this.stacks.add(declared.stack);
    this.index = undefined;
  }

  /** All with this key, in any stack. */
  public withKey(key: unknown): readonly Declared[] {
    this.index ??= indexOf(this.all);
    return this.index.withKey.get(JSON.stringify(key)) ?? [];
  }

  /** All that are the same as this one, in its stack. */
  public sameAs(declared: Declared): readonly Declared[] {
    this.index ??= indexOf(this.all);
    const same = this.index.withKey.get(this.index.keyOf.get(declared) ?? '') ?? [];
    return same.filter(({ stack }) => stack === declared.stack);
  }

  /** The construct that declared the same in the same stack before; `undefined` if none did. */
  public before(declared: Declared): IConstruct | undefined {
    const [first] = this.sameAs(declared);
    return first?.construct === declared.construct ? undefined : first?.construct;
  }
}

function indexOf(all: readonly Declared[]) {
  const keyOf = new Map(all.map((declared) => [declared, JSON.stringify(declared.key())]));
  const withKey = new Map<string, Declared[]>();
  for (const [declared, key] of keyOf) {
    const same = withKey.get(key) ?? [];
    same.push(declared);
    withKey.set(key, same);
  }
  return { keyOf, withKey };
}
