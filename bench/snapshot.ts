import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportSnapshot, importSnapshot, openLevelDatabase } from '../node/index.ts'
import { createBigChain } from '../test/bigChain.ts'
import { createBenchRollup } from './chain.ts'
import { type Benchmark, BenchmarkError, measurement } from './report.ts'

const SMOKE_COUNT = 2_000
const COUNT = 200_000
const MIB = 1_048_576

/**
 * Keystores per second that a node writes into a snapshot from its database, and that another loads from it, every hash checked and
 * everything on disk; the size per keystore, each with a config of 32 bytes of data; and the memory at the end.
 */
export const benchmarkSnapshot: Benchmark = async ({ smoke }) => {
  const count = smoke ? SMOKE_COUNT : COUNT
  const rollup = createBenchRollup()
  const directory = await mkdtemp(join(tmpdir(), 'keyroll-bench-'))
  try {
    const file = join(directory, 'bench.snapshot')
    const { store, output } = await createBigChain(
      await openLevelDatabase(join(directory, 'source')),
      rollup,
      count,
    )
    const created = await secondsOf(() => exportSnapshot(store, output, file))
    await store.close()
    const { size } = await stat(file)
    const loaded = await secondsOf(async () => {
      const { configs } = await importSnapshot({
        file,
        path: join(directory, 'copy'),
        rollup,
        check: async () => {},
      })
      if (configs !== BigInt(count)) throw new BenchmarkError(`loaded ${configs} configs, expected ${count}`)
    })
    return [
      measurement('snapshot.create', count / created, 'keystores/s'),
      measurement('snapshot.load', count / loaded, 'keystores/s'),
      measurement('snapshot.bytes', size / count, 'bytes/keystore'),
      measurement('snapshot.rss', process.memoryUsage().rss / MIB, 'MiB'),
    ]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function secondsOf(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await run()
  return (performance.now() - start) / 1_000
}
