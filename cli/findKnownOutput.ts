/** So many are asked about at once. */
const AT_ONCE = 20n

/** So many of the newest are asked about, however many L1 names: four months of one every 20 minutes. */
export const MOST_OUTPUTS = 10_000n

/**
 * Finds the output to confirm from, among the newest of `count` outputs of which those before `finalCount` are final on L1:
 * the newest whose root is finalized on the replica, for from others it takes only what it holds already; without one the
 * newest that it knows. Undefined when it knows none.
 */
export async function findKnownOutput(
  { count, finalCount }: { count: bigint; finalCount: bigint },
  rootOf: (outputIndex: bigint) => Promise<{ finalized: boolean } | undefined>,
): Promise<bigint | undefined> {
  return (
    (await findNewest(finalCount, async (index) => (await rootOf(index))?.finalized === true)) ??
    (await findNewest(count, async (index) => (await rootOf(index)) !== undefined))
  )
}

async function findNewest(
  count: bigint,
  isWanted: (outputIndex: bigint) => Promise<boolean>,
): Promise<bigint | undefined> {
  const oldest = count > MOST_OUTPUTS ? count - MOST_OUTPUTS : 0n
  for (let end = count; end > oldest; end -= AT_ONCE) {
    const length = end - oldest < AT_ONCE ? end - oldest : AT_ONCE
    const indexes = Array.from({ length: Number(length) }, (_, back) => end - 1n - BigInt(back))
    const found = await Promise.all(indexes.map(isWanted))
    const newest = indexes[found.indexOf(true)]
    if (newest !== undefined) return newest
  }
  return undefined
}
