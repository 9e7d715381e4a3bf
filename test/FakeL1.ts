import { type Address, encodeAbiParameters, encodeEventTopics, type Hex } from 'viem'
import { batchInboxAbi, keystorePortalAbi, outputOracleAbi } from '../contracts/index.ts'
import type { L1Client, L1Header, L1Log, L1Receipt, L1Tag, L1Transaction } from '../node/index.ts'
import { TemporaryFault } from '../node/index.ts'
import {
  bloomMayHold,
  KEYSTORE_ADDRESS,
  keccakHex,
  logsToBloom,
  toHex,
  ZERO_HASH,
} from '../protocol/index.ts'

/** The addresses that a fake L1 has contracts at. */
export const FAKE_L1_ADDRESSES = {
  batchInboxAddress: address('a1'),
  depositContractAddress: address('a2'),
  l1SystemConfigAddress: address('a3'),
  outputOracleAddress: address('a4'),
} as const

/** What one transaction of a fake L1 does. */
export type FakeL1Action =
  | { kind: 'batch'; data: Uint8Array; reverts?: boolean }
  | { kind: 'blobs'; blobs: readonly Uint8Array[] }
  /** The batch inbox's event from another contract, or in a transaction to another. */
  | { kind: 'impostor'; data: Uint8Array; as: 'emitter' | 'target' }
  | { kind: 'deposit'; from: Address; data: Uint8Array }
  | { kind: 'output'; outputRoot: Hex; l2BlockNumber: bigint }
  | { kind: 'deleteOutputs'; newLength: bigint }

/** An L1 in memory that a test mines, forks and finalizes by hand. */
export interface FakeL1 {
  readonly client: L1Client
  head(): L1Header
  /** Mines a block, `seconds` after its parent. */
  mine(actions?: readonly FakeL1Action[], seconds?: bigint): L1Header
  /** Takes the newest blocks back; what is mined next has other hashes. */
  takeBack(count: number): void
  finalize(number: bigint): void
}

type FakeBlock = {
  header: L1Header
  transactions: L1Transaction[]
  receipts: L1Receipt[]
  blobs: Map<Hex, Uint8Array>
  /** After this block. */
  submissions: bigint
  deposits: bigint
  /** The L2 blocks of the standing outputs. */
  outputs: readonly bigint[]
}

/** Makes a fake L1 whose only block is `number`, mined at `timestamp`. */
export function createFakeL1({
  chainId,
  number,
  timestamp,
}: {
  chainId: bigint
  number: bigint
  timestamp: bigint
}): FakeL1 {
  let fork = 0
  let finalized = number
  const genesis = seal({ number, timestamp, parentHash: ZERO_HASH, fork, actions: [], before: undefined })
  let chain: FakeBlock[] = [genesis]
  /** Everything ever mined, as a node keeps side chains for a while. */
  const known = new Map<Hex, FakeBlock>([[genesis.header.hash, genesis]])
  const head = () => chain.at(-1) as FakeBlock
  const at = (wanted: bigint) => chain[Number(wanted - number)]
  const blockOf = (header: L1Header) => {
    const block = known.get(header.hash)
    if (block === undefined) throw new TemporaryFault(`the fake L1 does not know ${header.hash}`)
    return block
  }

  function headerAt(numberOrTag: bigint | L1Tag): L1Header | undefined {
    if (typeof numberOrTag === 'bigint') return at(numberOrTag)?.header
    return numberOrTag === 'latest' ? head().header : at(finalized)?.header
  }

  return {
    client: {
      chainId: async () => chainId,
      assertChainId: async () => undefined,
      header: async (numberOrTag) => headerAt(numberOrTag),
      headerByHash: async (hash) => known.get(hash)?.header,
      transactions: async (header) => blockOf(header).transactions,
      receipts: async (header) => blockOf(header).receipts,
      mayHaveLogs: ({ logsBloom }, addresses) => addresses.some((each) => bloomMayHold(logsBloom, each)),
      blobs: async (header, hashes) => hashes.map((hash) => blockOf(header).blobs.get(hash) as Uint8Array),
      close: async () => undefined,
    },
    head: () => head().header,
    mine(actions = [], seconds = 12n) {
      const { header } = head()
      const block = seal({
        number: header.number + 1n,
        timestamp: header.timestamp + seconds,
        parentHash: header.hash,
        fork,
        actions,
        before: head(),
      })
      chain = [...chain, block]
      known.set(block.header.hash, block)
      return block.header
    },
    takeBack(count) {
      if (count === 0) return
      chain = chain.slice(0, -count)
      fork++
    },
    finalize(until) {
      finalized = until
    },
  }
}

function seal({
  number,
  timestamp,
  parentHash,
  fork,
  actions,
  before,
}: {
  number: bigint
  timestamp: bigint
  parentHash: Hex
  fork: number
  actions: readonly FakeL1Action[]
  before: FakeBlock | undefined
}): FakeBlock {
  const counts = {
    submissions: before?.submissions ?? 0n,
    deposits: before?.deposits ?? 0n,
    outputs: before?.outputs ?? [],
  }
  const blobs = new Map<Hex, Uint8Array>()
  const executed = actions.map((action, transactionIndex) => {
    const logs = logsOf(action, counts, timestamp)
    const transaction = transactionOf(action, `${number} ${fork} ${transactionIndex}`, blobs)
    const isReverted = action.kind === 'batch' && action.reverts === true
    return { transaction, logs, status: isReverted ? 0 : 1 } as const
  })
  let logIndex = 0
  const receipts = executed.map(({ logs, status }, transactionIndex): L1Receipt => {
    return {
      type: 2,
      status,
      cumulativeGasUsed: 0n,
      logsBloom: logsToBloom(logs),
      logs: logs.map((log) => ({ ...log, logIndex: logIndex++, transactionIndex })),
    }
  })
  const name = `${parentHash} ${number} ${timestamp} ${fork} ${executed.map(({ transaction }) => transaction.hash)}`
  const header: L1Header = {
    number,
    hash: hashOf(name),
    parentHash,
    timestamp,
    stateRoot: ZERO_HASH,
    transactionsRoot: ZERO_HASH,
    receiptsRoot: ZERO_HASH,
    logsBloom: logsToBloom(executed.flatMap(({ logs }) => logs)),
    mixHash: hashOf(`mix ${name}`),
    baseFeePerGas: 1n,
    parentBeaconBlockRoot: hashOf(`beacon ${name}`),
  }
  return { header, transactions: executed.map(({ transaction }) => transaction), receipts, blobs, ...counts }
}

/** What the contracts of a fake L1 have counted so far. */
export type Counts = Pick<FakeBlock, 'submissions' | 'deposits' | 'outputs'>

/** A log before its block is known. */
export type BareLog = Pick<L1Log, 'address' | 'topics' | 'data'>

/** Makes the logs that the contracts write for an action, and counts on. */
export function logsOf(action: FakeL1Action, counts: Counts, timestamp: bigint): BareLog[] {
  const { batchInboxAddress, depositContractAddress: portal, outputOracleAddress: oracle } = FAKE_L1_ADDRESSES
  switch (action.kind) {
    case 'batch':
    case 'blobs':
      return [submittedLog(batchInboxAddress, counts.submissions++)]
    case 'impostor':
      return [submittedLog(action.as === 'emitter' ? address('ee') : batchInboxAddress, counts.submissions++)]
    case 'deposit':
      return depositLogs(portal, action, counts.deposits++)
    case 'output': {
      const { outputRoot, l2BlockNumber } = action
      if (l2BlockNumber <= (counts.outputs.at(-1) ?? 0n)) return []
      const args = { outputRoot, l2OutputIndex: BigInt(counts.outputs.length), l2BlockNumber }
      counts.outputs = [...counts.outputs, l2BlockNumber]
      const topics = encodeEventTopics({ abi: outputOracleAbi, eventName: 'OutputProposed', args }) as Hex[]
      return [{ address: oracle, topics, data: encodeAbiParameters([{ type: 'uint256' }], [timestamp]) }]
    }
    case 'deleteOutputs': {
      const before = BigInt(counts.outputs.length)
      if (action.newLength >= before) return []
      const args = { prevNextOutputIndex: before, newNextOutputIndex: action.newLength }
      counts.outputs = counts.outputs.slice(0, Number(action.newLength))
      const topics = encodeEventTopics({ abi: outputOracleAbi, eventName: 'OutputsDeleted', args }) as Hex[]
      return [{ address: oracle, topics, data: '0x' }]
    }
  }
}

function submittedLog(emitter: Address, index: bigint): BareLog {
  const topics = encodeEventTopics({
    abi: batchInboxAbi,
    eventName: 'BatchSubmitted',
    args: { index },
  }) as Hex[]
  return { address: emitter, topics, data: twoWords }
}

function depositLogs(
  portal: Address,
  { from, data }: { from: Address; data: Uint8Array },
  index: bigint,
): BareLog[] {
  // mint ‖ value ‖ gas limit ‖ is creation ‖ data
  const opaqueData: Hex = `0x${'00'.repeat(64)}00000000000f424000${toHex(data).slice(2)}`
  const args = { from, to: KEYSTORE_ADDRESS, version: 0n }
  const deposited = encodeEventTopics({
    abi: keystorePortalAbi,
    eventName: 'TransactionDeposited',
    args,
  }) as Hex[]
  const recorded = encodeEventTopics({
    abi: keystorePortalAbi,
    eventName: 'DepositRecorded',
    args: { index },
  }) as Hex[]
  return [
    { address: portal, topics: deposited, data: encodeAbiParameters([{ type: 'bytes' }], [opaqueData]) },
    { address: portal, topics: recorded, data: hashOf(`deposit chain ${index}`) },
  ]
}

function transactionOf(action: FakeL1Action, name: string, blobs: Map<Hex, Uint8Array>): L1Transaction {
  const isBatch = action.kind === 'batch' || action.kind === 'impostor'
  const versionedHashes = action.kind === 'blobs' ? action.blobs.map(keccakHex) : []
  if (action.kind === 'blobs') {
    action.blobs.forEach((blob, i) => {
      blobs.set(versionedHashes[i] as Hex, blob)
    })
  }
  const { batchInboxAddress } = FAKE_L1_ADDRESSES
  const isToInbox =
    action.kind === 'batch' ||
    action.kind === 'blobs' ||
    (action.kind === 'impostor' && action.as === 'emitter')
  const input = isBatch ? action.data : new Uint8Array()
  return {
    hash: hashOf(`transaction ${name} ${toHex(input)} ${versionedHashes}`),
    type: versionedHashes.length > 0 ? 3 : 2,
    to: isToInbox ? batchInboxAddress : address('ee'),
    input,
    blobVersionedHashes: versionedHashes,
    raw: new Uint8Array(),
  }
}

const twoWords: Hex = `0x${'00'.repeat(64)}`

function address(byte: string): Address {
  return `0x${byte.repeat(20)}`
}

function hashOf(name: string): Hex {
  return keccakHex(new TextEncoder().encode(name))
}
