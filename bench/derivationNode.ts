import { setTimeout as wait } from 'node:timers/promises'
import { createVerifier } from '../derivation/index.ts'
import { createKzg, createLogger } from '../node/index.ts'
import { BLOB_BYTES, parseRollupConfig } from '../protocol/index.ts'

/** What the process of a derivation is told, as its last argument. */
export type NodeTask = {
  /** A rollup config's JSON. */
  rollup: unknown
  url: string
  directory: string
  /** The block to derive. */
  lastBlock: number
  hasBlobs: boolean
}

/** How far it is: blocks, milliseconds and microseconds of CPU since it began, memory of the process in bytes. */
export type NodeProgress = { block: number; ms: number; cpu: number; rss: number }

const LOOK_MS = 5
const TELL_MS = 1_000

/** Derives a chain with the verifier of `keyroll node` and tells its parent how far it is; a process of its own, so that its memory is its own. */
async function derive(task: NodeTask): Promise<void> {
  const kzg = createKzg({ logger: createLogger({ level: 'warn' }) })
  // Loading the trusted setup takes seconds, once; it is not what is measured.
  if (task.hasBlobs) await kzg.versionedHash(new Uint8Array(BLOB_BYTES))
  const verifier = await createVerifier({
    rollup: parseRollupConfig(task.rollup),
    dataDirectory: task.directory,
    l1: { urls: [task.url], beaconUrls: [task.url], kzg },
    rpc: { host: '127.0.0.1', port: 0 },
    logger: createLogger({ level: 'silent' }),
    version: 'bench',
    pollIntervalMs: 20,
  })
  const start = performance.now()
  const before = process.cpuUsage()
  let told = Number.NEGATIVE_INFINITY
  for (;;) {
    const block = Number(verifier.store.heads().safe.number)
    const ms = performance.now() - start
    if (ms - told >= TELL_MS || block >= task.lastBlock) {
      told = ms
      const { user, system } = process.cpuUsage(before)
      const progress: NodeProgress = { block, ms, cpu: user + system, rss: process.memoryUsage.rss() }
      process.send?.(progress)
    }
    if (block >= task.lastBlock) break
    await Promise.race([wait(LOOK_MS), verifier.stopped])
  }
  await verifier.close()
  await kzg.close()
  process.disconnect?.()
}

await derive(JSON.parse(process.argv.at(-1) ?? '') as NodeTask)
