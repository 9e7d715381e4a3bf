import { createHash } from 'node:crypto'
import { configToRlp, headerToRlp, type RollupConfig, toHex } from '../../protocol/index.ts'
import { Bucket } from '../store/Bucket.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import type { Database } from '../store/Database.ts'
import { rollupFingerprint } from '../store/rollupFingerprint.ts'
import { createStateReader } from '../store/StateReader.ts'
import type { StoredOutput } from '../store/StoredOutput.ts'
import { createNodeReader, rootPosition } from '../store/storedTrie.ts'
import { DamagedDatabaseError } from '../store/storeErrors.ts'
import { findSnapshotBase } from './findSnapshotBase.ts'
import { isInitialOfPending } from './isInitialOfPending.ts'
import {
  MAX_PAYLOAD_BYTES,
  SNAPSHOT_MAGIC,
  type SnapshotHead,
  type SnapshotOutput,
  SnapshotRecordKind,
  snapshotEndToBytes,
  snapshotHeadToBytes,
  snapshotRecordToBytes,
} from './Snapshot.ts'
import { NoSnapshotError } from './snapshotErrors.ts'
import { createSnapshotWalk } from './snapshotState.ts'

/** What a snapshot is written from; state is read around the store's caches, which serve the chain's head. */
export type SnapshotSource = {
  database: Pick<Database, 'get' | 'record' | 'entries'>
  store: Pick<
    ChainStore,
    'base' | 'blockByNumber' | 'receiptsOf' | 'verdictsOf' | 'inclusionOf' | 'safeHeadAtL1' | 'outputForBlock'
  >
  rollup: RollupConfig
}

/** So many bytes are handed on at a time: a node that serves others meanwhile must not keep them waiting. */
const CHUNK_BYTES = 64 * 1_024

/**
 * Writes the snapshot that an output vouches for (docs/snapshot.md): the same bytes on every node that has derived its block. The
 * block must be finalized. State is content-addressed and never undone, so the chain may grow meanwhile.
 *
 * @throws {NoSnapshotError} when there is nothing to begin with below the output's block, or more than readers take.
 * @throws {DamagedDatabaseError} when something is missing.
 */
export async function* writeSnapshot(
  source: SnapshotSource,
  output: StoredOutput,
): AsyncGenerator<Uint8Array, void> {
  const { database, store } = source
  const head = createHead(source, output)
  const root = head.base.block.header.withdrawalsRoot
  const counts = { nodes: 0n, configs: 0n, initials: 0n }
  const chunks = createChunks()
  const readNode = createNodeReader(database)
  const reader = createStateReader(database)

  function configAt(hash: Uint8Array): Uint8Array {
    const config = reader.config(toHex(hash))
    if (config === undefined) throw new DamagedDatabaseError(`the config ${toHex(hash)}`)
    return configToRlp(config)
  }

  yield* chunks.put(SnapshotRecordKind.head, headToBytes(head))
  for (let number = head.base.block.header.number + 1n; number <= output.l2BlockNumber; number++) {
    yield* chunks.put(SnapshotRecordKind.header, headerToRlp(blockAt(store, number).header))
  }
  const walk = createSnapshotWalk(root, rootPosition(database, root) ?? 0)
  for (;;) {
    const next = walk.next()
    if (next === undefined) break
    if (next.kind === 'node') {
      const stored = readNode(next.hash, next.position)
      if (stored === undefined) throw new DamagedDatabaseError(`the node ${toHex(next.hash)}`)
      yield* chunks.put(SnapshotRecordKind.node, walk.takeNode(stored).rlp)
      counts.nodes += 1n
    } else {
      yield* chunks.put(SnapshotRecordKind.config, configAt(next.hash))
      walk.takeConfig()
      counts.configs += 1n
    }
  }
  const until = Uint8Array.of(Bucket.config + 1)
  for await (const [key] of database.entries(Uint8Array.of(Bucket.config), until)) {
    const hash = key.subarray(1)
    const bytes = configAt(hash)
    if (!isInitialOfPending(reader, root, hash, bytes)) continue
    yield* chunks.put(SnapshotRecordKind.initial, bytes)
    counts.initials += 1n
  }
  yield* chunks.end(counts)
}

function createHead({ store, rollup }: SnapshotSource, output: StoredOutput): SnapshotHead {
  const { number } = findSnapshotBase(store, output.l2BlockNumber)
  const block = blockAt(store, number)
  const receipts = store.receiptsOf(block.hash)
  const verdicts = store.verdictsOf(block.hash)
  const inclusion = store.inclusionOf(number)
  const firstOutput = store.outputForBlock(number + 1n)
  if (
    receipts === undefined ||
    verdicts === undefined ||
    inclusion === undefined ||
    firstOutput === undefined
  ) {
    throw new DamagedDatabaseError(`what belongs to block ${number}`)
  }
  return {
    rollup: rollupFingerprint(rollup),
    l2ChainId: rollup.l2ChainId,
    genesisHash: rollup.genesis.l2.hash,
    base: { block, receipts, verdicts, inclusion },
    output: toSnapshotOutput(output),
    firstOutput: toSnapshotOutput(firstOutput),
  }
}

function headToBytes(head: SnapshotHead): Uint8Array {
  const bytes = snapshotHeadToBytes(head)
  const most = MAX_PAYLOAD_BYTES[SnapshotRecordKind.head]
  if (bytes.length <= most) return bytes
  const { number } = head.base.block.header
  const message = `block ${number} and its receipts take ${bytes.length} bytes, expected at most ${most}: take another output`
  throw new NoSnapshotError('TOO_LARGE', message)
}

function toSnapshotOutput({ index, l1Block }: StoredOutput): SnapshotOutput {
  return { index, l1Block }
}

function blockAt(store: Pick<ChainStore, 'blockByNumber'>, number: bigint) {
  const block = store.blockByNumber(number)
  if (block === undefined) throw new DamagedDatabaseError(`block ${number}`)
  return block
}

/** Puts records together into chunks, and computes their checksum. */
function createChunks() {
  const digest = createHash('sha256')
  let parts = [SNAPSHOT_MAGIC]
  let length = SNAPSHOT_MAGIC.length

  function flush(): Uint8Array {
    const chunk = Buffer.concat(parts, length)
    digest.update(chunk)
    parts = []
    length = 0
    return chunk
  }

  return {
    *put(kind: SnapshotRecordKind, payload: Uint8Array): Generator<Uint8Array, void> {
      const record = snapshotRecordToBytes(kind, payload)
      parts.push(record)
      length += record.length
      if (length >= CHUNK_BYTES) yield flush()
    },
    *end(counts: Parameters<typeof snapshotEndToBytes>[0]): Generator<Uint8Array, void> {
      if (length > 0) yield flush()
      yield snapshotRecordToBytes(SnapshotRecordKind.end, snapshotEndToBytes(counts, digest.digest()))
    },
  }
}
