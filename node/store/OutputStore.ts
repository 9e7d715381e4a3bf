import { Bucket, bucketKey, uint64Key } from './Bucket.ts'
import type { ChainStore } from './ChainStore.ts'
import type { Database, Write } from './Database.ts'
import { metaKey } from './foundingWrites.ts'
import type { StoredOutput } from './StoredOutput.ts'
import { outputFromBytes, outputToBytes } from './storeCodecs.ts'
import { DamagedDatabaseError, OutputIndexError } from './storeErrors.ts'

/** The part of the store that keeps the standing outputs. */
export type OutputStore = Pick<
  ChainStore,
  'outputCount' | 'outputByIndex' | 'outputForBlock' | 'putOutput' | 'truncateOutputs'
>

/** Makes the store of outputs in a database; those before index `first` were never in it. */
export function createOutputStore(database: Database, first: bigint): OutputStore {
  const stored = database.get(metaKey('outputs'))
  if (stored === undefined) throw new DamagedDatabaseError('its count of outputs')
  let count = Buffer.from(stored).readBigUInt64BE()

  async function write(nextCount: bigint, writes: Write[]): Promise<void> {
    await database.write([...writes, { key: metaKey('outputs'), value: uint64Key(nextCount) }])
    count = nextCount
  }

  function outputByIndex(index: bigint): StoredOutput | undefined {
    if (index < first || index >= count) return undefined
    const bytes = database.get(outputKey(index))
    return bytes === undefined ? undefined : outputFromBytes(bytes)
  }

  return {
    outputCount: () => count,
    outputByIndex,
    outputForBlock(l2BlockNumber) {
      // Outputs stand in the order of their blocks.
      let [low, high] = [first, count]
      while (low < high) {
        const middle = (low + high) / 2n
        const output = outputByIndex(middle)
        if (output !== undefined && output.l2BlockNumber >= l2BlockNumber) high = middle
        else low = middle + 1n
      }
      return outputByIndex(low)
    },
    async putOutput(output) {
      if (output.index !== count) throw new OutputIndexError(output.index, count)
      await write(count + 1n, [{ key: outputKey(output.index), value: outputToBytes(output) }])
    },
    async truncateOutputs(wanted) {
      const nextCount = wanted > first ? wanted : first
      const writes: Write[] = []
      for (let index = nextCount; index < count; index++)
        writes.push({ key: outputKey(index), value: undefined })
      if (writes.length > 0) await write(nextCount, writes)
    },
  }
}

function outputKey(index: bigint): Uint8Array {
  return bucketKey(Bucket.output, uint64Key(index))
}
