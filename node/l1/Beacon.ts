import type { Hex } from 'viem'
import { TemporaryFault } from '../Fault.ts'
import { createGate } from '../Gate.ts'
import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import { type BeaconNode, type BeaconTag, createBeaconNode, type ServedBlob } from './BeaconNode.ts'
import { createBlobClaimCheck } from './BlobClaims.ts'
import { createEndpoint, type Endpoint } from './Endpoint.ts'
import type { Http } from './Http.ts'
import { commitmentToVersionedHash, type Kzg } from './Kzg.ts'
import type { L1Header } from './L1Header.ts'
import { createNodeOrder } from './NodeOrder.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** Reads from the beacon nodes of L1. */
export interface Beacon {
  /**
   * Reads the blobs with these versioned hashes out of a block, in this order; commitments are recomputed, of one blob after the
   * other or of many at once, and what one node lacks is taken from the next.
   *
   * @throws {TemporaryFault} when all beacon nodes together do not give them all, with what is missing in its details.
   */
  blobs(header: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]>
  /** Says which execution chain the first node that tells belongs to. @throws {TemporaryFault} */
  chainId(): Promise<bigint | undefined>
  /** Believes the first node that answers which execution block a tag means. @throws {TemporaryFault} */
  executionHash(tag: BeaconTag): Promise<Hex | undefined>
  /**
   * Believes the first node that decides whether an execution block stands in its chain; one that no node has does not.
   *
   * @throws {TemporaryFault} when no node answers, or it is not decided yet.
   */
  isCanonical(header: L1Header): Promise<boolean>
}

/** What the client of beacon nodes is made of. */
export type BeaconOptions = {
  urls: readonly string[]
  kzg: Pick<Kzg, 'versionedHash' | 'commitment'>
  http: Http
  metrics?: Metrics | undefined
  logger?: Logger | undefined
  /** When it aborts, no more is asked. */
  signal?: AbortSignal | undefined
  now?: (() => number) | undefined
}

/** The blobs of so many L1 blocks are held at once, checked or not: whoever reads ahead asks for many. */
const BLOCKS_AT_ONCE = 8

/** Makes the client of one or more beacon nodes; those that answer well are asked first. */
export function createBeacon({ urls, kzg, http, metrics, logger, signal, now }: BeaconOptions): Beacon {
  const endpoints = urls.map((url) => createEndpoint(url, http))
  const nodes = endpoints.map(createBeaconNode)
  const gate = createGate(BLOCKS_AT_ONCE)
  const areTrue = createBlobClaimCheck(kzg)
  const order = createNodeOrder({ names: nodes.map(({ name }) => name), logger, now })

  /** Asks the nodes in turn until one gives what is wanted, else gives the last answer; the reasons are in the fault. */
  async function firstOf<T>(
    method: string,
    what: string,
    ask: (node: BeaconNode) => Promise<T>,
    isWanted: (answer: T) => boolean = () => true,
  ): Promise<T> {
    const reasons: string[] = []
    let last: { answer: T } | undefined
    for (const index of order.list()) {
      const node = nodes[index] as BeaconNode
      try {
        const answer = await ask(node)
        metrics?.l1Requests.inc({ node: node.name, method, outcome: 'ok' })
        order.succeeded(index)
        last = { answer }
        if (!isWanted(answer)) continue
        order.prefer(index)
        return answer
      } catch (error) {
        reasons.push(blame(index, method, error))
      }
    }
    if (last !== undefined) return last.answer
    throw new TemporaryFault(`no beacon node ${what} (${reasons.join('; ')})`, { details: { reasons } })
  }

  function blame(index: number, method: string, error: unknown): string {
    if (error instanceof TemporaryFault) throw error
    if (signal?.aborted) throw new TemporaryFault('no more is asked of L1: the process ends')
    const { name, clean } = endpoints[index] as Endpoint
    const outcome = error instanceof RefusedAnswerError ? 'refused' : 'failed'
    metrics?.l1Requests.inc({ node: name, method, outcome })
    const reason = clean(error instanceof Error ? error.message : String(error))
    order.failed(index, `${method}: ${reason}`)
    return `${name}: ${reason}`
  }

  /** Finds the versioned hashes of blobs: all at once where their commitments are given and true, else one by one. */
  async function* checked(served: readonly ServedBlob[]): AsyncGenerator<[Hex, Uint8Array]> {
    const claims = served.flatMap(({ blob, commitment }) => (commitment ? [{ blob, commitment }] : []))
    const isClaimTrue = claims.length > 0 && (await areTrue(claims))
    for (const { blob, commitment } of served) {
      const isKnown = isClaimTrue && commitment !== undefined
      const hash = isKnown ? commitmentToVersionedHash(commitment) : await kzg.versionedHash(blob)
      if (hash !== undefined) yield [hash, blob]
    }
  }

  async function blobs(header: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]> {
    const byHash = new Map<Hex, Uint8Array>()
    const missing = new Set(versionedHashes)
    const reasons: string[] = []
    for (const index of order.list()) {
      if (missing.size === 0) break
      const node = nodes[index] as BeaconNode
      try {
        const before = missing.size
        for await (const [hash, blob] of checked(await node.blobs(header, missing))) {
          if (missing.delete(hash)) byHash.set(hash, blob)
          if (missing.size === 0) break
        }
        if (missing.size > 0) {
          throw new RefusedAnswerError(`has ${before - missing.size} of the ${before} blobs asked for`)
        }
        metrics?.l1Requests.inc({ node: node.name, method: 'blobs', outcome: 'ok' })
        order.prefer(index)
        order.succeeded(index)
      } catch (error) {
        reasons.push(blame(index, 'blobs', error))
      }
    }
    if (missing.size > 0) throw blobsMissing(header, [...missing], reasons)
    return versionedHashes.map((hash) => byHash.get(hash) as Uint8Array)
  }

  return {
    blobs: (header, versionedHashes) => gate(() => blobs(header, versionedHashes)),
    chainId: () =>
      firstOf(
        'spec',
        'says which chain it is of',
        (node) => node.chainId(),
        (id) => id !== undefined,
      ),
    executionHash: (tag) => firstOf('block', `names the ${tag} block`, (node) => node.executionHash(tag)),
    async isCanonical(header) {
      const what = `says whether L1 block ${header.number} ${header.hash} stands`
      const standing = await firstOf(
        'block',
        what,
        (node) => node.standingOf(header),
        (answer) => answer === 'stands' || answer === 'differs',
      )
      if (standing === 'undecided') throw new TemporaryFault(`no beacon node ${what} yet`)
      return standing === 'stands'
    },
  }
}

/** Makes the fault of blobs that nobody serves, which is waited out: to skip them would make another chain. */
function blobsMissing(
  { number, hash }: L1Header,
  missing: readonly Hex[],
  reasons: readonly string[],
): TemporaryFault {
  const why =
    reasons.length === 0 ? 'no beacon URL is configured: give one with --l1-beacon' : reasons.join('; ')
  return new TemporaryFault(`cannot read ${missing.length} blobs of L1 block ${number} ${hash}: ${why}`, {
    details: { reason: 'BLOBS_MISSING', l1Block: Number(number), missing, reasons },
  })
}
