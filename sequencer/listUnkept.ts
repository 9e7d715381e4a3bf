import type { Hex } from 'viem'
import { fromHex, toHex } from '../protocol/index.ts'
import { type UnkeptPromise, unkeptKey } from './UnkeptPromise.ts'

/** Promises that were not kept, in the order in which the chain showed it; `next` is the cursor of the page after. */
export type UnkeptPage = {
  promises: readonly (UnkeptPromise & { isFinal: boolean })[]
  next: Hex | undefined
}

/** Lists a page of the promises that were not kept for good, and of those that are not kept as the chain stands. */
export async function listUnkept(
  readFinal: (from: Uint8Array) => AsyncIterable<UnkeptPromise>,
  open: readonly UnkeptPromise[],
  { after, limit }: { after: Hex | undefined; limit: number },
): Promise<UnkeptPage> {
  // Keys have one width, so that they compare as text. The page is found by looking one further.
  const isWanted = (key: Hex) => after === undefined || key > after
  const found = open
    .map((promise) => ({ key: toHex(unkeptKey(promise)), promise, isFinal: false }))
    .filter(({ key }) => isWanted(key))
  let read = 0
  for await (const promise of readFinal(after === undefined ? new Uint8Array() : fromHex(after))) {
    const key = toHex(unkeptKey(promise))
    if (!isWanted(key)) continue
    found.push({ key, promise, isFinal: true })
    if (++read > limit) break
  }
  found.sort((a, b) => (a.key < b.key ? -1 : 1))
  const page = found.slice(0, limit)
  return {
    promises: page.map(({ promise, isFinal }) => ({ ...promise, isFinal })),
    next: found.length > limit ? page.at(-1)?.key : undefined,
  }
}
