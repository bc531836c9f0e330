/** Returns a generator of numbers in [0, 1), reproducible by its seed (mulberry32, public domain). */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a generator of random bytes. */
export function bytes(random: () => number): (count: number) => Buffer {
  return (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
}
