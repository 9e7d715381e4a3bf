import { type ChildProcess, fork } from 'node:child_process'
import { on } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  type BlockRef,
  createEngine,
  createKzg,
  createLogger,
  type Kzg,
  openChainStore,
} from '../node/index.ts'
import {
  createGenesis,
  encodeBatcherData,
  encodeBlob,
  MAX_BLOCK_BYTES,
  type RollupConfig,
  rollupConfigToJson,
  type SingularBatch,
  ZERO_HASH,
} from '../protocol/index.ts'
import { type BenchL1, createBenchL1, L1_BLOCK_TIME, type Submission } from './BenchL1.ts'
import type { BoundResult, BoundTask } from './derivationBounds.ts'
import type { LoadTask } from './derivationLoad.ts'
import type { NodeProgress, NodeTask } from './derivationNode.ts'
import { type Benchmark, BenchmarkError, compared, type Measurement } from './report.ts'

const COUNTS = {
  smoke: { calldata: 600, blobs: 250, boundSeconds: 0.5, boundEverySeconds: 0.2 },
  normal: { calldata: 1_000_000, blobs: 500_000, boundSeconds: 4, boundEverySeconds: 15 },
}
const SIGNATURES = 2
const BLOBS_PER_BLOCK = 6
const LOAD = `P-256 rotations, each approved by the old key and signed by the new one (${SIGNATURES} signatures)`
const BOUND = `P-256 verification on all cores, ${SIGNATURES} signatures per set-config`
const MEGABYTE = 1_000_000
const MEBIBYTE = 1_048_576

/**
 * Set-configs per second that a verifier derives from L1, from an empty database to the safe head, with every hash and signature
 * verified and every block written durably; with real KZG commitments where batches are in blobs. Half of the set-configs are
 * the first of their keystore, half the second. Beside them stand what all cores could verify, and how fast the same bytes are
 * read and thrown away, both measured in the same run. What a shared machine can do changes within a minute: the derivation
 * therefore stands still every quarter of one, while the cores verify.
 */
export const benchmarkDerivation: Benchmark = async ({ smoke, count }) => {
  const { calldata, blobs, ...times } = COUNTS[smoke ? 'smoke' : 'normal']
  const lines = await measure('calldata', count ?? calldata, times)
  return [...lines, ...(await measure('blobs', blobs, times))]
}

/** How long the bound is measured, and how long the derivation goes on in between; seconds. */
type BoundTimes = { boundSeconds: number; boundEverySeconds: number }

async function measure(
  kind: 'calldata' | 'blobs',
  count: number,
  { boundSeconds, boundEverySeconds }: BoundTimes,
): Promise<Measurement[]> {
  const directory = await mkdtemp(join(tmpdir(), 'keyroll-bench-'))
  const kzg = createKzg({ logger: createLogger({ level: 'warn' }) })
  try {
    const { l1, rollup, blocks } = await writeL1(directory, count, kind === 'blobs' ? kzg : undefined)
    const server = await l1.serve()
    const lastBlock = Number(blocks)
    const hasBlobs = kind === 'blobs'
    try {
      const task: NodeTask = {
        rollup: rollupConfigToJson(rollup),
        url: server.url,
        directory: join(directory, 'verifier'),
        lastBlock,
        hasBlobs,
      }
      const bounds: BoundResult[] = []
      const measureBound = async () => {
        bounds.push(await verificationBound(boundSeconds))
      }
      await measureBound()
      const progress = await derive(task, boundEverySeconds, measureBound)
      await measureBound()
      const bound = mean(bounds, 'value') / SIGNATURES
      const { value: readMs } = await bounded({ kind: 'read', url: server.url, blobs: hasBlobs })
      const end = progress.at(-1)
      if (end === undefined || end.block < lastBlock)
        throw new BenchmarkError('the derivation has ended early')
      const load = `${count} ${LOAD}`
      const seconds = end.ms / 1_000
      const megabytes = l1.bytes() / MEGABYTE
      const reading = 'reading the same bytes'
      return [
        compared(`derivation.${kind}`, count / seconds, 'per s', BOUND, bound, load),
        compared(
          `derivation.${kind}.bytes`,
          megabytes / seconds,
          'MB/s',
          reading,
          (megabytes * 1_000) / readMs,
          load,
        ),
        compared(
          `derivation.${kind}.cpu`,
          end.cpu / count,
          'us of CPU per set-config',
          `verifying its ${SIGNATURES} signatures`,
          mean(bounds, 'cpu') * SIGNATURES,
          load,
        ),
        ...(hasBlobs ? [] : growth(progress, lastBlock, load)),
      ]
    } finally {
      await server.close()
    }
  } finally {
    await kzg.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** What a chain's age costs: memory, and time per block, at the end of the run and after its first fifth. */
function growth(progress: readonly NodeProgress[], lastBlock: number, load: string): Measurement[] {
  const at = (part: number) => {
    const found = progress.findLast(({ block }) => block <= part * lastBlock)
    return found ?? { block: 0, ms: 0, cpu: 0, rss: progress[0]?.rss ?? Number.NaN }
  }
  const [start, early, late, end] = [at(0.2), at(0.4), at(0.8), at(1)]
  const perBlock = (from: NodeProgress, to: NodeProgress) => (to.ms - from.ms) / (to.block - from.block)
  const lines = [
    compared(
      'derivation.rss',
      end.rss / MEBIBYTE,
      'MiB',
      'after a fifth of the run',
      start.rss / MEBIBYTE,
      load,
    ),
  ]
  // A short run tells how far it is too seldom for more.
  if (early.block === start.block || end.block === late.block) return lines
  const peer = 'in the second fifth of the run'
  return [
    ...lines,
    compared('derivation.blockTime.late', perBlock(late, end), 'ms', peer, perBlock(start, early), load),
  ]
}

/** Builds a chain of rotations and writes it to an L1: in calldata, or in blobs where there is a KZG to commit to them. */
async function writeL1(
  directory: string,
  count: number,
  kzg: Kzg | undefined,
): Promise<{ l1: BenchL1; rollup: RollupConfig; blocks: bigint }> {
  const blocksPerL1Block = kzg === undefined ? 1 : BLOBS_PER_BLOCK
  await mkdir(join(directory, 'l1'))
  const l1 = await createBenchL1(join(directory, 'l1'))
  const rollup = createRollup(l1, L1_BLOCK_TIME / BigInt(blocksPerL1Block))
  const store = await openChainStore(join(directory, 'builder'), rollup)
  const logger = createLogger({ level: 'silent' })
  // The signatures are good, and it is the derivation's work to see that.
  const engine = createEngine({ store, rollup, verify: () => true, logger })
  let waiting: SingularBatch[] = []
  const mine = async () => {
    const data = waiting.map((batch) => encodeBatcherData([batch]))
    waiting = []
    const submission: Submission[] = kzg === undefined ? data.map((each) => ({ data: each })) : []
    if (kzg !== undefined && data.length > 0) submission.push({ blobs: await toBlobs(data, kzg) })
    await l1.mine(submission)
  }
  const load = rotationsOf({ count, chainId: Number(rollup.l2ChainId) })
  for await (const transactions of blocksOf(load)) {
    const { unsafe } = store.heads()
    const isFull = waiting.length === blocksPerL1Block
    if (isFull) await mine()
    waiting.push(await build(unsafe, transactions))
  }
  await mine()
  // The last batches are read only once a block stands above their origin.
  await mine()
  const blocks = store.heads().unsafe.number
  await store.close()
  return { l1, rollup, blocks }

  async function build(parent: BlockRef, transactions: readonly Uint8Array[]): Promise<SingularBatch> {
    const { timestamp: l1Time, ...l1Origin } = l1.head()
    const timestamp = parent.timestamp + rollup.blockTime
    const isSame = l1Origin.hash === parent.l1Origin.hash
    if (l1Time > timestamp) throw new BenchmarkError('a block would come before its L1 origin')
    const sequenceNumber = isSame ? parent.sequenceNumber + 1n : 0n
    await engine.build({ timestamp, l1Origin, sequenceNumber, transactions })
    const { number: epochNumber, hash: epochHash } = l1Origin
    return { parentHash: parent.hash, epochNumber, epochHash, timestamp, transactions }
  }
}

async function toBlobs(data: readonly Uint8Array[], kzg: Kzg) {
  const blobs = data.map(encodeBlob)
  const commitments = await Promise.all(blobs.map((blob) => kzg.commitment(blob)))
  return blobs.map((blob, i) => {
    const commitment = commitments[i]
    if (commitment === undefined) throw new BenchmarkError('the blob encoding made no blob')
    return { blob, commitment }
  })
}

function createRollup(l1: BenchL1, blockTime: bigint): RollupConfig {
  const { number, hash, timestamp } = l1.head()
  const rollup: RollupConfig = {
    genesis: { l1: { number, hash }, l2: { number: 0n, hash: ZERO_HASH }, l2Time: timestamp },
    blockTime,
    maxSequencerDrift: 1_800n,
    seqWindowSize: 3_600n,
    channelTimeout: 300n,
    l1ChainId: l1.chainId,
    l2ChainId: 777_001n,
    batchInboxAddress: l1.inbox,
    depositContractAddress: `0x${'d0'.repeat(20)}`,
    l1SystemConfigAddress: `0x${'c0'.repeat(20)}`,
    outputOracleAddress: `0x${'0c'.repeat(20)}`,
    challengePeriod: 604_800,
    minRecoveryDelay: 86_400,
    submissionInterval: 1_000_000n,
  }
  const { block } = createGenesis(rollup)
  return { ...rollup, genesis: { ...rollup.genesis, l2: { number: 0n, hash: block.hash } } }
}

/** Makes the rotations in a process of its own, which makes the next ones while these are built into blocks. */
async function* rotationsOf(task: LoadTask): AsyncGenerator<Uint8Array> {
  const script = 'derivationLoad.js'
  const child = fork(pathOf(script), [JSON.stringify(task)], { serialization: 'advanced' })
  const ended = new AbortController()
  child.on('exit', (code) => ended.abort(new BenchmarkError(`${script} ended with ${code}`)))
  const told = on(child, 'message', { signal: ended.signal }) as AsyncIterable<[Uint8Array[]]>
  const ask = () => {
    if (child.connected) child.send('more')
  }
  try {
    ask()
    for await (const [rotations] of told) {
      if (rotations.length === 0) return
      ask()
      yield* rotations
    }
  } finally {
    child.kill()
  }
}

/** Fills blocks: as many set-configs as one, and the blob or transaction that carries it, may hold. */
async function* blocksOf(transactions: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let block: Uint8Array[] = []
  let bytes = 0
  for await (const raw of transactions) {
    if (bytes + raw.length > MAX_BLOCK_BYTES) {
      yield block
      block = []
      bytes = 0
    }
    block.push(raw)
    bytes += raw.length
  }
  yield block
}

/** Verifies in as many processes as there are cores. */
async function verificationBound(seconds: number): Promise<BoundResult> {
  const task: BoundTask = { kind: 'verify', seconds }
  const each = await Promise.all(Array.from({ length: availableParallelism() }, () => bounded(task)))
  return {
    value: each.reduce((sum, { value }) => sum + value, 0),
    cpu: each.reduce((sum, { cpu }) => sum + cpu, 0) / each.length,
  }
}

function mean(results: readonly BoundResult[], field: keyof BoundResult): number {
  return results.reduce((sum, each) => sum + each[field], 0) / results.length
}

async function bounded(task: BoundTask): Promise<BoundResult> {
  const results: BoundResult[] = []
  await inProcess<BoundResult>('derivationBounds.js', task, (result) => results.push(result))
  const [result] = results
  if (result === undefined) throw new BenchmarkError(`the bound ${task.kind} was not measured`)
  return result
}

/** Derives in a process that stands still now and then while `meanwhile` has the machine; those times are in no figure. */
async function derive(
  task: NodeTask,
  everySeconds: number,
  meanwhile: () => Promise<void>,
): Promise<NodeProgress[]> {
  const progress: NodeProgress[] = []
  let pausedMs = 0
  const { child, ended } = startProcess<NodeProgress>('derivationNode.js', task, (told) => {
    progress.push({ ...told, ms: told.ms - pausedMs })
  })
  const over = new AbortController()
  const isOver = ended.finally(() => over.abort())
  isOver.catch(() => undefined)
  const { signal } = over
  try {
    while (!signal.aborted) {
      await wait(everySeconds * 1_000, undefined, { signal }).catch(() => undefined)
      // Its time runs from what it tells first.
      if (signal.aborted || progress.length === 0) continue
      const start = performance.now()
      child.kill('SIGSTOP')
      await meanwhile()
      pausedMs += performance.now() - start
      child.kill('SIGCONT')
    }
    await isOver
    return progress
  } finally {
    child.kill('SIGKILL')
  }
}

/** Runs a script beside this one in a process of its own and hears what it sends. */
function inProcess<T>(script: string, task: unknown, onMessage: (message: T) => void): Promise<void> {
  return startProcess(script, task, onMessage).ended
}

function startProcess<T>(
  script: string,
  task: unknown,
  onMessage: (message: T) => void,
): { child: ChildProcess; ended: Promise<void> } {
  const child = fork(pathOf(script), [JSON.stringify(task)])
  child.on('message', (message) => onMessage(message as T))
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code === 0) resolve()
      else reject(new BenchmarkError(`${script} ended with ${code}`))
    })
  })
  return { child, ended }
}

/** Where a script beside this one lies. */
function pathOf(script: string): string {
  return fileURLToPath(new URL(script, import.meta.url))
}
