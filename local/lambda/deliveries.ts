/** One delivery of an event from the asynchronous queue to the function. */
export interface Delivery {
  /** How long the queue holds the event. */
  readonly delayMs: number;
  /**
   * Whether the function dies of it: before its first line, or when its n-th AWS call (counted from 1) has taken effect
   * and the answer is still under way.
   */
  readonly dies?: 'before' | { readonly atCall: number };
}

/** How often, how late and how well an event is delivered. The queue promises no more than at least once. */
export type DeliveryPolicy = (event: unknown) => readonly Delivery[];

/** What one hopes for. */
export const onceAtOnce: DeliveryPolicy = () => [{ delayMs: 0 }];
