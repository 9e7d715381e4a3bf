import { type RollupConfig, toHex } from '../../protocol/index.ts'
import { Bucket, bucketKey } from '../store/Bucket.ts'
import type { Database, Write } from '../store/Database.ts'
import { foundingWrites } from '../store/foundingWrites.ts'
import { createStateReader } from '../store/StateReader.ts'
import { nodeKey, rootWrite } from '../store/trieNodes.ts'
import { isInitialOfPending } from './isInitialOfPending.ts'
import type { SnapshotCounts, SnapshotEntry, SnapshotReading } from './readSnapshot.ts'
import { MalformedSnapshotError } from './snapshotErrors.ts'

/** So much is written at a time. */
const BATCH_BYTES = 4 * 1_048_576

/**
 * Loads a snapshot into an empty database and founds its chain there. As long as it has not come to its end, the database holds
 * no chain.
 *
 * @throws {MalformedSnapshotError} when the snapshot is damaged; the database is then to be thrown away.
 * @throws the signal's reason when it aborts; likewise.
 */
export async function loadSnapshot(
  reading: SnapshotReading,
  database: Database,
  rollup: RollupConfig,
  signal?: AbortSignal,
): Promise<SnapshotCounts> {
  const { base, firstOutput } = reading.head
  const keystoreRoot = base.block.header.withdrawalsRoot
  const version = Number(base.block.header.number)
  const reader = createStateReader(database)
  let writes: Write[] = [rootWrite(keystoreRoot, version)]
  let bytes = 0
  let isStateWritten = false

  async function flush(): Promise<void> {
    if (writes.length > 0) await database.write(writes)
    writes = []
    bytes = 0
  }

  async function add(entry: SnapshotEntry): Promise<void> {
    if (entry.kind === 'initial') {
      // Initial configs come when all state has: it must be where it can be looked up.
      if (!isStateWritten) await flush()
      isStateWritten = true
      if (!isInitialOfPending(reader, keystoreRoot, entry.hash, entry.bytes)) {
        throw new MalformedSnapshotError(`nothing in its state needs the initial config ${toHex(entry.hash)}`)
      }
    }
    const isNode = entry.kind === 'node'
    const key = isNode ? nodeKey(version, entry.hash) : bucketKey(Bucket.config, entry.hash)
    writes.push({ key, value: entry.bytes })
    bytes += entry.bytes.length
    if (bytes >= BATCH_BYTES) await flush()
  }

  const counts = await reading.readState(async (entries) => {
    signal?.throwIfAborted()
    for (const entry of entries) await add(entry)
  })
  await flush()
  const { number, hash } = reading.anchor
  await database.write(
    foundingWrites(
      database,
      rollup,
      {
        block: { number: base.block.header.number, hash: base.block.hash },
        l1Block: base.inclusion.l1Block,
        anchor: { number, hash },
        firstOutput: { index: firstOutput.index, l1Number: firstOutput.l1Block.number },
      },
      base,
    ),
  )
  return counts
}
