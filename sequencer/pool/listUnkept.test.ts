import fc from 'fast-check'
import type { Hex } from 'viem'
import { expect, it } from 'vitest'
import { toHex } from '../../protocol/index.ts'
import { listUnkept } from './listUnkept.ts'
import { type UnkeptPromise, unkeptKey } from './UnkeptPromise.ts'

const hash = (byte: number): Hex => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`

function unkept(since: bigint, byte: number): UnkeptPromise {
  const promise = {
    id: hash(0),
    kind: 0 as const,
    nonce: 1n,
    configHash: hash(1),
    txHash: hash(byte),
    byBlock: since - 1n,
  }
  const signed = { promise, signature: '0x' as const, signer: '0x' as const }
  return { signed, outcome: 'overdue', reason: undefined, since, isVoid: false }
}

const keyOf = (promise: UnkeptPromise) => toHex(unkeptKey(promise))
const byKey = (a: UnkeptPromise, b: UnkeptPromise) => (keyOf(a) < keyOf(b) ? -1 : 1)

it('lists every promise once and in order, whatever the pages and in whatever order the open ones come', async () => {
  const place = fc.record({
    since: fc.bigInt({ min: 1n, max: 300n }),
    byte: fc.nat(255),
    isFinal: fc.boolean(),
  })
  const places = fc.uniqueArray(place, { selector: ({ since, byte }) => `${since} ${byte}`, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 1, max: 7 }), async (all, limit) => {
      const open = all.filter(({ isFinal }) => !isFinal).map(({ since, byte }) => unkept(since, byte))
      const final = all.filter(({ isFinal }) => isFinal).map(({ since, byte }) => unkept(since, byte))
      async function* readFinal(from: Uint8Array) {
        const first = toHex(from)
        yield* final.sort(byKey).filter((promise) => keyOf(promise) >= first)
      }
      const seen: (UnkeptPromise & { isFinal: boolean })[] = []
      let after: Hex | undefined
      do {
        const page = await listUnkept(readFinal, open, { after, limit })
        expect(page.promises.length).toBeLessThanOrEqual(limit)
        seen.push(...page.promises)
        after = page.next
      } while (after !== undefined)
      const expected = [
        ...open.map((promise) => ({ ...promise, isFinal: false })),
        ...final.map((promise) => ({ ...promise, isFinal: true })),
      ]
      expect(seen).toEqual(expected.sort(byKey))
    }),
  )
})
