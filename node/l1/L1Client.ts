import type { Address, Hex } from 'viem'
import { bloomMayHold } from '../../protocol/index.ts'
import { CriticalFault, ResetFault, TemporaryFault } from '../Fault.ts'
import type { Logger } from '../Logger.ts'
import { createLruCache } from '../LruCache.ts'
import type { Metrics } from '../Metrics.ts'
import { createBeacon } from './Beacon.ts'
import { createHttp, type Http } from './Http.ts'
import { createKzg, type Kzg } from './Kzg.ts'
import { type L1Header, l1HeaderFromJson } from './L1Header.ts'
import {
  checkReceipts,
  type L1Receipt,
  l1ReceiptsFromJson,
  receiptFromJson,
  type ToldReceipt,
} from './L1Receipt.ts'
import { createL1Rpc } from './L1Rpc.ts'
import { type L1Transaction, l1TransactionsFromJson } from './L1Transaction.ts'
import { GRACE_MS, type L1Tag, type L1Trust, trustBeacon, trustFirst, trustQuorum } from './L1Trust.ts'
import { hexField, toObject } from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

export type { L1Tag } from './L1Trust.ts'

/**
 * Reads L1 and believes nothing that a hash can check: whoever trusts a header's hash may trust all else.
 *
 * Headers by number come from the chain that leads to the newest head it has seen, so that two calls never mix two forks; a tag, or
 * a number beyond that head, makes it look for a newer one. Which head to believe is decided by `trust` and `quorum`.
 *
 * Every method throws `TemporaryFault` when L1 gives no good answer after a few attempts.
 */
export interface L1Client {
  chainId(): Promise<bigint>
  /**
   * Makes sure that L1 is this chain.
   *
   * @throws {CriticalFault} when those who are trusted serve another.
   */
  assertChainId(expected: bigint): Promise<void>
  /** Reads the header at a number or tag; undefined when L1 has none there (yet). */
  header(numberOrTag: bigint | L1Tag): Promise<L1Header | undefined>
  /** Reads a header by hash, canonical or not; undefined when L1 does not know it. */
  headerByHash(hash: Hex): Promise<L1Header | undefined>
  /**
   * Reads all transactions of a block.
   *
   * @throws {ResetFault} when L1 has another block in its place.
   */
  transactions(header: L1Header): Promise<readonly L1Transaction[]>
  /**
   * Reads all receipts of a block, in the order of its transactions.
   *
   * @throws {ResetFault} when L1 has another block in its place.
   */
  receipts(header: L1Header): Promise<readonly L1Receipt[]>
  /** Tells by the header's bloom alone whether the block may hold logs of any of the addresses; false is certain. */
  mayHaveLogs(header: L1Header, addresses: readonly Address[]): boolean
  /**
   * Reads the blobs with these versioned hashes, in this order; the details of a `TemporaryFault` tell what is missing.
   *
   * @throws {ResetFault} when they are missing and L1 has another block in this one's place.
   */
  blobs(header: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]>
  close(): Promise<void>
}

/** Whose word it is what L1's blocks are: the execution nodes', or the beacon nodes'. */
export type L1TrustSource = 'rpc' | 'beacon'

/** What `createL1Client` is made of. */
export type L1ClientOptions = {
  urls: readonly string[]
  /** REST APIs of beacon nodes; needed once batches come in blobs, or as those who are trusted. */
  beaconUrls?: readonly string[]
  /** By default `rpc`. With `beacon` no execution node can change what is derived. */
  trust?: L1TrustSource
  /** How many execution nodes must name the same header, where they are trusted; 1 believes the first that answers. */
  quorum?: number
  metrics?: Metrics
  /** Hears of nodes that fail and come back, by their hosts; nothing else of a URL is logged. */
  logger?: Logger
  /** Ends every request when it aborts; what is asked after that fails at once. */
  signal?: AbortSignal
  /** Shared by clients of one process; by default the client makes its own and closes it. */
  kzg?: Pick<Kzg, 'versionedHash' | 'commitment' | 'close'>
  /** What nodes are asked with; by default what `createHttp` makes. */
  http?: Http
  /** Pause before a question that no node answered is asked again, in milliseconds; it doubles with each round. */
  retryPauseMs?: number
  /** Milliseconds; nodes that failed rest for a while, and are asked last. */
  now?: () => number
}

const CACHED_HEADERS = 4_096
/** So many blocks below the head a header is found by its descendants; deeper ones would take too many steps. */
const WALKED_BLOCKS = 64n
const MIB = 1_048_576
/** A block of at most 10 MiB (EIP-7934) as JSON. */
const MAX_BLOCK_BYTES = 48 * MIB
/** The logs that fill a block's gas, as JSON; where they are longer, receipts are read one by one. */
const MAX_RECEIPTS_BYTES = 96 * MIB
const MAX_RECEIPT_BYTES = 32 * MIB
const MAX_SINGLE_RECEIPTS_BYTES = 256 * MIB
const RECEIPTS_AT_ONCE = 8

/**
 * Makes a client of one or more L1 nodes and, where given, beacon nodes.
 *
 * @throws {CriticalFault} when those who are to be trusted are not there, or the quorum counts one host twice.
 */
export function createL1Client(options: L1ClientOptions): L1Client {
  const { urls, beaconUrls = [], quorum = 1, trust: trusted = 'rpc', metrics, logger, signal } = options
  assertTrustworthy(options)
  const { kzg = createKzg({ logger }), http = createHttp(signal) } = options
  const rpc = createL1Rpc({
    urls,
    metrics,
    logger,
    http,
    signal,
    now: options.now,
    pauseMs: options.retryPauseMs,
  })
  const beacon = createBeacon({ urls: beaconUrls, kzg, http, metrics, logger, signal, now: options.now })
  const trust: L1Trust =
    trusted === 'beacon'
      ? trustBeacon(rpc, beacon, headerByHash)
      : quorum === 1
        ? trustFirst(rpc)
        : trustQuorum(rpc, quorum)
  /** Headers whose fields were hashed; none of them needs to be canonical. */
  const headers = createLruCache<Hex, L1Header>(CACHED_HEADERS)
  let head: L1Header | undefined
  let looking: Promise<L1Header | undefined> | undefined
  const onTheirWay = new Map<Hex, Promise<L1Header | undefined>>()

  function remember(header: L1Header | undefined): L1Header | undefined {
    if (header !== undefined) headers.set(header.hash, header)
    return header
  }

  /** Those who ask while somebody looks get what is seen then. */
  function look(): Promise<L1Header | undefined> {
    looking ??= trust
      .tagged('latest')
      .then((found) => {
        head = remember(found)
        return head
      })
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  async function header(numberOrTag: bigint | L1Tag): Promise<L1Header | undefined> {
    if (numberOrTag === 'latest') return look()
    if (typeof numberOrTag !== 'bigint') return remember(await trust.tagged(numberOrTag))
    const from = head !== undefined && numberOrTag <= head.number ? head : await look()
    if (from === undefined || numberOrTag > from.number) return undefined
    const found = await below(from, numberOrTag).catch((fault: unknown) => {
      // Some nodes call a block that they no longer have an error: who asks again shall not begin from the same head.
      if (head === from) head = undefined
      throw fault
    })
    if (found !== undefined) return found
    // L1 may have taken the known head back, and its nodes have forgotten what stood below it.
    const now = await look()
    if (now === undefined || numberOrTag > now.number) return undefined
    const again = now.hash === from.hash ? undefined : await below(now, numberOrTag)
    if (again !== undefined) return again
    throw new TemporaryFault(`no L1 node gives block ${numberOrTag} below block ${now.number} ${now.hash}`)
  }

  async function below(from: L1Header, number: bigint): Promise<L1Header | undefined> {
    if (from.number - number <= WALKED_BLOCKS) return ancestor(from, number)
    return remember(await trust.numbered(number))
  }

  /** Undefined when no node gives one of the headers in between. */
  async function ancestor(from: L1Header, number: bigint): Promise<L1Header | undefined> {
    let found = from
    while (found.number > number) {
      const parent = await headerByHash(found.parentHash)
      if (parent?.number !== found.number - 1n) return undefined
      found = parent
    }
    return found
  }

  async function headerByHash(hash: Hex): Promise<L1Header | undefined> {
    const known = headers.get(hash)
    if (known !== undefined) return known
    const asked = onTheirWay.get(hash) ?? askByHash(hash).finally(() => onTheirWay.delete(hash))
    onTheirWay.set(hash, asked)
    return await asked
  }

  async function askByHash(hash: Hex): Promise<L1Header | undefined> {
    const read = (json: unknown) => {
      const found = l1HeaderFromJson(json)
      if (found.hash === hash) return found
      throw new RefusedAnswerError(`got L1 block ${found.hash}, asked for ${hash}`)
    }
    const question = { method: 'eth_getBlockByHash', params: [hash, false], read }
    return remember(await rpc.request(question))
  }

  async function transactions(of: L1Header): Promise<readonly L1Transaction[]> {
    const found = await rpc.request({
      method: 'eth_getBlockByHash',
      params: [of.hash, true],
      read: (json) => l1TransactionsFromJson(of, json),
      maxBytes: MAX_BLOCK_BYTES,
    })
    return found ?? absent(of)
  }

  async function receipts(of: L1Header): Promise<readonly L1Receipt[]> {
    try {
      const found = await rpc.request({
        method: 'eth_getBlockReceipts',
        params: [of.hash],
        read: (json) => l1ReceiptsFromJson(of, json),
        maxBytes: MAX_RECEIPTS_BYTES,
      })
      if (found !== undefined) return found
    } catch (fault) {
      if (!(fault instanceof TemporaryFault) || signal?.aborted) throw fault
    }
    // Not every node has eth_getBlockReceipts, or has it for old blocks.
    return await receiptsOneByOne(of)
  }

  /** All from one node: of receipts from several nobody could tell which of them are wrong. */
  async function receiptsOneByOne(of: L1Header): Promise<readonly L1Receipt[]> {
    const hashes = (await transactions(of)).map(({ hash }) => hash)
    const method = 'eth_getTransactionReceipt'
    const found = await rpc.requestOfOne(method, async (ask) => {
      const told: ToldReceipt[] = []
      let total = 0
      const read = (json: unknown, bytes: number) => {
        total += bytes
        if (total > MAX_SINGLE_RECEIPTS_BYTES) {
          throw new RefusedAnswerError(`got more than ${MAX_SINGLE_RECEIPTS_BYTES} bytes of receipts`)
        }
        // Where L1 moved, a node that tells the truth has the transaction in another block.
        const isOther = hexField(toObject(json), 'blockHash', 32) !== of.hash
        return isOther ? undefined : receiptFromJson(json)
      }
      for (let i = 0; i < hashes.length; i += RECEIPTS_AT_ONCE) {
        const some = hashes.slice(i, i + RECEIPTS_AT_ONCE)
        const asked = some.map((hash) => ask({ method, params: [hash], read, maxBytes: MAX_RECEIPT_BYTES }))
        for (const receipt of await Promise.all(asked)) {
          if (receipt === undefined) return undefined
          told.push(receipt)
        }
      }
      return checkReceipts(of, told)
    })
    return found ?? absent(of)
  }

  /** A block that no node gives is gone only when there is another in its place: nodes lag behind one another, and prune. */
  async function absent(of: L1Header): Promise<never> {
    await assertStanding(of)
    throw new TemporaryFault(
      `no L1 node gives all of block ${of.number} ${of.hash}: they lag, or have pruned it`,
    )
  }

  /** Nodes need not keep what belongs to a block that was taken back: to wait for it would be to wait for ever. */
  async function assertStanding(of: L1Header): Promise<void> {
    await look()
    const now = await header(of.number)
    if (now === undefined || now.hash === of.hash) return
    throw new ResetFault(`L1 no longer has block ${of.number} ${of.hash}, but ${now.hash}`)
  }

  async function blobs(of: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]> {
    try {
      return await beacon.blobs(of, versionedHashes)
    } catch (fault) {
      if (!(fault instanceof TemporaryFault)) throw fault
      await assertStanding(of).catch((other: unknown) => {
        // Whether it stands may be unknown; what is missing is known.
        if (other instanceof ResetFault) throw other
      })
      throw fault
    }
  }

  async function assertChainId(expected: bigint): Promise<void> {
    const question = { method: 'eth_chainId', params: [], read: readQuantity }
    const { found: ids } = await rpc.requestAll(question, {
      isEnough: ({ found }) => found.length >= quorum,
      graceMs: GRACE_MS,
    })
    const others = ids.filter((id) => id !== expected)
    if (trusted === 'beacon') {
      const id = (await beacon.chainId()) ?? expected
      if (id !== expected) {
        throw new CriticalFault(
          `got a beacon node of chain ${id}, expected ${expected}: check the beacon URL (--l1-beacon)`,
        )
      }
    } else if (others.length >= quorum) {
      throw new CriticalFault(
        `got an L1 node of chain ${others.join(', ')}, expected ${expected}: check the L1 URL`,
      )
    }
    if (ids.length > others.length) return
    throw new TemporaryFault(
      ids.length === 0
        ? 'no L1 node answered eth_chainId'
        : `all L1 nodes that answer are of chain ${others.join(', ')}, expected ${expected}: check the L1 URLs`,
    )
  }

  async function chainId(): Promise<bigint> {
    const found = await rpc.request({ method: 'eth_chainId', params: [], read: readQuantity })
    if (found !== undefined) return found
    throw new TemporaryFault('L1 does not say which chain it is')
  }

  return {
    chainId,
    assertChainId,
    header,
    headerByHash,
    transactions,
    receipts,
    mayHaveLogs: ({ logsBloom }, addresses) => addresses.some((address) => bloomMayHold(logsBloom, address)),
    blobs,
    async close() {
      if (options.kzg === undefined) await kzg.close()
    },
  }
}

function assertTrustworthy({ urls, beaconUrls = [], quorum = 1, trust = 'rpc' }: L1ClientOptions): void {
  if (trust === 'beacon' && beaconUrls.length === 0) {
    throw new CriticalFault(
      'got no beacon URL, expected one with --l1-trust beacon: give it with --l1-beacon',
    )
  }
  if (quorum === 1) return
  if (trust === 'beacon') {
    throw new CriticalFault(
      `got a quorum of ${quorum}, but execution nodes have no vote with --l1-trust beacon`,
    )
  }
  const hosts = urls.map((url) => new URL(url).host)
  const twice = hosts.find((host, i) => hosts.indexOf(host) !== i)
  if (twice !== undefined) {
    throw new CriticalFault(
      `got two L1 URLs of ${twice}, expected one of each: a quorum counts operators, not URLs`,
    )
  }
  if (quorum > urls.length) {
    throw new CriticalFault(`got ${urls.length} L1 URLs, expected at least ${quorum}, the quorum`)
  }
}

function readQuantity(json: unknown): bigint {
  if (typeof json === 'string' && /^0x[0-9a-fA-F]{1,16}$/.test(json)) return BigInt(json)
  throw new RefusedAnswerError('got something else than a hex quantity from L1')
}
