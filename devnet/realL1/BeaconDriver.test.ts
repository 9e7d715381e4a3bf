import { bytesToHex, type Hex, hexToNumber, keccak256, numberToHex, zeroAddress, zeroHash } from 'viem'
import { beforeEach, describe, expect, it } from 'vitest'
import type { L1Block } from '../BeaconBlock.ts'
import { SLOTS_PER_EPOCH } from '../beaconApi.ts'
import { DevnetError } from '../DevnetError.ts'
import { type BeaconDriver, createBeaconDriver } from './BeaconDriver.ts'
import type {
  BuiltPayload,
  EngineApi,
  EnginePayload,
  ExecutionFork,
  ForkchoiceState,
  PayloadAttributes,
} from './EngineApi.ts'

const BLOOM: Hex = `0x${'00'.repeat(256)}`
const GENESIS_TIME = 1_700_000_000

const header = { logsBloom: BLOOM, stateRoot: zeroHash, receiptsRoot: zeroHash, extraData: '0x' } as const

const genesis: L1Block = {
  ...header,
  number: 0n,
  hash: keccak256('0x'),
  parentHash: zeroHash,
  miner: zeroAddress,
  mixHash: zeroHash,
  gasLimit: 30_000_000n,
  gasUsed: 0n,
  timestamp: BigInt(GENESIS_TIME),
  baseFeePerGas: 7n,
  blobGasUsed: 0n,
  excessBlobGas: 0n,
  difficulty: 0n,
  nonce: '0x0000000000000000',
  sealFields: [],
  sha3Uncles: zeroHash,
  size: 0n,
  totalDifficulty: 0n,
  transactions: [],
  transactionsRoot: zeroHash,
  uncles: [],
}

/** An execution client of empty blocks, or of whatever the test adds to them. */
function createFakeEngine() {
  const built: { attributes: PayloadAttributes; fork: ExecutionFork }[] = []
  const fake = {
    built,
    state: undefined as ForkchoiceState | undefined,
    extra: {} as Pick<BuiltPayload, 'executionRequests'> & Partial<Pick<BuiltPayload, 'blobsBundle'>>,
    versionedHashes: [] as readonly Hex[],
  }
  const engine: EngineApi = {
    forkchoiceUpdated: async (state) => {
      fake.state = state
    },
    async build({ headBlockHash }, attributes, fork) {
      built.push({ attributes, fork })
      const executionPayload: EnginePayload = {
        ...header,
        parentHash: headBlockHash,
        feeRecipient: attributes.suggestedFeeRecipient,
        prevRandao: attributes.prevRandao,
        timestamp: attributes.timestamp,
        blockNumber: numberToHex(built.length),
        blockHash: keccak256(headBlockHash),
        transactions: [],
        withdrawals: [],
        gasLimit: '0x1',
        gasUsed: '0x0',
        baseFeePerGas: '0x7',
        blobGasUsed: '0x0',
        excessBlobGas: '0x0',
      }
      return { executionPayload, blobsBundle: { blobs: [], commitments: [] }, ...fake.extra }
    },
    newPayload: async (_, versionedHashes) => {
      fake.versionedHashes = versionedHashes
    },
  }
  return Object.assign(fake, { engine })
}

let fake: ReturnType<typeof createFakeEngine>
let driver: BeaconDriver
beforeEach(() => {
  fake = createFakeEngine()
  driver = createBeaconDriver({ engine: fake.engine, chainId: 900, genesis, electraEpoch: 1 })
})

describe('the beacon driver', () => {
  it('gives each L1 block the root of the beacon block before it and the time of its slot', async () => {
    const first = await driver.propose(3)
    const second = await driver.propose(5)
    expect(fake.built.map(({ attributes }) => attributes.parentBeaconBlockRoot)).toEqual([
      driver.genesis().root,
      first.root,
    ])
    const times = fake.built.map(({ attributes }) => hexToNumber(attributes.timestamp) - GENESIS_TIME)
    expect(times).toEqual([3, 5])
    expect(bytesToHex(second.message.parentRoot)).toBe(first.root)
    expect(bytesToHex(second.message.body.executionPayload.blockHash)).toBe(second.l1.hash)
    expect([driver.bySlot(3), driver.bySlot(4), driver.byL1Number(2n)]).toEqual([first, undefined, second])
  })

  it('goes over to Electra and Prague with the epoch that says so', async () => {
    const last = await driver.propose(SLOTS_PER_EPOCH - 1)
    const next = await driver.propose(SLOTS_PER_EPOCH)
    expect([last.fork, next.fork]).toEqual(['deneb', 'electra'])
    expect(fake.built.map(({ fork }) => fork)).toEqual(['cancun', 'prague'])
  })

  it('tells the client the same safe and finalized blocks as the beacon API', async () => {
    for (let slot = 1; slot <= 9; slot++) await driver.propose(slot)
    expect(fake.state).toEqual({
      headBlockHash: driver.head().l1.hash,
      safeBlockHash: (await driver.justified()).l1.hash,
      finalizedBlockHash: (await driver.finalized()).l1.hash,
    })
    expect((await driver.justified()).l1.number).toBe(7n)
    expect((await driver.finalized()).l1.number).toBe(5n)
  })

  it('keeps the blobs of a block, by their versioned hashes', async () => {
    const commitments: Hex[] = [`0xc0${'00'.repeat(47)}`, `0xc0${'11'.repeat(47)}`]
    fake.extra = { blobsBundle: { blobs: ['0xaa', '0xbb'], commitments } }
    const block = await driver.propose(1)
    expect(block.message.body.blobKzgCommitments.map((each) => bytesToHex(each))).toEqual(commitments)
    expect(await driver.blobs(block, undefined)).toEqual(['0xaa', '0xbb'])
    expect(await driver.blobs(block, fake.versionedHashes.slice(1))).toEqual(['0xbb'])
    expect(await driver.blobs(driver.genesis(), undefined)).toEqual([])
  })

  it('refuses execution requests, which nobody here can have made', async () => {
    fake.extra = { executionRequests: ['0x00'] }
    await expect(driver.propose(SLOTS_PER_EPOCH)).rejects.toThrow(DevnetError)
  })
})
