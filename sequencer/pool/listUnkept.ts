import type { Hex } from 'viem'
import { fromHex, toHex } from '../../protocol/index.ts'
import { type UnkeptPromise, unkeptKey } from './UnkeptPromise.ts'

/** Promises that were not kept, in the order in which the chain showed it; `next` is the cursor of the page after. */
export type UnkeptPage = {
  promises: readonly (UnkeptPromise & { isFinal: boolean })[]
  next: Hex | undefined
}

type Found = UnkeptPage['promises'][number]

/**
 * Lists a page of the promises that were not kept for good, and of those that are not kept as the chain stands. Anybody may
 * ask, and hundreds of thousands may be open: these are looked at once each, and neither copied nor sorted.
 */
export async function listUnkept(
  readFinal: (from: Uint8Array) => AsyncIterable<UnkeptPromise>,
  open: Iterable<UnkeptPromise>,
  { after, limit }: { after: Hex | undefined; limit: number },
): Promise<UnkeptPage> {
  const since = after === undefined ? 0n : BigInt(after.slice(0, 18))
  const txHash: Hex = after === undefined ? '0x' : `0x${after.slice(18)}`
  const isWanted = (promise: UnkeptPromise) => isAfter(promise, since, txHash)
  // The page is found by looking one further.
  const found: Found[] = []
  for (const promise of open) if (isWanted(promise)) insert(found, promise, false, limit + 1)
  let read = 0
  for await (const promise of readFinal(after === undefined ? new Uint8Array() : fromHex(after))) {
    if (!isWanted(promise)) continue
    insert(found, promise, true, limit + 1)
    if (++read > limit) break
  }
  const promises = found.slice(0, limit)
  const last = found.length > limit ? promises.at(-1) : undefined
  return { promises, next: last && toHex(unkeptKey(last)) }
}

/** The order of {@link unkeptKey}, without making keys. */
function isAfter(promise: UnkeptPromise, since: bigint, txHash: Hex): boolean {
  return promise.since === since ? promise.signed.promise.txHash > txHash : promise.since > since
}

/** Inserts in order, and keeps no more than the first `count`. */
function insert(sorted: Found[], promise: UnkeptPromise, isFinal: boolean, count: number): void {
  const { since, signed } = promise
  let at = sorted.length
  for (let before = sorted[at - 1]; before !== undefined; before = sorted[at - 1]) {
    if (!isAfter(before, since, signed.promise.txHash)) break
    at--
  }
  if (at === count) return
  sorted.splice(at, 0, { ...promise, isFinal })
  if (sorted.length > count) sorted.pop()
}
