import { numberToHex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outputRoot, parseRollupConfig, ZERO_HASH } from '../../protocol/index.ts'
import { attributesOn, createTestRollup, fakeHash, nextOriginOn } from '../../test/chainFixtures.ts'
import { createNativeVerifier } from '../crypto/NativeVerifier.ts'
import { createEngine } from '../Engine.ts'
import { createLogger } from '../Logger.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { openChainStore } from '../store/openChainStore.ts'
import { createOptimismMethods, type L1Status } from './OptimismMethods.ts'

// op-node's tools decode its answers by these names, and take what is missing for zero.
const BLOCK_ID = { hash: 'hash', number: 'number' }
const L1_BLOCK_REF = { ...BLOCK_ID, parentHash: 'hash', timestamp: 'number' }
const L2_BLOCK_REF = { ...L1_BLOCK_REF, l1origin: BLOCK_ID, sequenceNumber: 'number' }
const SYNC_STATUS = {
  current_l1: L1_BLOCK_REF,
  current_l1_finalized: L1_BLOCK_REF,
  head_l1: L1_BLOCK_REF,
  safe_l1: L1_BLOCK_REF,
  finalized_l1: L1_BLOCK_REF,
  unsafe_l2: L2_BLOCK_REF,
  safe_l2: L2_BLOCK_REF,
  finalized_l2: L2_BLOCK_REF,
  pending_safe_l2: L2_BLOCK_REF,
  cross_unsafe_l2: L2_BLOCK_REF,
  local_safe_l2: L2_BLOCK_REF,
}
const OUTPUT_RESPONSE = {
  version: 'hash',
  outputRoot: 'hash',
  blockRef: L2_BLOCK_REF,
  withdrawalStorageRoot: 'hash',
  stateRoot: 'hash',
  syncStatus: SYNC_STATUS,
}
const SAFE_HEAD_RESPONSE = { l1Block: BLOCK_ID, safeHead: BLOCK_ID }
/** Of op-node's, without what this chain has none of: `genesis.system_config`, fees, alternative data availability. */
const ROLLUP_CONFIG = {
  genesis: { l1: BLOCK_ID, l2: BLOCK_ID, l2_time: 'number' },
  block_time: 'number',
  max_sequencer_drift: 'number',
  seq_window_size: 'number',
  channel_timeout: 'number',
  l1_chain_id: 'number',
  l2_chain_id: 'number',
  regolith_time: 'number',
  canyon_time: 'number',
  delta_time: 'number',
  ecotone_time: 'number',
  fjord_time: 'number',
  granite_time: 'number',
  holocene_time: 'number',
  isthmus_time: 'number',
  batch_inbox_address: 'address',
  deposit_contract_address: 'address',
  l1_system_config_address: 'address',
}
const OWN_ROLLUP_CONFIG = {
  output_oracle_address: 'address',
  challenge_period: 'number',
  min_recovery_delay: 'number',
  submission_interval: 'number',
}

const rollup = createTestRollup()
const l1Block = (number: bigint) => ({
  number,
  hash: fakeHash(`l1 ${number}`),
  parentHash: fakeHash(`l1 ${number - 1n}`),
  timestamp: rollup.genesis.l2Time + 12n * (number - 100n),
})
let store: ChainStore
let l1: L1Status = { current: undefined, head: undefined, safe: undefined, finalized: undefined }

beforeAll(async () => {
  store = await openChainStore(':memory:', rollup)
  const logger = createLogger({ level: 'silent' })
  const engine = createEngine({ store, rollup, verify: createNativeVerifier(), logger })
  // Blocks 1 and 2 are safe since L1 block 103, block 3 since 105, block 4 is unsafe.
  for (const [derivedFrom, isNext] of [
    [103n, false],
    [103n, true],
    [105n, false],
  ] as const) {
    const { safe } = store.heads()
    const attributes = isNext ? nextOriginOn(safe, rollup) : attributesOn(safe, rollup)
    const { number, hash } = l1Block(derivedFrom)
    await engine.consolidate(safe, attributes, { l1Block: { number, hash }, transactionHash: undefined })
  }
  await engine.build((head) => attributesOn(head, rollup))
  await engine.finalize(refOf(1))
})
afterAll(() => store.close())

function refOf(number: number) {
  const block = store.blockByNumber(BigInt(number))
  return { number: BigInt(number), hash: block?.hash ?? expect.unreachable() }
}

/** What a client gets: the answer as JSON. */
function answer(method: string, ...params: unknown[]) {
  const methods = createOptimismMethods({ store, rollup, l1Status: () => l1, version: 'keyroll/test' })
  const context = { notify: undefined, onClose: () => undefined }
  return JSON.parse(JSON.stringify(methods[method]?.(params, context)))
}

/** Names the type of every field; a number that were shown as hex, or a hash as something else, has another. */
function shapeOf(json: unknown): unknown {
  if (typeof json === 'object' && json !== null) {
    return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, shapeOf(value)]))
  }
  if (typeof json !== 'string') return typeof json
  if (/^0x[0-9a-f]{64}$/.test(json)) return 'hash'
  return /^0x[0-9a-f]{40}$/.test(json) ? 'address' : `text ${json}`
}

describe("the JSON of op-node's methods", () => {
  it('is that of its sync status, before and after L1 is known', () => {
    l1 = { current: undefined, head: undefined, safe: undefined, finalized: undefined }
    expect(shapeOf(answer('optimism_syncStatus'))).toEqual(SYNC_STATUS)
    expect(answer('optimism_syncStatus').head_l1).toEqual({
      hash: ZERO_HASH,
      number: 0,
      parentHash: ZERO_HASH,
      timestamp: 0,
    })
    l1 = { current: l1Block(106n), head: l1Block(108n), safe: l1Block(104n), finalized: l1Block(103n) }
    expect(shapeOf(answer('optimism_syncStatus'))).toEqual(SYNC_STATUS)
  })

  it('puts every head where op-node does', () => {
    const status = answer('optimism_syncStatus')
    const numbers = Object.entries(status).map(([name, ref]) => [name, (ref as { number: number }).number])
    expect(Object.fromEntries(numbers)).toEqual({
      current_l1: 106,
      current_l1_finalized: 103,
      head_l1: 108,
      safe_l1: 104,
      finalized_l1: 103,
      unsafe_l2: 4,
      safe_l2: 3,
      finalized_l2: 1,
      pending_safe_l2: 3,
      cross_unsafe_l2: 4,
      local_safe_l2: 3,
    })
    const second = store.blockByNumber(2n)
    expect(status.safe_l2).toEqual({
      hash: refOf(3).hash,
      number: 3,
      parentHash: refOf(2).hash,
      timestamp: Number(rollup.genesis.l2Time + 3n * rollup.blockTime),
      l1origin: { hash: second?.header.mixHash, number: 101 },
      sequenceNumber: 1,
    })
  })

  it('is that of its outputs, of every block', () => {
    for (const number of [0, 1, 4]) {
      const output = answer('optimism_outputAtBlock', `0x${number}`)
      expect(shapeOf(output)).toEqual(OUTPUT_RESPONSE)
      const { hash, header } = store.blockByNumber(BigInt(number)) ?? expect.unreachable()
      const { stateRoot, withdrawalsRoot: keystoreRoot } = header
      expect(output).toMatchObject({
        version: ZERO_HASH,
        outputRoot: outputRoot({ stateRoot, keystoreRoot, blockHash: hash }),
        blockRef: { number, hash },
        withdrawalStorageRoot: keystoreRoot,
        stateRoot,
      })
    }
  })

  it('is that of its safe heads: the newest block that was safe once an L1 block had been read', () => {
    const safeHeadAt = (number: number) => answer('optimism_safeHeadAtL1Block', numberToHex(number))
    expect(shapeOf(safeHeadAt(105))).toEqual(SAFE_HEAD_RESPONSE)
    const genesis = rollup.genesis.l1
    const before = {
      l1Block: { number: 100, hash: genesis.hash },
      safeHead: { number: 0, hash: refOf(0).hash },
    }
    for (const number of [100, 102]) expect(safeHeadAt(number)).toEqual(before)
    const at103 = {
      l1Block: { number: 103, hash: l1Block(103n).hash },
      safeHead: { number: 2, hash: refOf(2).hash },
    }
    for (const number of [103, 104]) expect(safeHeadAt(number)).toEqual(at103)
    const at105 = {
      l1Block: { number: 105, hash: l1Block(105n).hash },
      safeHead: { number: 3, hash: refOf(3).hash },
    }
    for (const number of [105, 1_000]) expect(safeHeadAt(number)).toEqual(at105)
    expect(() => safeHeadAt(99)).toThrow('no block was safe')
  })

  it('is that of its rollup config, which a node can start from', () => {
    const config = answer('optimism_rollupConfig')
    expect(shapeOf(config)).toEqual({ ...ROLLUP_CONFIG, ...OWN_ROLLUP_CONFIG })
    expect(parseRollupConfig(config)).toEqual(rollup)
  })

  it('takes block numbers in hex, as op-node does, and no others', () => {
    expect(() => answer('optimism_safeHeadAtL1Block', 105)).toThrow()
    expect(() => answer('optimism_outputAtBlock', 1)).toThrow()
    expect(() => answer('optimism_outputAtBlock')).toThrow()
    expect(answer('optimism_version')).toBe('keyroll/test')
  })
})
