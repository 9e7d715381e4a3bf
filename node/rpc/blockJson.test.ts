import { describe, expect, it } from 'vitest'
import { createGenesis, KEYSTORE_ADDRESS, type Receipt } from '../../protocol/index.ts'
import { createTestRollup, fakeHash } from '../../test/chainFixtures.ts'
import { receiptsToJson, receiptToJson } from './blockJson.ts'

const COUNT = 20
let reads = 0
/** A block whose every other transaction has two logs, of which each look at the data is counted. */
const block = {
  ...createGenesis(createTestRollup()).block,
  transactions: Array.from({ length: COUNT }, (_, i) => Uint8Array.of(0x4b, i)),
}
const log = {
  address: KEYSTORE_ADDRESS,
  topics: [fakeHash('topic')],
  get data() {
    reads++
    return Uint8Array.of(1)
  },
}
const receipts = block.transactions.map(
  (_, i): Receipt => ({
    type: 0x4b,
    status: 1,
    cumulativeGasUsed: BigInt(2 * i + 2),
    logs: i % 2 === 0 ? [] : [log, log],
    keystoreRoot: fakeHash('root'),
  }),
)
const inBlock = { receipts, verdicts: receipts.map(() => undefined) }

describe('the receipts of a block', () => {
  it('take one look at each log', () => {
    reads = 0
    const logs = receiptsToJson(block, inBlock).flatMap((receipt) => receipt?.logs ?? [])
    expect(logs.map(({ logIndex }) => Number(logIndex))).toEqual(Array.from({ length: COUNT }, (_, i) => i))
    expect(reads).toBe(COUNT)
  })

  it('are each as it is shown alone', () => {
    expect(receipts.map((_, i) => receiptToJson(block, inBlock, i))).toEqual(receiptsToJson(block, inBlock))
    expect(receiptToJson(block, inBlock, COUNT)).toBeNull()
  })
})
