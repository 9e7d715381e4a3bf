/**
 * Finds the newest of `count` outputs whose challenge period is over, by halving: outputs are older the lower their index.
 * Undefined while there is none.
 */
export async function findFinalOutput(
  count: bigint,
  isFinal: (index: bigint) => Promise<boolean>,
): Promise<bigint | undefined> {
  let [low, high] = [0n, count]
  while (low < high) {
    const middle = (low + high) / 2n
    if (await isFinal(middle)) low = middle + 1n
    else high = middle
  }
  return low === 0n ? undefined : low - 1n
}
