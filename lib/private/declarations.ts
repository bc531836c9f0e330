import { type Construct } from 'constructs';
import { Stack } from './cdk';

/** Who declares what in each stack, for what a stack may declare only once. */
export class Declarations {
  private readonly inStacks = new WeakMap<Stack, Map<string, Construct>>();

  /**
   * The construct that has declared the same before; `undefined` where none has. Asked once more, as a second synthesis
   * of an app does, the answer is the same.
   */
  public earlier(declarer: Construct, key: string): Construct | undefined {
    const stack = Stack.of(declarer);
    const declared = this.inStacks.get(stack) ?? new Map<string, Construct>();
    this.inStacks.set(stack, declared);
    const first = declared.get(key) ?? declarer;
    declared.set(key, first);
    return first === declarer ? undefined : first;
  }
}
