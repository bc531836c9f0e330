/**
 * Returns a generator of numbers in [0, 1], reproducible by its seed (Park and Miller's minimal standard generator).
 */
export function numbers(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
}
