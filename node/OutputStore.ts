import { Bucket, bucketKey, uint64Key } from './Bucket.ts'
import type { ChainStore } from './ChainStore.ts'
import type { Database, Write } from './Database.ts'
import type { StoredOutput } from './StoredOutput.ts'
import { outputFromBytes, outputToBytes } from './storeCodecs.ts'
import { OutputIndexError } from './storeErrors.ts'

/** The part of the store that keeps the standing outputs. */
export type OutputStore = Pick<
  ChainStore,
  'outputCount' | 'outputByIndex' | 'outputForBlock' | 'putOutput' | 'truncateOutputs'
>

const COUNT_KEY = bucketKey(Bucket.meta, Buffer.from('outputs'))

/** Makes the store of outputs in a database. */
export function createOutputStore(database: Database): OutputStore {
  const stored = database.get(COUNT_KEY)
  let count = stored === undefined ? 0n : Buffer.from(stored).readBigUInt64BE()

  async function write(nextCount: bigint, writes: Write[]): Promise<void> {
    await database.write([...writes, { key: COUNT_KEY, value: uint64Key(nextCount) }])
    count = nextCount
  }

  function outputByIndex(index: bigint): StoredOutput | undefined {
    if (index < 0n || index >= count) return undefined
    const bytes = database.get(outputKey(index))
    return bytes === undefined ? undefined : outputFromBytes(bytes)
  }

  return {
    outputCount: () => count,
    outputByIndex,
    outputForBlock(l2BlockNumber) {
      // Outputs stand in the order of their blocks.
      let [low, high] = [0n, count]
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
    async truncateOutputs(nextCount) {
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
