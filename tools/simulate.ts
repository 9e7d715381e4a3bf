import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Outcome, simulate } from '../test/simulation/simulate.ts'

/** Milliseconds after which a seed, which takes seconds, fails: it does not come to an end. */
const MOST_MS = 180_000

type Options = {
  seeds: number
  from: number
  seconds: number | undefined
  seed: number | undefined
  trace: true | 'info' | 'debug' | undefined
  jobs: number
}

/** What all runs came to together. */
type Summary = {
  seeds: number
  failed: number[]
  /** Seeds that there was no time for. */
  skipped: number
  fates: Record<string, number>
  /** Seeds in which no promise was given. */
  withoutPromises: number
  l1Blocks: number
  /** L1 blocks taken back at once, at most, and in how many seeds more than 32 were. */
  deepestReorg: number
  deepReorgs: number
  l2Blocks: number
  /** Unsafe blocks that verifiers took from the sequencer. */
  followedBlocks: number
  /** Submissions of the batcher that stand on L1. */
  inCalldata: number
  inBlobs: number
  starts: number
  seconds: number
}

const options = new Command('simulate')
  .description(
    'Plays the rollup on an L1 that reorganises, with nodes that fail and processes that are killed, once for each seed, ' +
      'and checks what must hold in the end.',
  )
  .option('--seeds <n>', 'how many seeds to play', toCount, 100)
  .option('--from <seed>', 'the first seed', toCount, 1)
  .option('--seconds <t>', 'begin no further seed after so many seconds', toCount)
  .option('--seed <seed>', 'play this one alone', toCount)
  .addOption(
    new Option('--trace [level]', 'with --seed: tell all that happens, and what is logged').choices([
      'info',
      'debug',
    ]),
  )
  .option('--jobs <n>', 'processes', toCount, availableParallelism())
  .parse()
  .opts<Options>()

if (process.send !== undefined) work()
else if (options.seed !== undefined) await replay(options.seed)
else await playAll()

/** In a child: plays the seeds that the parent sends, one after the other. */
function work(): void {
  process.on('message', async (seed: number) => {
    process.send?.(await simulate(seed))
  })
}

async function replay(seed: number): Promise<void> {
  const { trace } = options
  const outcome = await simulate(seed, {
    ...(trace !== undefined && { onTrace: (line: string) => console.log(line) }),
    ...(typeof trace === 'string' && { logLevel: trace }),
  })
  report(outcome)
  console.log(JSON.stringify(outcome))
  process.exitCode = outcome.failures.length === 0 ? 0 : 1
}

async function playAll(): Promise<void> {
  const started = Date.now()
  const elapsed = () => (Date.now() - started) / 1_000
  const { seeds, from, seconds = Number.POSITIVE_INFINITY } = options
  const summary: Summary = {
    ...{ seeds: 0, failed: [], skipped: 0, fates: {}, withoutPromises: 0, starts: 0, seconds: 0 },
    ...{
      l1Blocks: 0,
      deepestReorg: 0,
      deepReorgs: 0,
      l2Blocks: 0,
      followedBlocks: 0,
      inCalldata: 0,
      inBlobs: 0,
    },
  }
  let next = from
  const takeSeed = () => (next < from + seeds && elapsed() < seconds ? next++ : undefined)
  await Promise.all(Array.from({ length: Math.min(options.jobs, seeds) }, () => runChild(takeSeed, summary)))
  summary.failed.sort((a, b) => a - b)
  summary.skipped = from + seeds - next
  summary.seconds = Math.round(elapsed())
  console.log(JSON.stringify(summary))
  // Whoever asks for so many seeds is not to take fewer for an answer.
  if (summary.skipped > 0) console.error(`there was no time for ${summary.skipped} seeds`)
  process.exitCode = summary.failed.length + summary.skipped === 0 ? 0 : 1
}

function runChild(takeSeed: () => number | undefined, summary: Summary): Promise<void> {
  const child = fork(import.meta.filename, { execArgv: process.execArgv })
  return new Promise((resolve) => {
    let current: number | undefined
    let timer: NodeJS.Timeout | undefined
    let isStuck = false
    const give = () => {
      clearTimeout(timer)
      current = takeSeed()
      if (current === undefined) return child.disconnect()
      timer = setTimeout(() => {
        isStuck = child.kill('SIGKILL')
      }, MOST_MS)
      child.send(current)
    }
    child.on('message', (outcome: Outcome) => {
      if (isStuck || !child.connected) return
      add(summary, outcome)
      report(outcome)
      give()
    })
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      if (current === undefined) return resolve()
      summary.failed.push(current)
      const end = isStuck ? `did not end in ${MOST_MS / 1_000} s` : `the process ended with ${code ?? signal}`
      console.error(`seed ${current}: ${end}\n${howToReplay(current)}`)
      // The seeds that are left still have to be played.
      resolve(runChild(takeSeed, summary))
    })
    give()
  })
}

function add(summary: Summary, outcome: Outcome): void {
  const { seed, failures, fates } = outcome
  summary.seeds++
  if (Object.keys(fates).length === 0) summary.withoutPromises++
  if (failures.length > 0) summary.failed.push(seed)
  summary.deepestReorg = Math.max(summary.deepestReorg, outcome.deepestReorg)
  if (outcome.deepestReorg > 32) summary.deepReorgs++
  for (const [fate, count] of Object.entries(fates)) summary.fates[fate] = (summary.fates[fate] ?? 0) + count
  for (const each of ['l1Blocks', 'l2Blocks', 'followedBlocks', 'inCalldata', 'inBlobs', 'starts'] as const) {
    summary[each] += outcome[each]
  }
}

function report({ seed, failures }: Outcome): void {
  if (failures.length === 0) return
  const lines = failures.map(({ check, detail }) => `  ${check}: ${detail}`)
  console.error([`seed ${seed} fails:`, ...lines, howToReplay(seed)].join('\n'))
}

function howToReplay(seed: number): string {
  return `  npm run simulate -- --seed ${seed} --trace`
}

function toCount(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError('expected a whole number')
  return Number(value)
}
