import { describe, expect, it } from 'vitest'
import { MAX_BLOCK_BYTES } from '../protocol/index.ts'
import { createTestKeystore, createTestRollup } from '../test/chainFixtures.ts'
import { checkTransactions } from './checkTransactions.ts'

const rollup = createTestRollup()
const raws = createTestKeystore(rollup, 'alice', 2).raws

describe("a batch's transactions", () => {
  it('may be set-configs of this rollup, or none', () => {
    expect(checkTransactions(raws, rollup.l2ChainId)).toBeUndefined()
    expect(checkTransactions([], rollup.l2ChainId)).toBeUndefined()
  })

  it.each<[string, Uint8Array]>([
    ['garbage', Uint8Array.of(1, 2, 3)],
    ['a deposit', Uint8Array.of(0x7e, 0xc0)],
    [
      'a set-config of another rollup',
      createTestKeystore(createTestRollup(7n), 'bob', 1).raws[0] as Uint8Array,
    ],
    ['a set-config with a byte after it', Uint8Array.of(...(raws[0] as Uint8Array), 0)],
  ])('may not be %s', (_name, raw) => {
    expect(checkTransactions([...raws, raw], rollup.l2ChainId)).toBe('UNDECODABLE_TRANSACTION')
  })

  it('may not be longer than a block', () => {
    const raw = raws[0] as Uint8Array
    const count = Math.floor(MAX_BLOCK_BYTES / raw.length)
    expect(checkTransactions(Array(count).fill(raw), rollup.l2ChainId)).toBeUndefined()
    expect(checkTransactions(Array(count + 1).fill(raw), rollup.l2ChainId)).toBe('TOO_MANY_BYTES')
    // To the byte: what fits is looked into, and is garbage.
    const garbage = [raw, new Uint8Array(MAX_BLOCK_BYTES - raw.length)]
    expect(checkTransactions(garbage, rollup.l2ChainId)).toBe('UNDECODABLE_TRANSACTION')
    expect(checkTransactions([...garbage, Uint8Array.of(0)], rollup.l2ChainId)).toBe('TOO_MANY_BYTES')
  })
})
