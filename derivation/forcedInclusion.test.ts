import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import type { BlockRef } from '../node/index.ts'
import {
  type Block,
  encodeBatcherData,
  type RollupConfig,
  readKeystore,
  transactionHash,
} from '../protocol/index.ts'
import {
  blockToBatch,
  createFakeL1Rollup,
  openTestNode,
  safeChain,
  type TestNode,
} from '../test/derivationWorld.ts'
import { createFakeL1, type FakeL1Action } from '../test/FakeL1.ts'
import { createTestKeystore } from '../test/TestKeystore.ts'

const SECONDS = 6n
const from: Hex = `0x${'0f'.repeat(20)}`

async function setUp() {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  const sequencer = await openTestNode(rollup, l1.client)
  const verifier = await openTestNode(rollup, l1.client)
  return { l1, rollup, sequencer, verifier }
}

const deposit = (data: Uint8Array): FakeL1Action => ({ kind: 'deposit', from, data })
const post = (...blocks: readonly Block[]): FakeL1Action => ({
  kind: 'batch',
  data: encodeBatcherData(blocks.map(blockToBatch)),
})

const keystoreOf = ({ l2ChainId }: RollupConfig, name: string) =>
  createTestKeystore(l2ChainId, name, { recoveryDelay: 0 })

/** What a node's safe chain has in force. */
function configHashOf({ store }: TestNode, id: Hex): Hex {
  const safe = store.blockByHash(store.heads().safe.hash) ?? expect.unreachable()
  return readKeystore(store, safe.header.withdrawalsRoot, id).configHash
}

describe('a sequencer that does not want a set-config', () => {
  it('cannot leave its deposit out: derivation puts it in, and replaces the block', async () => {
    const { l1, rollup, sequencer, verifier } = await setUp()
    const { id, ...keystore } = keystoreOf(rollup, 'unwanted')
    const { raw, configHash } = keystore.update()
    const origin = l1.mine([deposit(raw)], 2n)
    const other = keystoreOf(rollup, 'wanted').update()
    const { number, hash, parentBeaconBlockRoot } = origin
    const without = await sequencer.engine.build((head: BlockRef) => ({
      timestamp: head.timestamp + rollup.blockTime,
      l1Origin: { number, hash, parentBeaconBlockRoot },
      sequenceNumber: 0n,
      transactions: [other.raw],
    }))
    l1.mine([post(without)], SECONDS)
    await verifier.catchUp()
    await sequencer.catchUp()
    expect(safeChain(sequencer.store)).toEqual(safeChain(verifier.store))
    const block = verifier.store.blockByNumber(1n)
    expect(block?.hash).not.toBe(without.hash)
    expect(block?.transactions).toHaveLength(2)
    expect(block?.transactions.map(transactionHash)[1]).toBe(other.hash)
    expect(configHashOf(verifier, id)).toBe(configHash)
  })

  it('cannot put another of the same nonce before it in that block', async () => {
    const { l1, rollup, sequencer, verifier } = await setUp()
    const keystore = keystoreOf(rollup, 'contested')
    const rival = keystore.update({ data: '0x01' })
    const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
    l1.mine([deposit(forced.raw)], 2n)
    const block = (await sequencer.build([rival.raw])) ?? expect.unreachable()
    l1.mine([post(block)], SECONDS)
    await verifier.catchUp()
    expect(verifier.store.heads().safe.hash).toBe(block.hash)
    expect(verifier.store.receiptsOf(block.hash)?.map(({ status }) => status)).toEqual([1, 0])
    expect(configHashOf(verifier, keystore.id)).toBe(forced.configHash)
  })

  it('cannot stay on an old origin beyond the window, however much it posts', async () => {
    const { l1, rollup, sequencer, verifier } = await setUp()
    const { id, ...keystore } = keystoreOf(rollup, 'waiting')
    const { raw, configHash } = keystore.update()
    const genesis = l1.head()
    const carrier = l1.mine([deposit(raw)], SECONDS)
    const { number, hash, parentBeaconBlockRoot } = genesis
    for (let i = 0n; i < rollup.seqWindowSize; i++) {
      expect(configHashOf(verifier, id)).toBe(id)
      const blocks: Block[] = []
      for (let j = 0; j < 3; j++) {
        blocks.push(
          await sequencer.engine.build((head: BlockRef) => ({
            timestamp: head.timestamp + rollup.blockTime,
            l1Origin: { number, hash, parentBeaconBlockRoot },
            sequenceNumber: head.sequenceNumber + 1n,
            transactions: [],
          })),
        )
      }
      l1.mine([post(...blocks)], SECONDS)
      await verifier.catchUp()
    }
    expect(l1.head().number).toBe(carrier.number + rollup.seqWindowSize)
    expect(configHashOf(verifier, id)).toBe(configHash)
    const { values } = await verifier.metrics.dropped.get()
    expect(values.map(({ labels }) => labels.reason)).toContain('EPOCH_NOT_ADVANCED')
  })
})
