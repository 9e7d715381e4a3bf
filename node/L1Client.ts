import type { Address, Hex } from 'viem'
import { bloomMayHold } from '../protocol/index.ts'
import { type Beacon, createBeacon } from './Beacon.ts'
import { createEndableFetch, type Fetch } from './EndableFetch.ts'
import { CriticalFault, ResetFault, TemporaryFault } from './Fault.ts'
import { createKzg, type Kzg } from './Kzg.ts'
import { type L1Header, l1HeaderFromJson } from './L1Header.ts'
import { type L1Receipt, l1ReceiptsFromJson } from './L1Receipt.ts'
import { createL1Rpc, RefusedAnswerError } from './L1Rpc.ts'
import { type L1Transaction, l1TransactionsFromJson } from './L1Transaction.ts'
import { createLruCache } from './LruCache.ts'
import type { Metrics } from './Metrics.ts'

/** Names an L1 block by what L1 says of it. */
export type L1Tag = 'latest' | 'safe' | 'finalized'

/**
 * Reads L1 and believes nothing that a hash can check: whoever trusts a header's hash may trust all else.
 *
 * Every method throws `TemporaryFault` when L1 gives no good answer after a few attempts.
 */
export interface L1Client {
  chainId(): Promise<bigint>
  /**
   * Makes sure that every L1 node that answers serves this chain.
   *
   * @throws {CriticalFault} when one serves another.
   */
  assertChainId(expected: bigint): Promise<void>
  /** Reads the header at a number or tag; undefined when L1 has none there (yet). */
  header(numberOrTag: bigint | L1Tag): Promise<L1Header | undefined>
  /** Reads a header by hash; undefined when L1 does not know it. */
  headerByHash(hash: Hex): Promise<L1Header | undefined>
  /**
   * Reads all transactions of a block.
   *
   * @throws {ResetFault} when L1 no longer knows the block.
   */
  transactions(header: L1Header): Promise<readonly L1Transaction[]>
  /**
   * Reads all receipts of a block, in the order of its transactions.
   *
   * @throws {ResetFault} when L1 no longer knows the block.
   */
  receipts(header: L1Header): Promise<readonly L1Receipt[]>
  /** Tells by the header's bloom alone whether the block may hold logs of any of the addresses; false is certain. */
  mayHaveLogs(header: L1Header, addresses: readonly Address[]): boolean
  /**
   * Reads the blobs with these versioned hashes, in this order.
   *
   * @throws {CriticalFault} when no beacon URL was configured.
   */
  blobs(header: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]>
  close(): Promise<void>
}

/** What `createL1Client` is made of. */
export type L1ClientOptions = {
  urls: readonly string[]
  /** REST APIs of beacon nodes; needed once batches come in blobs. */
  beaconUrls?: readonly string[]
  /** How many of the nodes must name the same header at a number or tag; 1 believes the first that answers. */
  quorum?: number
  metrics?: Metrics
  /** Ends every request when it aborts; what is asked after that fails at once. */
  signal?: AbortSignal
  /** Shared by clients of one process; by default the client makes its own and closes it. */
  kzg?: Pick<Kzg, 'versionedHash' | 'close'>
  /** What requests are made with; the global `fetch` by default. */
  fetchFn?: Fetch
  /** Pause before a question that no node answered is asked again, in milliseconds; it doubles with each round. */
  retryPauseMs?: number
}

const CACHED_HEADERS = 4_096

/** Makes a client of one or more L1 nodes and, where given, a beacon node. */
export function createL1Client(options: L1ClientOptions): L1Client {
  const { urls, beaconUrls: [beaconUrl] = [], quorum = 1, metrics, signal, kzg = createKzg() } = options
  const fetchFn = createEndableFetch({ signal, ...(options.fetchFn && { fetchFn: options.fetchFn }) })
  const rpc = createL1Rpc({ urls, metrics, fetchFn, pauseMs: options.retryPauseMs })
  const beacon: Beacon | undefined =
    beaconUrl === undefined ? undefined : createBeacon(beaconUrl, kzg, fetchFn)
  const headers = createLruCache<Hex, L1Header>(CACHED_HEADERS)
  if (quorum > urls.length) {
    throw new CriticalFault(`got ${urls.length} L1 URLs, expected at least ${quorum}, the quorum`)
  }

  function remember(header: L1Header | undefined): L1Header | undefined {
    if (header !== undefined) headers.set(header.hash, header)
    return header
  }

  async function header(numberOrTag: bigint | L1Tag): Promise<L1Header | undefined> {
    if (typeof numberOrTag === 'bigint') return remember(await headerAt(numberOrTag))
    const params = [numberOrTag, false]
    if (quorum === 1) return remember(await rpc.request('eth_getBlockByNumber', params, l1HeaderFromJson))
    // Honest nodes lag by some blocks: agree on the highest block that enough of them have reached.
    const { found, absent } = await rpc.requestAll('eth_getBlockByNumber', params, l1HeaderFromJson)
    const answers = found.length + absent
    if (answers < quorum) {
      throw new TemporaryFault(`${answers} of ${rpc.count} L1 nodes answered, expected at least ${quorum}`)
    }
    const numbers = found.map(({ number }) => number).sort((a, b) => (a < b ? 1 : -1))
    const number = numbers[quorum - 1]
    return number === undefined ? undefined : remember(await headerAt(number))
  }

  async function headerAt(number: bigint): Promise<L1Header | undefined> {
    const read = (json: unknown) => {
      const found = l1HeaderFromJson(json)
      if (found.number === number) return found
      throw new RefusedAnswerError(`got L1 block ${found.number}, asked for ${number}`)
    }
    const params = [toQuantity(number), false]
    if (quorum === 1) return rpc.request('eth_getBlockByNumber', params, read)
    const { found, absent } = await rpc.requestAll('eth_getBlockByNumber', params, read)
    const agreed = found.find(({ hash }) => found.filter((other) => other.hash === hash).length >= quorum)
    if (agreed !== undefined || absent >= quorum) return agreed
    throw new TemporaryFault(`fewer than ${quorum} of ${rpc.count} L1 nodes agree on block ${number}`)
  }

  async function headerByHash(hash: Hex): Promise<L1Header | undefined> {
    const read = (json: unknown) => {
      const found = l1HeaderFromJson(json)
      if (found.hash === hash) return found
      throw new RefusedAnswerError(`got L1 block ${found.hash}, asked for ${hash}`)
    }
    return headers.get(hash) ?? remember(await rpc.request('eth_getBlockByHash', [hash, false], read))
  }

  async function transactions(of: L1Header): Promise<readonly L1Transaction[]> {
    const read = (json: unknown) => l1TransactionsFromJson(of, json)
    return (await rpc.request('eth_getBlockByHash', [of.hash, true], read)) ?? gone(of)
  }

  async function receipts(of: L1Header): Promise<readonly L1Receipt[]> {
    const read = (json: unknown) => l1ReceiptsFromJson(of, json)
    try {
      return (await rpc.request('eth_getBlockReceipts', [of.hash], read)) ?? gone(of)
    } catch (fault) {
      if (!(fault instanceof TemporaryFault)) throw fault
      // Not every node has eth_getBlockReceipts.
      return await receiptsOneByOne(of)
    }
  }

  async function receiptsOneByOne(of: L1Header): Promise<readonly L1Receipt[]> {
    const asked = (await transactions(of)).map(({ hash }) =>
      rpc.request('eth_getTransactionReceipt', [hash], (json) => json),
    )
    const found = await Promise.all(asked)
    if (found.includes(undefined)) return gone(of)
    try {
      return l1ReceiptsFromJson(of, found)
    } catch (cause) {
      throw new TemporaryFault(`L1 gave wrong receipts for block ${of.hash}`, { cause })
    }
  }

  async function assertChainId(expected: bigint): Promise<void> {
    const { found: ids } = await rpc.requestAll('eth_chainId', [], readQuantity)
    if (ids.length === 0) throw new TemporaryFault('no L1 node answered eth_chainId')
    const other = ids.find((id) => id !== expected)
    if (other === undefined) return
    throw new CriticalFault(`got an L1 node of chain ${other}, expected ${expected}: check the L1 URL`)
  }

  return {
    chainId: async () =>
      (await rpc.request('eth_chainId', [], readQuantity)) ?? fail('L1 does not say which chain it is'),
    assertChainId,
    header,
    headerByHash,
    transactions,
    receipts,
    mayHaveLogs: ({ logsBloom }, addresses) => addresses.some((address) => bloomMayHold(logsBloom, address)),
    async blobs(of, versionedHashes) {
      if (beacon === undefined) {
        throw new CriticalFault('a batch is in blobs, and no beacon URL is configured to read them from')
      }
      return beacon.blobs(of, versionedHashes)
    },
    async close() {
      if (options.kzg === undefined) await kzg.close()
    },
  }
}

function readQuantity(json: unknown): bigint {
  if (typeof json === 'string' && /^0x[0-9a-fA-F]{1,16}$/.test(json)) return BigInt(json)
  throw new RefusedAnswerError('got something else than a hex quantity from L1')
}

function toQuantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}

function gone({ number, hash }: L1Header): never {
  throw new ResetFault(`L1 no longer has block ${number} ${hash}`)
}

function fail(message: string): never {
  throw new TemporaryFault(message)
}
