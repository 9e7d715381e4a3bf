import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rollupConfigToJson } from '../../protocol/index.ts'
import { type SequencerWorld, until } from '../sequencerWorld.ts'
import { keyroll, type Run } from './keyroll.ts'

/** A `keyroll sequencer` or `keyroll node` that listens. */
export type RunningProcess = {
  url: string
  /** What it has logged so far. */
  log(): string
  /** As `kill -9`; resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts the command line's processes on one rollup, each as a person does, and ends those that still run. */
export interface Processes {
  /** Of the rollup config, the keys, and every data directory. */
  readonly directory: string
  startSequencer(dataDir: string, ...flags: readonly string[]): Promise<RunningProcess>
  startNode(dataDir: string, ...flags: readonly string[]): Promise<RunningProcess>
  stop(): Promise<void>
}

const KEYS = ['promise-signer', 'batcher', 'proposer'] as const

/** Writes the files that the processes of a world need. */
export async function createProcesses({
  rollup,
  accounts,
  l1Url,
}: Pick<SequencerWorld, 'rollup' | 'accounts' | 'l1Url'>): Promise<Processes> {
  const directory = await mkdtemp(join(tmpdir(), 'keyroll-processes-'))
  const { promiseSigner, batcher, proposer } = accounts
  const keys = [promiseSigner, batcher, proposer].map(({ privateKey }) => privateKey)
  await writeFile(join(directory, 'rollup.json'), JSON.stringify(rollupConfigToJson(rollup)))
  await Promise.all(keys.map((key, i) => writeFile(join(directory, `${KEYS[i]}`), key)))
  const runs = new Set<Run>()

  async function start(command: string, dataDir: string, flags: readonly string[]): Promise<RunningProcess> {
    const run = keyroll(
      ...[command, '--l1-rpc', l1Url, '--rollup-config', join(directory, 'rollup.json')],
      ...['--data-dir', join(directory, dataDir), '--port', '0', '--l1-poll-interval', '100', ...flags],
    )
    runs.add(run)
    let hasEnded = false
    run.exited.then(() => {
      hasEnded = true
    })
    const url = await until(
      async () => /"rpcUrl":"([^"]+)"/.exec(run.stdout())?.[1] ?? '',
      (found) => found !== '' || hasEnded,
    )
    if (url === '') throw new Error(`keyroll ${command} ended: ${run.stderr()}`)
    return {
      url,
      log: run.stderr,
      async kill() {
        run.kill('SIGKILL')
        await run.exited
        runs.delete(run)
      },
    }
  }

  return {
    directory,
    startSequencer: (dataDir, ...flags) =>
      start('sequencer', dataDir, [
        ...['--promise-key-file', join(directory, KEYS[0]), '--batcher-key-file', join(directory, KEYS[1])],
        ...['--proposer-key-file', join(directory, KEYS[2]), '--proposer-head', 'safe'],
        ...['--l1-confirmations', '0', '--max-channel-duration', '0', ...flags],
      ]),
    startNode: (dataDir, ...flags) => start('node', dataDir, flags),
    async stop() {
      for (const run of runs) run.kill('SIGKILL')
      await Promise.all([...runs].map(({ exited }) => exited))
      await rm(directory, { recursive: true })
    },
  }
}
