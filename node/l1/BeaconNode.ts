import { type Hex, isHex } from 'viem'
import { BLOB_BYTES, ZERO_HASH } from '../../protocol/index.ts'
import { createLruCache } from '../LruCache.ts'
import type { Endpoint, EndpointAnswer } from './Endpoint.ts'
import { commitmentToVersionedHash } from './Kzg.ts'
import type { L1Header } from './L1Header.ts'
import { bytesOf, hexField, type JsonObject, toList, toObject } from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** What a beacon node says its chain is. */
type Clock = { genesisTime: bigint; secondsPerSlot: bigint; chainId: bigint | undefined }

/**
 * What a beacon node says of an execution block: whether it stands in its chain, or another in that slot; that the node has no block
 * there, whether there is none or it keeps none so old; or that nothing is decided yet.
 */
export type BlockStanding = 'stands' | 'differs' | 'absent' | 'undecided'

/** A blob and the commitment that its node gives for it, where it gives one with a versioned hash that is wanted. */
export type ServedBlob = { blob: Uint8Array; commitment: Hex | undefined }

/** The beacon blocks that the consensus itself names. */
export type BeaconTag = 'head' | 'justified' | 'finalized'

/** One beacon node's REST API, of which nothing is believed but what its callers decide to. */
export interface BeaconNode {
  readonly name: string
  /** Says which execution chain it belongs to; undefined when it does not tell. */
  chainId(): Promise<bigint | undefined>
  /** Lists the blobs that it has for an L1 block, of which only some versioned hashes are wanted; nothing is checked. */
  blobs(header: L1Header, wanted: ReadonlySet<Hex>): Promise<readonly ServedBlob[]>
  /** Says which execution block a tag means; undefined while it means none. */
  executionHash(tag: BeaconTag): Promise<Hex | undefined>
  /** Tells whether an execution block stands in the beacon node's chain. */
  standingOf(header: L1Header): Promise<BlockStanding>
}

/** A beacon block, as far as it names execution blocks: the newest that stands for sure, and the one that it proposes. */
type NamedBlock = { slot: bigint; hash: Hex; proposed: Hex; isBid: boolean }

const REQUEST_TIMEOUT_MS = 30_000
const SMALL_ANSWER_BYTES = 1_048_576
/** A block of 10 MiB (EIP-7934) in hex, and what surrounds it. */
const MAX_BLOCK_BYTES = 32 * 1_048_576
/** More blobs in hex than L1's plans foresee for a block. */
const MAX_BLOBS = 128
const MAX_BLOBS_BYTES = MAX_BLOBS * 2 * (BLOB_BYTES + 16_384)
/** Ethereum's; beacon nodes that do not publish their configuration follow it. */
const DEFAULT_SECONDS_PER_SLOT = 12n
const COMMITMENT_BYTES = 48
/** Slots without a block in a row after which the next block is not looked for. */
const MAX_MISSED_SLOTS = 64n
const REMEMBERED_BLOCKS = 16

/** Makes the client of one beacon node; every method throws when the node gives no good answer. */
export function createBeaconNode(endpoint: Endpoint): BeaconNode {
  let clock: Clock | undefined
  /** By the roots of their beacon blocks, so that a head that stays is read once. */
  const named = createLruCache<Hex, NamedBlock>(REMEMBERED_BLOCKS)

  /** Undefined where the node has no such thing, or no such route. */
  async function ask(
    path: string,
    maxBytes: number,
    takesOctets = false,
  ): Promise<EndpointAnswer | undefined> {
    const answer = await endpoint.ask({ path, takesOctets, maxBytes, timeoutMs: REQUEST_TIMEOUT_MS })
    const { status } = answer
    if (status >= 200 && status < 300) return answer
    if (status === 400 || status === 404 || status === 405 || status === 410) return undefined
    throw new RefusedAnswerError(`got status ${status}`)
  }

  async function get(path: string, maxBytes: number): Promise<unknown> {
    return (await ask(path, maxBytes))?.json
  }

  /** The blobs that a node gives under a path; none where it has none. SSZ has half the bytes of JSON, which every node knows. */
  async function getBlobs(path: string): Promise<readonly Uint8Array[]> {
    const fromSsz = await getBlobsAsSsz(path)
    return fromSsz ?? blobsFromJson(await get(path, MAX_BLOBS_BYTES))
  }

  /** Undefined where an answer is of no use, which may be due to how it was asked for; JSON is as good. */
  async function getBlobsAsSsz(path: string): Promise<readonly Uint8Array[] | undefined> {
    try {
      const answer = await ask(path, MAX_BLOBS_BYTES, true)
      return answer?.octets === undefined ? blobsFromJson(answer?.json) : blobsFromSsz(answer.octets)
    } catch (error) {
      if (error instanceof RefusedAnswerError) return undefined
      throw error
    }
  }

  async function readClock(): Promise<Clock> {
    const [genesis, spec] = await Promise.all([
      get('/eth/v1/beacon/genesis', SMALL_ANSWER_BYTES),
      get('/eth/v1/config/spec', SMALL_ANSWER_BYTES),
    ])
    const settings = spec === undefined ? {} : dataOf(spec)
    const secondsPerSlot = secondsOf(settings)
    if (secondsPerSlot === 0n) throw new RefusedAnswerError('got slots of no length from the beacon node')
    const chainId =
      settings.DEPOSIT_CHAIN_ID === undefined ? undefined : decimalField(settings, 'DEPOSIT_CHAIN_ID')
    return { genesisTime: decimalField(dataOf(genesis), 'genesis_time'), secondsPerSlot, chainId }
  }

  /** Undefined for an L1 block from before the beacon chain. */
  async function slotOf({ timestamp }: L1Header): Promise<bigint | undefined> {
    clock ??= await readClock()
    const { genesisTime, secondsPerSlot } = clock
    return timestamp < genesisTime ? undefined : (timestamp - genesisTime) / secondsPerSlot
  }

  async function blobs(header: L1Header, wanted: ReadonlySet<Hex>): Promise<readonly ServedBlob[]> {
    const slot = await slotOf(header)
    if (slot === undefined) {
      // A node that was wrong once is asked again, since it may have been replaced behind its URL.
      clock = undefined
      throw new RefusedAnswerError(`got a beacon chain that began after L1 block ${header.number}`)
    }
    const query = new URLSearchParams([...wanted].map((hash): [string, string] => ['versioned_hashes', hash]))
    const listed = await getBlobs(`/eth/v1/beacon/blobs/${slot}?${query}`)
    if (listed.length > 0) return pair(listed, await commitmentsIn(slot), wanted)
    // Before Fulu there was only the endpoint with sidecars.
    const sidecars = await get(`/eth/v1/beacon/blob_sidecars/${slot}`, MAX_BLOBS_BYTES)
    if (sidecars === undefined) {
      clock = undefined
      return []
    }
    return toList(toObject(sidecars).data)
      .slice(0, MAX_BLOBS)
      .map(toObject)
      .filter((sidecar) => mayBeWanted(sidecar, wanted))
      .flatMap(({ blob, kzg_commitment }) => {
        const [commitment] = toCommitment(kzg_commitment)
        return toBlob(blob).map((each) => ({ blob: each, commitment }))
      })
  }

  async function readBlock(id: string): Promise<unknown> {
    return (
      (await get(`/eth/v1/beacon/blinded_blocks/${id}`, MAX_BLOCK_BYTES)) ??
      (await get(`/eth/v2/beacon/blocks/${id}`, MAX_BLOCK_BYTES))
    )
  }

  /** Lists the commitments in a block; they only save work, so a node that gives none is as good. */
  async function commitmentsIn(slot: bigint): Promise<readonly Hex[]> {
    try {
      const body = toObject(toObject(dataOf(await readBlock(`${slot}`)).message).body)
      const bid = body.signed_execution_payload_bid
      const holder = bid === undefined ? body : toObject(toObject(bid).message)
      return toList(holder.blob_kzg_commitments).slice(0, MAX_BLOBS).flatMap(toCommitment)
    } catch {
      return []
    }
  }

  async function blockAt(id: string): Promise<NamedBlock | undefined> {
    const found = await readBlock(id)
    if (found === undefined) return undefined
    if (toObject(found).execution_optimistic === true) {
      throw new RefusedAnswerError(`the beacon node has not had block ${id} executed yet`)
    }
    return toNamedBlock(found)
  }

  /** Undefined while the consensus has justified nothing. */
  async function rootOf(tag: BeaconTag): Promise<Hex | undefined> {
    const path = tag === 'justified' ? 'states/head/finality_checkpoints' : `headers/${tag}`
    const found = await get(`/eth/v1/beacon/${path}`, SMALL_ANSWER_BYTES)
    if (found === undefined) throw new RefusedAnswerError(`got nothing for ${path}`)
    if (tag !== 'justified') return hexField(dataOf(found), 'root', 32)
    const root = hexField(toObject(dataOf(found).current_justified), 'root', 32)
    return root === ZERO_HASH ? undefined : root
  }

  return {
    name: endpoint.name,
    async chainId() {
      clock ??= await readClock()
      return clock.chainId
    },
    blobs,
    async executionHash(tag) {
      const root = await rootOf(tag)
      if (root === undefined) return undefined
      const block = named.get(root) ?? (await blockAt(root))
      if (block === undefined) throw new RefusedAnswerError(`got no block ${root}, which it named itself`)
      named.set(root, block)
      // The first block of a beacon chain names no execution block.
      return block.hash === ZERO_HASH ? undefined : block.hash
    },
    async standingOf(header) {
      const slot = await slotOf(header)
      const block = slot === undefined ? undefined : await blockAt(`${slot}`)
      if (slot === undefined || block === undefined) return 'absent'
      if (block.slot !== slot) throw new RefusedAnswerError(`got slot ${block.slot}, asked for ${slot}`)
      if (block.proposed !== header.hash) return 'differs'
      if (!block.isBid) return 'stands'
      for (let next = slot + 1n; next <= slot + MAX_MISSED_SLOTS; next++) {
        const child = await blockAt(`${next}`)
        if (child !== undefined) return child.hash === header.hash ? 'stands' : 'differs'
      }
      return 'undecided'
    },
  }
}

/**
 * Reads which execution block a beacon block stands for. From Gloas on a beacon block carries a bid, whose payload may never be
 * revealed: what it surely names is the execution block before, on which it builds.
 */
function toNamedBlock(json: unknown): NamedBlock {
  const message = toObject(dataOf(json).message)
  const slot = decimalField(message, 'slot')
  const body = toObject(message.body)
  const payload = body.execution_payload_header ?? body.execution_payload
  if (payload !== undefined) {
    const hash = hexField(toObject(payload), 'block_hash', 32)
    return { slot, hash, proposed: hash, isBid: false }
  }
  const bid = toObject(toObject(body.signed_execution_payload_bid).message)
  const hash = hexField(bid, 'parent_block_hash', 32)
  return { slot, hash, proposed: hexField(bid, 'block_hash', 32), isBid: true }
}

function dataOf(json: unknown): JsonObject {
  return toObject(toObject(json).data)
}

function secondsOf(settings: JsonObject): bigint {
  if (settings.SECONDS_PER_SLOT !== undefined) return decimalField(settings, 'SECONDS_PER_SLOT')
  if (settings.SLOT_DURATION_MS !== undefined) return decimalField(settings, 'SLOT_DURATION_MS') / 1_000n
  return DEFAULT_SECONDS_PER_SLOT
}

function blobsFromJson(json: unknown): Uint8Array[] {
  return json === undefined ? [] : toList(toObject(json).data).slice(0, MAX_BLOBS).flatMap(toBlob)
}

/** Takes the SSZ of a `List[Blob]` apart, which is one blob behind the other; undefined where it is something else, or empty. */
function blobsFromSsz(octets: Uint8Array): Uint8Array[] | undefined {
  if (octets.length === 0 || octets.length % BLOB_BYTES !== 0) return undefined
  const blobs: Uint8Array[] = []
  for (let at = 0; at < octets.length && blobs.length < MAX_BLOBS; at += BLOB_BYTES) {
    // Each in memory of its own: one that is kept does not keep the others.
    blobs.push(new Uint8Array(octets.subarray(at, at + BLOB_BYTES)))
  }
  return blobs
}

/** A malformed one among good ones is left out. */
function toBlob(json: unknown): Uint8Array[] {
  const blob = bytesOf(json, BLOB_BYTES)
  return blob === undefined ? [] : [blob]
}

function toCommitment(json: unknown): Hex[] {
  return isHex(json) && json.length === 2 + 2 * COMMITMENT_BYTES ? [json.toLowerCase() as Hex] : []
}

/** Sidecars name their commitments: blobs of others need not be committed to again. */
function mayBeWanted({ kzg_commitment }: JsonObject, wanted: ReadonlySet<Hex>): boolean {
  return toCommitment(kzg_commitment).every((commitment) => wanted.has(commitmentToVersionedHash(commitment)))
}

/** Puts commitments beside blobs, which stand in the order of their block, whether only the wanted ones are there or all. */
function pair(
  blobs: readonly Uint8Array[],
  commitments: readonly Hex[],
  wanted: ReadonlySet<Hex>,
): readonly ServedBlob[] {
  const isWanted = (commitment: Hex) => wanted.has(commitmentToVersionedHash(commitment))
  const asked = commitments.filter(isWanted)
  const beside = [asked, commitments].find(({ length }) => length === blobs.length) ?? []
  return blobs.map((blob, i) => {
    const commitment = beside[i]
    return { blob, commitment: commitment !== undefined && isWanted(commitment) ? commitment : undefined }
  })
}

function decimalField(object: JsonObject, name: string): bigint {
  const value = object[name]
  if (typeof value === 'string' && /^(0|[1-9][0-9]{0,18})$/.test(value)) return BigInt(value)
  throw new RefusedAnswerError(`got a wrong ${name} from the beacon node, expected a decimal string`)
}
