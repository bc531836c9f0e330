/** One delivery of an event from the asynchronous queue to the function. */
export interface Delivery {
  /** How long the queue holds the event before this delivery. */
  readonly delayMs: number;
  /**
   * When this delivery kills the function: before it runs, or when its n-th AWS call (from 1) has taken effect but its
   * response has not arrived.
   */
  readonly kill?: 'before' | { readonly atCall: number };
}

/** The deliveries of an event. The queue guarantees at-least-once delivery, nothing more. */
export type DeliveryPolicy = (event: unknown) => readonly Delivery[];

/** Each event is delivered once, without delay. */
export const deliverOnce: DeliveryPolicy = () => [{ delayMs: 0 }];
