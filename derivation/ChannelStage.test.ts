import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  batchToBytes,
  concat,
  encodeBatcherData,
  encodeStored,
  frameToBytes,
  type SingularBatch,
  ZERO_HASH,
} from '../protocol/index.ts'
import { createChannelStage } from './ChannelStage.ts'
import { createDecoder } from './Decoder.ts'
import type { DropReason } from './Dropped.ts'

const batch = (timestamp: bigint): SingularBatch => ({
  parentHash: ZERO_HASH,
  epochNumber: 1n,
  epochHash: ZERO_HASH,
  timestamp,
  transactions: [],
})
const hash = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

function setUp(data: readonly Uint8Array[]) {
  const queue = data.map((bytes, i) => ({ bytes, transactionHash: hash(i) }))
  const dropped: [DropReason, Hex][] = []
  const stage = createChannelStage({
    retrieval: { next: async () => queue.shift() },
    decoder: createDecoder(),
    onDrop: (...drop) => dropped.push(drop),
  })
  return { stage, dropped }
}

describe('the channel stage', () => {
  it('gives the batches of each channel, with the transaction that carried them', async () => {
    const { stage } = setUp([
      encodeBatcherData([batch(1n), batch(2n)]),
      encodeBatcherData([]),
      encodeBatcherData([batch(3n)]),
    ])
    expect(await stage.next()).toEqual({ bytes: batchToBytes(batch(1n)), transactionHash: hash(0) })
    expect(await stage.next()).toEqual({ bytes: batchToBytes(batch(2n)), transactionHash: hash(0) })
    expect(await stage.next()).toEqual({ bytes: batchToBytes(batch(3n)), transactionHash: hash(2) })
    expect(await stage.next()).toBeUndefined()
  })

  it('drops and counts garbage, and reads on', async () => {
    const { stage, dropped } = setUp([Uint8Array.of(9), Uint8Array.of(0, 1), encodeBatcherData([batch(1n)])])
    expect(await stage.next()).toEqual({ bytes: batchToBytes(batch(1n)), transactionHash: hash(2) })
    expect(dropped).toEqual([
      ['UNKNOWN_DERIVATION_VERSION', hash(0)],
      ['MALFORMED_FRAME', hash(1)],
    ])
  })

  it('drops the rest of a channel when told, and nothing of the next', async () => {
    const { stage } = setUp([encodeBatcherData([batch(1n), batch(2n)]), encodeBatcherData([batch(3n)])])
    await stage.next()
    stage.flush()
    expect((await stage.next())?.bytes).toEqual(batchToBytes(batch(3n)))
  })

  it('gives each of as many batches as fit a frame, without moving the others', async () => {
    const count = 900_000
    // A zero byte is the RLP of itself.
    const data = concat(Uint8Array.of(1), encodeStored(new Uint8Array(count)))
    const frame = frameToBytes({ channelId: `0x${'00'.repeat(16)}`, number: 0, data, isLast: true })
    const { stage } = setUp([concat(Uint8Array.of(0), frame)])
    let given = 0
    while ((await stage.next()) !== undefined) given++
    expect(given).toBe(count)
  })
})
