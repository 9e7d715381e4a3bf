import { type RollupConfig, toHex, trieNodeWithPositions } from '../../protocol/index.ts'
import { Bucket, bucketKey } from '../store/Bucket.ts'
import type { Database, Write } from '../store/Database.ts'
import { foundingWrites } from '../store/foundingWrites.ts'
import { recordWrite } from '../store/records.ts'
import { createStateReader } from '../store/StateReader.ts'
import { rootWrite } from '../store/storedTrie.ts'
import { isInitialOfPending } from './isInitialOfPending.ts'
import type { SnapshotCounts, SnapshotEntry, SnapshotNode, SnapshotReading } from './readSnapshot.ts'
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
  const reader = createStateReader(database)
  const placeNode = createNodePlacing(database)
  let writes: Write[] = []
  let bytes = 0
  let isStateWritten = false

  async function flush(): Promise<void> {
    await database.write(writes)
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
    if (entry.kind === 'node') {
      const rootPosition = placeNode(entry)
      if (rootPosition !== undefined) writes.push(rootWrite(keystoreRoot, rootPosition))
    } else {
      writes.push(recordWrite(database, bucketKey(Bucket.config, entry.hash), entry.bytes))
    }
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

/**
 * Makes the function that appends the nodes of a trie as they come, from the root down. A node tells where those below it stand, so it
 * waits until they do: at most one path waits. With the last one, the function tells the position of the root.
 */
function createNodePlacing({ append }: Pick<Database, 'append'>): (node: SnapshotNode) => number | undefined {
  const waiting: { node: SnapshotNode; positions: number[] }[] = []

  return (next) => {
    waiting.push({ node: next, positions: [] })
    let position: number | undefined
    for (;;) {
      const last = waiting.at(-1)
      if (last === undefined) return position
      if (position !== undefined) last.positions.push(position)
      if (last.positions.length < last.node.below) return undefined
      position = append(trieNodeWithPositions(last.node.bytes, last.positions))
      waiting.pop()
    }
  }
}
