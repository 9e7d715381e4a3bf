import { type Address, type Hex, numberToHex, serializeTransaction, toRlp } from 'viem'
import type { Http, Kzg, L1Header } from '../node/index.ts'
import {
  fromHex,
  keccakHex,
  logsToBloom,
  orderedTrieRoot,
  sha256,
  toHex,
  ZERO_HASH,
} from '../protocol/index.ts'
import {
  type BareLog,
  type Counts,
  FAKE_L1_ADDRESSES,
  type FakeL1,
  type FakeL1Action,
  logsOf,
} from './FakeL1.ts'
import { httpOf } from './httpOf.ts'

type Json = Readonly<Record<string, unknown>>

/** What a node of a hashed L1 is asked: a JSON-RPC method, or the path of a beacon API without its last part, which is `params[0]`. */
export type L1Question = { host: string; method: string; params: readonly unknown[] }

/**
 * Alters what the node at `host` answers: a JSON value in place of the truth, undefined for a method or thing it does not have, a
 * whole `Response`, or an error that is thrown for a connection that fails.
 */
export type L1Lie = (question: L1Question, truth: unknown) => unknown

/**
 * An L1 in memory whose headers, receipts, transactions and blobs have their real hashes, for the real `createL1Client`:
 *
 * ```ts
 * const l1 = createHashedL1({ chainId: 31_337n, number: 100n, timestamp: 1_700_000_000n })
 * const urls = ['http://rpc1', 'http://rpc2', 'http://rpc3']
 * const beaconUrls = ['http://beacon1']
 * const client = createL1Client({ urls, beaconUrls, quorum: 2, http: l1.http, kzg: createHashKzg(), retryPauseMs: 0 })
 * l1.lie = ({ host, method }, truth) => (host === 'rpc1' && method === 'eth_chainId' ? '0x1' : truth)
 * ```
 *
 * Every host whose name begins with `beacon` is a beacon node, every other one an execution node.
 */
export interface HashedL1 extends Pick<FakeL1, 'head' | 'mine' | 'takeBack' | 'finalize'> {
  readonly http: Http
  /** Undefined while all nodes are honest. */
  lie: L1Lie | undefined
  /** Answers a question as an honest node does. */
  answer(question: L1Question): unknown
}

/** A block, as both layers of L1 tell it. */
type HashedBlock = Counts & {
  header: L1Header
  json: Json
  transactions: readonly Json[]
  receipts: readonly Json[]
  blobs: readonly Uint8Array[]
  beaconRoot: Hex
}

/** A slot is a second, so that each block has its own. */
const SECONDS_PER_SLOT = 1n
const GAS_PER_TRANSACTION = 21_000n

/** What headers and beacon blocks look like, by the fork's name on the consensus layer. */
type Layout = 'fulu' | 'gloas'

/** Makes a hashed L1 whose only block is `number`, mined at `timestamp`, which is slot 0. */
export function createHashedL1({
  chainId,
  number,
  timestamp,
  fork: layout = 'fulu',
}: {
  chainId: bigint
  number: bigint
  timestamp: bigint
  /** Gloas takes the execution payload out of the beacon block; Amsterdam, its other half, appends two fields to the header. */
  fork?: Layout
}): HashedL1 {
  let fork = 0
  let finalized = number
  const genesis = seal({ chainId, number, timestamp, layout, fork, actions: [], parent: undefined })
  let chain: readonly HashedBlock[] = [genesis]
  /** Everything ever mined, as a node keeps side chains for a while. */
  const known = new Map<Hex, HashedBlock>([[genesis.header.hash, genesis]])
  const head = () => chain.at(-1) as HashedBlock
  const at = (wanted: bigint) => (wanted < number ? undefined : chain[Number(wanted - number)])

  function byTag(tag: unknown): HashedBlock | undefined {
    if (tag === 'latest') return head()
    if (tag === 'safe' || tag === 'finalized') return at(finalized)
    return at(BigInt(String(tag)))
  }

  function answerRpc({ method, params: [first, second] }: L1Question): unknown {
    const block = method.endsWith('ByNumber') ? byTag(first) : known.get(first as Hex)
    switch (method) {
      case 'eth_chainId':
        return numberToHex(chainId)
      case 'eth_blockNumber':
        return numberToHex(head().header.number)
      case 'eth_getBlockByNumber':
      case 'eth_getBlockByHash':
        if (block === undefined) return null
        return second === true ? { ...block.json, transactions: block.transactions } : block.json
      case 'eth_getBlockReceipts':
        return block?.receipts ?? null
      case 'eth_getTransactionReceipt':
        return (
          chain.flatMap(({ receipts }) => receipts).find((each) => each.transactionHash === first) ?? null
        )
      default:
        return undefined
    }
  }

  function beaconBlock(id: unknown): HashedBlock | undefined {
    if (id === 'head') return head()
    if (id === 'genesis') return chain[0]
    if (id === 'finalized') return at(finalized)
    if (/^[0-9]+$/.test(String(id))) {
      return chain.find(({ header }) => slotOf(header) === BigInt(String(id)))
    }
    return chain.find(({ beaconRoot }) => beaconRoot === id)
  }

  const slotOf = (header: L1Header) => (header.timestamp - timestamp) / SECONDS_PER_SLOT

  function answerBeacon({ method, params: [id] }: L1Question): unknown {
    if (method === '/eth/v1/beacon' && id === 'genesis') return { data: { genesis_time: `${timestamp}` } }
    if (method === '/eth/v1/config' && id === 'spec') {
      return { data: { SECONDS_PER_SLOT: `${SECONDS_PER_SLOT}`, DEPOSIT_CHAIN_ID: `${chainId}` } }
    }
    if (method === '/eth/v1/beacon/states/head') {
      const root = at(finalized)?.beaconRoot
      return { data: { current_justified: { epoch: '0', root }, finalized: { epoch: '0', root } } }
    }
    const block = beaconBlock(id)
    if (block === undefined) return undefined
    const { blobs, header } = block
    switch (method) {
      case '/eth/v1/beacon/headers':
        return { data: { root: block.beaconRoot } }
      case '/eth/v1/beacon/blobs':
        return { data: blobs.map(toHex) }
      case '/eth/v1/beacon/blob_sidecars':
        return { data: blobs.map((blob, index) => ({ index: `${index}`, blob: toHex(blob) })) }
      case '/eth/v1/beacon/blinded_blocks':
        return layout === 'fulu' ? context(block, 'execution_payload_header') : undefined
      case '/eth/v2/beacon/blocks':
        return context(block, 'execution_payload')
      default:
        return undefined
    }

    function context({ beaconRoot }: HashedBlock, payload: string) {
      const { hash: block_hash, parentHash: parent_block_hash } = header
      const body =
        layout === 'fulu'
          ? { [payload]: { block_hash } }
          : { signed_execution_payload_bid: { message: { block_hash, parent_block_hash } } }
      const message = { slot: `${slotOf(header)}`, state_root: beaconRoot, body }
      const finality = { execution_optimistic: false, finalized: header.number <= finalized }
      return { version: layout, ...finality, data: { message } }
    }
  }

  const l1: HashedL1 = {
    lie: undefined,
    answer: (question) => (isBeacon(question) ? answerBeacon(question) : answerRpc(question)),
    http: httpOf(async (url, posted) => {
      const { host, pathname } = new URL(url)
      if (isBeacon({ host })) {
        const cut = pathname.lastIndexOf('/')
        const question = { host, method: pathname.slice(0, cut), params: [pathname.slice(cut + 1)] }
        const body = await told(question)
        if (body instanceof Response) return body
        return body === undefined ? new Response('{"code":404}', { status: 404 }) : Response.json(body)
      }
      const { id, method, params } = JSON.parse(posted ?? '') as { id: number } & L1Question
      const question = { host, method, params }
      const result = await told(question)
      if (result instanceof Response) return result
      const error = { code: -32601, message: 'the method does not exist' }
      return Response.json({ jsonrpc: '2.0', id, ...(result === undefined ? { error } : { result }) })
    }),
    head: () => head().header,
    mine(actions = [], seconds = 12n) {
      const parent = head()
      const block = seal({
        chainId,
        number: parent.header.number + 1n,
        timestamp: parent.header.timestamp + seconds,
        layout,
        fork,
        actions,
        parent,
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

  async function told(question: L1Question): Promise<unknown> {
    const truth = l1.answer(question)
    return l1.lie === undefined ? truth : await l1.lie(question, truth)
  }

  return l1
}

/** Tells whether a question is for a beacon node. */
export function isBeacon({ host }: Pick<L1Question, 'host'>): boolean {
  return host.startsWith('beacon')
}

/** Makes a KZG whose versioned hashes come from keccak: as binding as the real one, and ready at once. */
export function createHashKzg(): Pick<Kzg, 'versionedHash' | 'commitment' | 'close'> {
  return {
    versionedHash: async (blob) => versionedHashOf(blob),
    // Nobody can claim one: this L1 names no commitments.
    commitment: async () => undefined,
    close: async () => undefined,
  }
}

function versionedHashOf(blob: Uint8Array): Hex {
  return `0x01${keccakHex(blob).slice(4)}`
}

function seal({
  chainId,
  number,
  timestamp,
  layout,
  fork,
  actions,
  parent,
}: {
  chainId: bigint
  number: bigint
  timestamp: bigint
  layout: Layout
  fork: number
  actions: readonly FakeL1Action[]
  parent: HashedBlock | undefined
}): HashedBlock {
  const counts: Counts = {
    submissions: parent?.submissions ?? 0n,
    deposits: parent?.deposits ?? 0n,
    outputs: parent?.outputs ?? [],
  }
  const executed = actions.map((action, index) => {
    const logs = logsOf(action, counts, timestamp)
    const isReverted = action.kind === 'batch' && action.reverts === true
    const signer = keccakHex(new TextEncoder().encode(`${number} ${fork} ${index}`))
    return { ...transactionOf(action, chainId, signer), logs, status: isReverted ? 0 : 1 } as const
  })
  const receipts = executed.map((each, index) => receiptOf(each, BigInt(index + 1) * GAS_PER_TRANSACTION))
  const logsBloom = logsToBloom(executed.flatMap(({ logs }) => logs))
  const parentHash = parent?.header.hash ?? ZERO_HASH
  const parentBeaconBlockRoot = parent?.beaconRoot ?? ZERO_HASH
  const transactionsRoot = orderedTrieRoot(executed.map(({ raw }) => fromHex(raw)))
  const receiptsRoot = orderedTrieRoot(receipts.map(({ raw }) => fromHex(raw)))
  const mixHash = keccakHex(new TextEncoder().encode(`randao ${number} ${fork}`))
  const json = {
    parentHash,
    sha3Uncles: EMPTY_UNCLES,
    miner: ZERO_ADDRESS,
    stateRoot: ZERO_HASH,
    transactionsRoot,
    receiptsRoot,
    logsBloom,
    difficulty: '0x0',
    number: numberToHex(number),
    gasLimit: '0x3938700',
    gasUsed: numberToHex(BigInt(executed.length) * GAS_PER_TRANSACTION),
    timestamp: numberToHex(timestamp),
    extraData: '0x',
    mixHash,
    nonce: '0x0000000000000000',
    baseFeePerGas: '0x1',
    withdrawalsRoot: EMPTY_TRIE_ROOT,
    blobGasUsed: '0x0',
    excessBlobGas: '0x0',
    parentBeaconBlockRoot,
    requestsHash: toHex(sha256(new Uint8Array())),
    ...(layout === 'gloas' && {
      blockAccessListHash: keccakHex(new TextEncoder().encode(`accesses ${number} ${fork}`)),
      slotNumber: numberToHex(number),
    }),
  } as const
  const hash = keccakHex(
    fromHex(toRlp(Object.values(json).map((value) => (value === '0x0' ? '0x' : evenHex(value))))),
  )
  const place = { blockHash: hash, blockNumber: json.number }
  let logIndex = 0
  return {
    ...counts,
    header: {
      number,
      hash,
      parentHash,
      timestamp,
      stateRoot: ZERO_HASH,
      transactionsRoot,
      receiptsRoot,
      logsBloom,
      mixHash,
      baseFeePerGas: 1n,
      parentBeaconBlockRoot,
    },
    json: {
      hash,
      ...json,
      transactions: executed.map((each) => each.json.hash),
      uncles: [],
      withdrawals: [],
    },
    transactions: executed.map((each, i) => ({ ...each.json, ...place, transactionIndex: numberToHex(i) })),
    receipts: executed.map(({ logs, json: { hash: transactionHash, type } }, i) => ({
      ...place,
      ...receipts[i]?.json,
      type,
      transactionHash,
      transactionIndex: numberToHex(i),
      logs: logs.map((log) => ({
        ...log,
        ...place,
        transactionHash,
        transactionIndex: numberToHex(i),
        logIndex: numberToHex(logIndex++),
        removed: false,
      })),
    })),
    blobs: actions.flatMap((action) => (action.kind === 'blobs' ? action.blobs : [])),
    beaconRoot: keccakHex(new TextEncoder().encode(`beacon block of ${hash}`)),
  }
}

const ZERO_ADDRESS: Address = `0x${'00'.repeat(20)}`
const EMPTY_UNCLES: Hex = '0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347'
const EMPTY_TRIE_ROOT: Hex = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421'

function transactionOf(
  action: FakeL1Action,
  chainId: bigint,
  signer: Hex,
): { json: Json & { hash: Hex; type: Hex }; raw: Hex } {
  const isToInbox =
    action.kind === 'batch' ||
    action.kind === 'blobs' ||
    (action.kind === 'impostor' && action.as === 'emitter')
  const to: Address = isToInbox ? FAKE_L1_ADDRESSES.batchInboxAddress : `0x${'ee'.repeat(20)}`
  const input = action.kind === 'batch' || action.kind === 'impostor' ? toHex(action.data) : '0x'
  const blobVersionedHashes = action.kind === 'blobs' ? action.blobs.map(versionedHashOf) : []
  const signature = { r: signer, s: signer, yParity: 0 }
  const common = {
    chainId: Number(chainId),
    nonce: 0,
    maxPriorityFeePerGas: 1n,
    maxFeePerGas: 2n,
    gas: 1_000_000n,
    to,
    value: 0n,
    data: input,
  }
  const raw =
    blobVersionedHashes.length > 0
      ? serializeTransaction(
          { type: 'eip4844', ...common, maxFeePerBlobGas: 1n, blobVersionedHashes },
          signature,
        )
      : serializeTransaction({ type: 'eip1559', ...common }, signature)
  const json = {
    hash: keccakHex(fromHex(raw)),
    type: blobVersionedHashes.length > 0 ? '0x3' : '0x2',
    chainId: numberToHex(chainId),
    nonce: '0x0',
    maxPriorityFeePerGas: '0x1',
    maxFeePerGas: '0x2',
    gas: numberToHex(common.gas),
    to,
    value: '0x0',
    input,
    accessList: [],
    ...(blobVersionedHashes.length > 0 && { maxFeePerBlobGas: '0x1', blobVersionedHashes }),
    r: signer,
    s: signer,
    yParity: '0x0',
    v: '0x0',
  } as const
  return { json, raw }
}

type Executed = { json: { type: Hex }; logs: readonly BareLog[]; status: 0 | 1 }

function receiptOf(
  { json: { type }, logs, status }: Executed,
  cumulativeGas: bigint,
): { json: Json; raw: Hex } {
  const logsBloom = logsToBloom(logs)
  const cumulativeGasUsed = numberToHex(cumulativeGas)
  const payload = toRlp([
    status === 1 ? '0x01' : '0x',
    evenHex(cumulativeGasUsed),
    logsBloom,
    logs.map(({ address, topics, data }) => [address, [...topics], data]),
  ])
  return {
    json: { status: status === 1 ? '0x1' : '0x0', cumulativeGasUsed, logsBloom },
    raw: `${evenHex(type)}${payload.slice(2)}`,
  }
}

/** Writes a quantity as bytes. */
function evenHex(value: Hex): Hex {
  return value.length % 2 === 0 ? value : `0x0${value.slice(2)}`
}
