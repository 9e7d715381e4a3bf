import type { Hex } from 'viem'
import { fromHex } from '../protocol/index.ts'
import type { Fetch } from './EndableFetch.ts'
import { TemporaryFault } from './Fault.ts'
import type { Kzg } from './Kzg.ts'
import type { L1Header } from './L1Header.ts'
import { RefusedAnswerError } from './L1Rpc.ts'
import { hexField, type JsonObject, toList, toObject } from './l1Json.ts'

/** Reads blobs from a beacon node. */
export interface Beacon {
  /**
   * Reads the blobs with these versioned hashes out of a block, in this order; commitments are recomputed.
   *
   * @throws {TemporaryFault} when the beacon node does not give them all.
   */
  blobs(header: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]>
}

type Clock = { genesisTime: bigint; secondsPerSlot: bigint }

const BLOB_BYTES = 131_072
const REQUEST_TIMEOUT_MS = 30_000
/** Ethereum's; beacon nodes that do not publish their configuration follow it. */
const DEFAULT_SECONDS_PER_SLOT = 12n

/** Makes the client of a beacon node's REST API. */
export function createBeacon(url: string, kzg: Pick<Kzg, 'versionedHash'>, fetchFn: Fetch = fetch): Beacon {
  const base = url.replace(/\/+$/, '')
  let clock: Clock | undefined

  async function get(path: string): Promise<{ status: number; body: unknown }> {
    const response = await fetchFn(base + path, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    return { status: response.status, body: response.ok ? await response.json() : undefined }
  }

  async function readClock(): Promise<Clock> {
    const [genesis, spec] = await Promise.all([get('/eth/v1/beacon/genesis'), get('/eth/v1/config/spec')])
    const seconds = spec.body === undefined ? {} : toObject(toObject(spec.body).data)
    return {
      genesisTime: decimalField(toObject(toObject(genesis.body).data), 'genesis_time'),
      secondsPerSlot:
        seconds.SECONDS_PER_SLOT === undefined
          ? DEFAULT_SECONDS_PER_SLOT
          : decimalField(seconds, 'SECONDS_PER_SLOT'),
    }
  }

  async function slotOf(header: L1Header): Promise<bigint> {
    clock ??= await readClock()
    return (header.timestamp - clock.genesisTime) / clock.secondsPerSlot
  }

  /** The blobs that the beacon node has for the slot: Fulu's endpoint, or the older one with sidecars. */
  async function candidates(slot: bigint, versionedHashes: readonly Hex[]): Promise<Uint8Array[]> {
    const query = new URLSearchParams(
      versionedHashes.map((hash): [string, string] => ['versioned_hashes', hash]),
    )
    const blobs = await get(`/eth/v1/beacon/blobs/${slot}?${query}`)
    if (blobs.body !== undefined) return toList(toObject(blobs.body).data).map(toBlob)
    const sidecars = await get(`/eth/v1/beacon/blob_sidecars/${slot}`)
    if (sidecars.body !== undefined) {
      return toList(toObject(sidecars.body).data).map((sidecar) => toBlob(toObject(sidecar).blob))
    }
    throw new RefusedAnswerError(
      `got status ${blobs.status} for the blobs and ${sidecars.status} for the blob sidecars of slot ${slot}`,
    )
  }

  async function blobs(header: L1Header, versionedHashes: readonly Hex[]): Promise<readonly Uint8Array[]> {
    const byHash = new Map<Hex, Uint8Array>()
    try {
      const wanted = new Set(versionedHashes)
      for (const blob of await candidates(await slotOf(header), versionedHashes)) {
        const hash = await kzg.versionedHash(blob)
        if (hash !== undefined && wanted.has(hash)) byHash.set(hash, blob)
        if (byHash.size === wanted.size) break
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new TemporaryFault(`cannot read the blobs of L1 block ${header.number}: ${reason}`, { cause })
    }
    return versionedHashes.map((hash) => {
      const blob = byHash.get(hash)
      if (blob !== undefined) return blob
      throw new TemporaryFault(`the beacon node gave no blob ${hash} for L1 block ${header.number}`)
    })
  }

  return { blobs }
}

function toBlob(json: unknown): Uint8Array {
  return fromHex(hexField({ blob: json }, 'blob', BLOB_BYTES))
}

function decimalField(object: JsonObject, name: string): bigint {
  const value = object[name]
  if (typeof value === 'string' && /^(0|[1-9][0-9]{0,18})$/.test(value)) return BigInt(value)
  throw new RefusedAnswerError(`got a wrong ${name} from the beacon node, expected a decimal string`)
}
