import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { makeDirectory } from '../node/store/makeDirectory.ts'
import type { ChildProcess } from './ChildProcess.ts'
import { DevnetError } from './DevnetError.ts'

/** Promises of processes, in a tuple. */
export type Starting<parts extends readonly ChildProcess[]> = readonly [
  ...{ [index in keyof parts]: Promise<parts[index]> },
]

/** What a devnet has to stop at its end, in the order of starting. */
export interface World {
  readonly dataDir: string
  readonly logDirectory: string
  /** Rejects with the first failure of anything watched; never resolves. */
  readonly crashed: Promise<never>
  /** Waits for processes to start and registers them: a crash of one is the devnet's. @throws what the first to fail threw. */
  own<parts extends readonly ChildProcess[]>(starting: Starting<parts>): Promise<parts>
  onStop(stop: () => Promise<void>): void
  watch(work: Promise<unknown>): void
  /** Keeps the temporary directory when the world stops: whoever looks for what failed needs the logs. */
  keepFiles(): void
  /** Stops everything, last started first. Safe to call twice. @throws what the first that cannot be stopped throws, at the end. */
  stop(): Promise<void>
}

/**
 * Creates an empty world in a directory, or in a temporary one that goes when the world stops.
 *
 * @throws {DevnetError} when the directory holds something: chains start anew, so old databases could not go on.
 */
export async function createWorld(givenDataDir: string | undefined): Promise<World> {
  const dataDir = givenDataDir ? resolve(givenDataDir) : await mkdtemp(join(tmpdir(), 'keyroll-devnet-'))
  const logDirectory = join(dataDir, 'logs')
  makeDirectory(dataDir)
  if ((await readdir(dataDir)).length > 0) {
    throw new DevnetError('data directory', `got ${dataDir} with files in it, expected it empty or absent`)
  }
  await mkdir(logDirectory)

  let fail: (error: unknown) => void = () => {}
  const crashed = new Promise<never>((_, reject) => {
    fail = reject
  })
  let isTemporary = givenDataDir === undefined
  const keepFiles = () => {
    isTemporary = false
  }
  crashed.catch(keepFiles)
  const watch = (work: Promise<unknown>) => void work.catch(fail)

  const stops: (() => Promise<void>)[] = []
  let stopped: Promise<void> | undefined
  const stopAll = async () => {
    const faults: unknown[] = []
    // One that cannot be stopped must not keep the others running.
    for (const stop of stops.reverse()) await stop().catch((fault: unknown) => faults.push(fault))
    if (isTemporary) await rm(dataDir, { recursive: true, force: true })
    if (faults.length > 0) throw faults[0]
  }
  return {
    dataDir,
    logDirectory,
    crashed,
    watch,
    keepFiles,
    async own<parts extends readonly ChildProcess[]>(starting: Starting<parts>) {
      // All of them are awaited, so that none starts behind the back of a world that has stopped already.
      const results: readonly PromiseSettledResult<ChildProcess>[] = await Promise.allSettled(starting)
      for (const result of results) {
        if (result.status === 'rejected') continue
        watch(result.value.crashed)
        stops.push(result.value.stop)
      }
      return (await Promise.all(starting)) as unknown as parts
    },
    onStop: (stop) => void stops.push(stop),
    stop() {
      stopped ??= stopAll()
      return stopped
    },
  }
}
