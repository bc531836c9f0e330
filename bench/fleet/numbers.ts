/** Numbers from 0 up to 1, the same for the same seed: Park and Miller's minimal standard generator. */
export function numbers(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state - 1) / 2_147_483_646;
  };
}
