import {
  type Address,
  encodeAbiParameters,
  encodePacked,
  type Hex,
  keccak256,
  numberToHex,
  padHex,
} from 'viem'
import { type L1Client, type L1Header, type L1Receipt, TemporaryFault } from '../node/index.ts'
import {
  DEPOSIT_RECORDED_TOPIC,
  KEYSTORE_ADDRESS,
  type RollupConfig,
  TRANSACTION_DEPOSITED_TOPIC,
  toHex,
  ZERO_HASH,
} from '../protocol/index.ts'

/** The part of L1 that a builder reads: headers, and deposits in receipts. */
export interface FakeL1Chain extends Pick<L1Client, 'header' | 'headerByHash' | 'mayHaveLogs' | 'receipts'> {
  isDown: boolean
  head(): L1Header
  /** Appends a block `seconds` later, with these set-configs as deposits. */
  mine(options?: { seconds?: bigint; deposits?: readonly Uint8Array[] }): L1Header
  /** Drops the newest blocks; what is mined then has other hashes. */
  reorg(depth: number): void
}

const BLOCK_SECONDS = 4n

/** Makes an L1 whose first block is the rollup's genesis origin. */
export function createFakeL1Chain({ genesis, depositContractAddress }: RollupConfig): FakeL1Chain {
  const receiptsOf = new Map<Hex, readonly L1Receipt[]>()
  let fork = 0
  let depositCount = 0n
  let blocks = [headerOf(genesis.l1.number, genesis.l1.hash, ZERO_HASH, genesis.l2Time)]
  const known = [...blocks]
  const head = () => blocks.at(-1) as L1Header

  function answer<T>(value: () => T): Promise<T> {
    return chain.isDown ? Promise.reject(new TemporaryFault('the fake L1 is down')) : Promise.resolve(value())
  }

  const chain: FakeL1Chain = {
    isDown: false,
    head,
    mine({ seconds = BLOCK_SECONDS, deposits = [] } = {}) {
      const parent = head()
      const number = parent.number + 1n
      const hash = keccak256(encodePacked(['bytes32', 'uint256'], [parent.hash, BigInt(fork)]))
      const header = headerOf(number, hash, parent.hash, parent.timestamp + seconds)
      blocks.push(header)
      known.push(header)
      const logs = deposits.flatMap((raw) => depositLogs(depositContractAddress, depositCount++, raw))
      receiptsOf.set(hash, [{ type: 2, status: 1, cumulativeGasUsed: 21_000n, logsBloom: '0x', logs }])
      return header
    },
    reorg(depth) {
      fork++
      blocks = blocks.slice(0, -depth)
    },
    header: (at) =>
      answer(() =>
        typeof at === 'bigint'
          ? blocks.find(({ number }) => number === at)
          : at === 'latest'
            ? head()
            : blocks[0],
      ),
    headerByHash: (hash) => answer(() => known.find((header) => header.hash === hash)),
    mayHaveLogs: ({ hash }) => (receiptsOf.get(hash) ?? []).some(({ logs }) => logs.length > 0),
    receipts: ({ hash }) => answer(() => receiptsOf.get(hash) ?? []),
  }
  return chain
}

function headerOf(number: bigint, hash: Hex, parentHash: Hex, timestamp: bigint): L1Header {
  return {
    number,
    hash,
    parentHash,
    timestamp,
    stateRoot: ZERO_HASH,
    transactionsRoot: ZERO_HASH,
    receiptsRoot: ZERO_HASH,
    logsBloom: '0x',
    mixHash: ZERO_HASH,
    baseFeePerGas: 1n,
    parentBeaconBlockRoot: ZERO_HASH,
  }
}

function depositLogs(portal: Address, index: bigint, raw: Uint8Array) {
  const opaque = encodePacked(
    ['uint256', 'uint256', 'uint64', 'bool', 'bytes'],
    [0n, 0n, 1_000_000n, false, toHex(raw)],
  )
  const place = { address: portal, logIndex: 0, transactionIndex: 0 }
  return [
    {
      ...place,
      topics: [TRANSACTION_DEPOSITED_TOPIC, padHex(portal), padHex(KEYSTORE_ADDRESS), ZERO_HASH],
      data: encodeAbiParameters([{ type: 'bytes' }], [opaque]),
    },
    {
      ...place,
      topics: [DEPOSIT_RECORDED_TOPIC, numberToHex(index, { size: 32 })],
      data: encodeAbiParameters([{ type: 'bytes32' }], [ZERO_HASH]),
    },
  ]
}
