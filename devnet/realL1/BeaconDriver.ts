import { bytesToHex, type Hex, hexToBytes, numberToHex, sha256, zeroAddress } from 'viem'
import { commitmentToVersionedHash, sleep } from '../../node/index.ts'
import {
  type BeaconFork,
  beaconBlockRoot,
  createBeaconBlock,
  type ExecutionPayload,
  type L1Block,
  l1BlockToPayload,
} from '../BeaconBlock.ts'
import { type BeaconChain, SECONDS_PER_SLOT, type StoredBeaconBlock } from '../BeaconChain.ts'
import { SLOTS_PER_EPOCH } from '../beaconApi.ts'
import { DevnetError } from '../DevnetError.ts'
import type { EngineApi, EnginePayload, ExecutionFork } from './EngineApi.ts'

/** A beacon chain that decides what the blocks of an execution client are, as validators do through its Engine API. */
export interface BeaconDriver extends BeaconChain {
  /** Has the client build and adopt the block of a slot. @throws {DevnetError} when the client does not. */
  propose(slot: number): Promise<StoredBeaconBlock>
  /** Proposes slot after slot as their time comes, until aborted. */
  run(signal: AbortSignal): Promise<void>
}

const EXECUTION_FORK: Record<BeaconFork, ExecutionFork> = {
  deneb: 'cancun',
  electra: 'prague',
  fulu: 'prague',
}
/** In blocks behind the head. */
const JUSTIFIED_DEPTH = 2
const FINALIZED_DEPTH = 4
/** Now and then a proposer is absent. */
const MISSED_SLOT = 7
const MISSED_SLOT_PERIOD = 10

/** Starts a beacon chain with the genesis block of an execution client; Electra begins with its epoch. */
export function createBeaconDriver({
  engine,
  chainId,
  genesis,
  electraEpoch,
}: {
  engine: EngineApi
  chainId: number
  genesis: L1Block
  electraEpoch: number
}): BeaconDriver {
  const genesisTime = genesis.timestamp
  const forkAt = (slot: number): BeaconFork => (slot < electraEpoch * SLOTS_PER_EPOCH ? 'deneb' : 'electra')

  const blobsByRoot = new Map<Hex, ReadonlyMap<Hex, Hex>>()
  const genesisBlock = store(forkAt(0), {
    slot: 0,
    parentRoot: new Uint8Array(32),
    payload: l1BlockToPayload(genesis, []),
    blobKzgCommitments: [],
  })
  const blocks = [genesisBlock]

  function store(fork: BeaconFork, parts: Parameters<typeof createBeaconBlock>[1]): StoredBeaconBlock {
    const block = createBeaconBlock(fork, parts)
    const { blockNumber, blockHash } = parts.payload
    const l1 = { number: BigInt(blockNumber), hash: bytesToHex(blockHash) }
    return { ...block, root: beaconBlockRoot(block), l1 }
  }

  const behind = (depth: number, chain = blocks) => chain.at(-1 - depth) ?? genesisBlock
  const head = () => behind(0)
  const forkchoice = (chain: StoredBeaconBlock[]) => ({
    headBlockHash: behind(0, chain).l1.hash,
    safeBlockHash: behind(JUSTIFIED_DEPTH, chain).l1.hash,
    finalizedBlockHash: behind(FINALIZED_DEPTH, chain).l1.hash,
  })

  async function propose(slot: number): Promise<StoredBeaconBlock> {
    const parent = head()
    const fork = forkAt(slot)
    const executionFork = EXECUTION_FORK[fork]
    const attributes = {
      timestamp: numberToHex(genesisTime + BigInt(slot * SECONDS_PER_SLOT)),
      prevRandao: sha256(parent.root),
      suggestedFeeRecipient: zeroAddress,
      withdrawals: [],
      parentBeaconBlockRoot: parent.root,
    } as const
    const built = await engine.build(forkchoice(blocks), attributes, executionFork)
    const { executionRequests = [] } = built
    if (executionRequests.length > 0) {
      throw new DevnetError('beacon', `got ${executionRequests.length} execution requests, of nobody here`)
    }
    const { blobs, commitments } = built.blobsBundle
    const block = store(fork, {
      slot,
      parentRoot: hexToBytes(parent.root),
      payload: toPayload(built.executionPayload),
      blobKzgCommitments: commitments.map((commitment) => hexToBytes(commitment)),
    })
    const versionedHashes = commitments.map(commitmentToVersionedHash)
    await engine.newPayload(built, versionedHashes, parent.root, executionFork)
    await engine.forkchoiceUpdated(forkchoice([...blocks, block]))
    blobsByRoot.set(block.root, new Map(versionedHashes.map((hash, i) => [hash, blobs[i] ?? '0x'])))
    blocks.push(block)
    return block
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = Date.now() / 1000 - Number(genesisTime)
      const slot = Math.floor(now / SECONDS_PER_SLOT)
      const isMissed = slot % MISSED_SLOT_PERIOD === MISSED_SLOT
      if (slot > head().message.slot && !isMissed) await propose(slot)
      else await sleep(((slot + 1) * SECONDS_PER_SLOT - now) * 1000, signal)
    }
  }

  return {
    chainId,
    genesisTime,
    forkEpochs: { deneb: 0, electra: electraEpoch },
    head,
    genesis: () => genesisBlock,
    justified: async () => behind(JUSTIFIED_DEPTH),
    finalized: async () => behind(FINALIZED_DEPTH),
    byRoot: (root) => blocks.find((block) => block.root === root),
    bySlot: (slot) => blocks.find((block) => block.message.slot === slot),
    byL1Number: (number) => blocks.find((block) => block.l1.number === number),
    async blobs({ root }, versionedHashes) {
      const blobs = blobsByRoot.get(root) ?? new Map<Hex, Hex>()
      return [...blobs].filter(([hash]) => versionedHashes?.includes(hash) ?? true).map(([, blob]) => blob)
    },
    propose,
    run,
  }
}

function toPayload(engine: EnginePayload): ExecutionPayload {
  return {
    parentHash: hexToBytes(engine.parentHash),
    feeRecipient: hexToBytes(engine.feeRecipient),
    stateRoot: hexToBytes(engine.stateRoot),
    receiptsRoot: hexToBytes(engine.receiptsRoot),
    logsBloom: hexToBytes(engine.logsBloom),
    prevRandao: hexToBytes(engine.prevRandao),
    blockNumber: Number(engine.blockNumber),
    gasLimit: Number(engine.gasLimit),
    gasUsed: Number(engine.gasUsed),
    timestamp: Number(engine.timestamp),
    extraData: hexToBytes(engine.extraData),
    baseFeePerGas: BigInt(engine.baseFeePerGas),
    blockHash: hexToBytes(engine.blockHash),
    transactions: engine.transactions.map((raw) => hexToBytes(raw)),
    withdrawals: [],
    blobGasUsed: BigInt(engine.blobGasUsed),
    excessBlobGas: BigInt(engine.excessBlobGas),
  }
}
