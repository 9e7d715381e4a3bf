import { type Database, ResetFault, TemporaryFault } from '../../node/index.ts'
import { createDisk, DiskError, openFaultyDatabase } from './FaultyDatabase.ts'
import { createHost, type Host } from './Host.ts'
import { createL1Node, type L1Node } from './L1Node.ts'
import { isCalm, type World } from './World.ts'

/** What a process is given when it starts. */
export type Surroundings = {
  host: Host
  database: Database
  node: L1Node
  /** Repeats a step until the process dies; the step tells, or `intervalMs` says, how long to wait. */
  repeat: (step: () => Promise<unknown>, intervalMs?: number) => void
}

/** A process that dies and is started again, on a disk that stays. */
export interface SimulatedProcess<T> {
  readonly name: string
  /** What runs; undefined while nothing does. */
  running(): { host: Host; parts: T } | undefined
  start(): void
  kill(why: string): void
  /** Tells whether something is on its way to its disk. */
  isWriting(): boolean
  /** Counts how often it was started. */
  starts(): number
}

/** Makes a process that `boot` puts together from what is on its disk. */
export function createProcess<T>({
  world,
  name,
  kills,
  boot,
}: {
  world: World
  name: string
  /** Chance of one second. */
  kills: number
  boot: (surroundings: Surroundings) => Promise<T>
}): SimulatedProcess<T> {
  const { scenario, timeline } = world
  const random = world.random(name)
  const disk = createDisk()
  let running: { host: Host; parts: T } | undefined
  let isWriting = () => false
  let starts = 0

  function start(): void {
    starts++
    world.trace(name, `starts for the ${starts}. time`)
    const host = createHost(name, timeline, () => {
      running = undefined
      timeline.after(isCalm(world) ? 1_000 : random.integer(100, scenario.downtime), start)
    })
    const database = openFaultyDatabase({
      disk,
      host,
      latency: () => random.integer(1, 15),
      fateOf(writes) {
        const meddled = world.sabotage.fateOf?.(name, writes)
        if (meddled !== undefined) return meddled
        if (isCalm(world)) return 'works'
        if (random.chance(scenario.disk.fails)) return fate('fails')
        if (random.chance(scenario.disk.dies)) return fate(random.pick(['dies before', 'dies after']))
        return 'works'
      },
    })
    isWriting = database.isWriting
    const { l1, contents, mempool, rollup, viewAt } = world
    const { now } = timeline
    const weather = () => (isCalm(world) ? CALM : scenario.node)
    const baseFees = () => world.baseFees
    const node = createL1Node({
      ...{ l1, contents, mempool, rollup, viewAt, now, host, random, weather, baseFees },
    })
    const client = world.sabotage.wrapClient?.(name, node.client) ?? node.client
    const repeat = (step: () => Promise<unknown>, intervalMs?: number) => {
      loop(host, step, intervalMs).catch((error: unknown) => end(host, error))
    }
    boot({ host, database, node: { ...node, client }, repeat }).then(
      (parts) => {
        if (host.isAlive()) running = { host, parts }
      },
      (error: unknown) => end(host, error),
    )
    watch(host)
  }

  function fate<F extends string>(chosen: F): F {
    world.trace(name, `at a write: ${chosen}`)
    return chosen
  }

  async function loop(
    host: Host,
    step: () => Promise<unknown>,
    intervalMs: number | undefined,
  ): Promise<void> {
    let retryMs = FIRST_RETRY_MS
    while (host.isAlive()) {
      let wait: unknown
      try {
        wait = await step()
        retryMs = FIRST_RETRY_MS
      } catch (error) {
        if (!(error instanceof TemporaryFault || error instanceof ResetFault)) throw error
        wait = retryMs
        retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
      }
      await host.pause(typeof wait === 'number' ? wait : (intervalMs ?? 0))
    }
  }

  /** A part that fails for good ends its process, and whoever looks after it starts it again. */
  function end(host: Host, error: unknown): void {
    if (!host.isAlive()) return
    if (!isDiskError(error)) {
      world.fail(
        'a process ends only when its disk fails',
        `${name}: ${error instanceof Error ? error.stack : error}`,
      )
    }
    world.trace(name, `ends: ${error instanceof Error ? error.message : error}`)
    host.kill()
  }

  function watch(host: Host): void {
    timeline.after(1_000, () => {
      if (!host.isAlive()) return
      if (!isCalm(world) && random.chance(kills)) {
        world.trace(name, 'is killed')
        host.kill()
      } else watch(host)
    })
  }

  return {
    name,
    running: () => running,
    start,
    kill(why) {
      world.trace(name, `is killed: ${why}`)
      running?.host.kill()
    },
    isWriting: () => running !== undefined && isWriting(),
    starts: () => starts,
  }
}

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 8_000

const CALM = { fails: 0, lags: 0, losesAnswer: 0, forgets: 0, slowness: 0, lag: 0 }

/** Tells whether a disk that failed is behind an error. */
export function isDiskError(error: unknown): boolean {
  return error instanceof Error && (error instanceof DiskError || isDiskError(error.cause))
}
