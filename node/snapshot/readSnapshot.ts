import type { Hex } from 'viem'
import {
  compareBytes,
  fromHex,
  type Header,
  headerFromRlp,
  headerHash,
  outputRoot,
  RlpError,
  type RollupConfig,
  stateRootOf,
  toHex,
} from '../../protocol/index.ts'
import type { BlockId } from '../BlockRef.ts'
import { rollupFingerprint } from '../store/rollupFingerprint.ts'
import {
  requireSame,
  type SnapshotHead,
  type SnapshotRecordCounts,
  SnapshotRecordKind,
  snapshotEndToBytes,
  snapshotHeadFromBytes,
} from './Snapshot.ts'
import { MalformedSnapshotError, OtherRollupSnapshotError } from './snapshotErrors.ts'
import { createSnapshotRecords, type SnapshotRecord, type SnapshotRecords } from './snapshotRecords.ts'
import {
  createSnapshotWalk,
  readSnapshotConfig,
  requireNodeHash,
  snapshotNodeToStored,
} from './snapshotState.ts'

/** A piece of state that was checked: its hash, which stands under the base's keystore root, is that of its bytes. */
export type SnapshotEntry = SnapshotNode | SnapshotConfig

/** The RLP of a trie node. So many nodes stand under hashes below it, and come behind it in their order, each with those below itself. */
export type SnapshotNode = { kind: 'node'; hash: Uint8Array; bytes: Uint8Array; below: number }

/** The RLP of a config; an `initial` one is that of a keystore which state does not name: its holder has to be looked up. */
export type SnapshotConfig = { kind: 'config' | 'initial'; hash: Uint8Array; bytes: Uint8Array }

/** A snapshot does not tell positions. */
const UNPLACED = 0

/** How much a snapshot holds. */
export type SnapshotCounts = SnapshotRecordCounts & {
  bytes: bigint
  /** SHA-256 of all but its last record, which holds it. */
  checksum: Hex
}

/** The block that L1 vouches for, to which hashes lead from the base. */
export type SnapshotAnchor = BlockId & { outputRoot: Hex /** Seconds. */; timestamp: bigint }

/** A snapshot whose beginning was read and checked; its state is still to come. */
export interface SnapshotReading {
  readonly head: SnapshotHead
  readonly anchor: SnapshotAnchor
  /**
   * Reads the state to its end, once, and hands it on in batches, each checked.
   *
   * @throws {MalformedSnapshotError} when something is damaged, missing, doubled, or not under the base's keystore root.
   */
  readState(take: (entries: readonly SnapshotEntry[]) => Promise<void>): Promise<SnapshotCounts>
}

/**
 * Begins to read a snapshot (docs/snapshot.md): what is on L1 can be compared before the state is read.
 *
 * @throws {MalformedSnapshotError} when it is damaged.
 * @throws {OtherRollupSnapshotError} when a rollup config is given and it is another's.
 */
export async function openSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  rollup?: RollupConfig,
): Promise<SnapshotReading> {
  const records = await createSnapshotRecords(chunks)
  const first = await records.peek()
  if (first?.kind !== SnapshotRecordKind.head) throw new MalformedSnapshotError('got no head')
  const head = snapshotHeadFromBytes(first.payload)
  records.take()
  if (rollup !== undefined) requireRollup(head, rollup)
  const anchor = await readAnchor(records, head)
  return { head, anchor, readState: (take) => readState(records, head, take) }
}

function requireRollup(head: SnapshotHead, rollup: RollupConfig): void {
  const expected = { rollup: rollupFingerprint(rollup), l2ChainId: rollup.l2ChainId }
  if (head.rollup !== expected.rollup) throw new OtherRollupSnapshotError(head, expected)
  if (head.l2ChainId !== rollup.l2ChainId || head.genesisHash !== rollup.genesis.l2.hash) {
    throw new MalformedSnapshotError('its chain id or genesis is not that of its rollup config')
  }
}

/** Follows the headers from the base to the block of the output. */
async function readAnchor(records: SnapshotRecords, { base }: SnapshotHead): Promise<SnapshotAnchor> {
  let { header, hash } = base.block
  let record = await records.peek()
  for (; record?.kind === SnapshotRecordKind.header; record = await records.peek()) {
    const next = readHeader(record.payload)
    if (next.number !== header.number + 1n || next.parentHash !== hash) {
      throw new MalformedSnapshotError(
        `got header ${next.number} on ${next.parentHash}, expected ${header.number + 1n} on ${hash}`,
      )
    }
    header = next
    hash = headerHash(next)
    records.take()
  }
  if (header === base.block.header) throw new MalformedSnapshotError('got no header of the output’s block')
  const { number, timestamp, stateRoot, withdrawalsRoot: keystoreRoot } = header
  requireSame('state root', stateRootOf(keystoreRoot), stateRoot)
  return { number, hash, timestamp, outputRoot: outputRoot({ stateRoot, keystoreRoot, blockHash: hash }) }
}

function readHeader(bytes: Uint8Array): Header {
  try {
    return headerFromRlp(bytes)
  } catch (cause) {
    if (!(cause instanceof RlpError)) throw cause
    throw new MalformedSnapshotError(`a header: ${cause.message}`, { cause })
  }
}

async function readState(
  records: SnapshotRecords,
  head: SnapshotHead,
  take: (entries: readonly SnapshotEntry[]) => Promise<void>,
): Promise<SnapshotCounts> {
  const check = createStateCheck(head)
  let entries: SnapshotEntry[] = []
  for (;;) {
    let record = records.peekHere()
    if (record === undefined) {
      if (entries.length > 0) await take(entries)
      entries = []
      record = await records.peek()
    }
    if (record === undefined) throw new MalformedSnapshotError('it has no end')
    if (record.kind === SnapshotRecordKind.end) break
    entries.push(check.entry(record))
    records.take()
  }
  if (entries.length > 0) await take(entries)
  const end = await records.peek()
  const counts = check.finish()
  const checksum = records.checksum()
  requireEnd(end?.payload, counts, checksum)
  records.take()
  if ((await records.peek()) !== undefined)
    throw new MalformedSnapshotError('there is something after its end')
  return { ...counts, bytes: BigInt(records.offset()), checksum: toHex(checksum) }
}

/** Checks one record after the other against the keystore root. */
function createStateCheck(head: SnapshotHead) {
  const walk = createSnapshotWalk(head.base.block.header.withdrawalsRoot, UNPLACED)
  const counts = { nodes: 0n, configs: 0n, initials: 0n }
  let lastInitial: Uint8Array = new Uint8Array(32)

  function initial(bytes: Uint8Array): SnapshotEntry {
    if (walk.next() !== undefined)
      throw new MalformedSnapshotError('got an initial config before the state was whole')
    const read = readSnapshotConfig(bytes)
    const hash = fromHex(read.hash)
    if (read.config.nonce !== 0n || compareBytes(hash, lastInitial) <= 0) {
      throw new MalformedSnapshotError(
        'got initial configs that are none, or are not in the order of their hashes',
      )
    }
    lastInitial = hash
    counts.initials += 1n
    return { kind: 'initial', hash, bytes }
  }

  return {
    entry({ kind, payload: bytes }: SnapshotRecord): SnapshotEntry {
      if (kind === SnapshotRecordKind.initial) return initial(bytes)
      const next = walk.next()
      if (next?.kind === 'node' && kind === SnapshotRecordKind.node) {
        requireNodeHash(bytes, next.hash)
        const { below } = walk.takeNode(snapshotNodeToStored(bytes, next.hash, UNPLACED))
        counts.nodes += 1n
        return { kind: 'node', hash: next.hash, bytes, below: below.length }
      }
      if (next?.kind === 'config' && kind === SnapshotRecordKind.config) {
        requireSame('config', readSnapshotConfig(bytes).hash, toHex(next.hash))
        walk.takeConfig()
        counts.configs += 1n
        return { kind: 'config', hash: next.hash, bytes }
      }
      throw new MalformedSnapshotError(
        `got a record of kind ${kind}, expected ${next?.kind ?? 'the end of the state'}`,
      )
    },
    finish(): SnapshotRecordCounts {
      const next = walk.next()
      if (next === undefined) return counts
      throw new MalformedSnapshotError(`it ends before the ${next.kind} ${toHex(next.hash)}`)
    },
  }
}

function requireEnd(
  payload: Uint8Array | undefined,
  counts: SnapshotRecordCounts,
  checksum: Uint8Array,
): void {
  if (payload !== undefined && compareBytes(payload, snapshotEndToBytes(counts, checksum)) === 0) return
  throw new MalformedSnapshotError('its checksum or its counts differ from what it holds')
}
