import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChildProcess, startChildProcess } from './ChildProcess.ts'
import { createWorld, type World } from './World.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-world-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const start = (world: World, name: string, script: string): Promise<ChildProcess> =>
  startChildProcess({
    name,
    command: process.execPath,
    args: ['-e', script],
    logFile: join(world.logDirectory, `${name}.log`),
    ready: /^ready (\d+)$/,
  })

const STAY = "console.log('ready ' + process.pid); setInterval(() => {}, 1000)"

/** A process that ended but was not yet reaped by its parent counts as gone. */
function isAlive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' }).stdout.trim()
  return state !== '' && !state.startsWith('Z')
}

describe('createWorld', () => {
  it('names the part that crashes, and keeps the files that say why', async () => {
    const world = await createWorld(undefined)
    const [first] = await world.own([start(world, 'first', STAY), start(world, 'second', STAY)])
    process.kill(Number(first.match[1]), 'SIGKILL')
    await expect(world.crashed).rejects.toThrow(/^first: exited with code 137/)
    await world.stop()
    expect(existsSync(join(world.logDirectory, 'first.log'))).toBe(true)
    rmSync(world.dataDir, { recursive: true })
  })

  it('stops last what started first, once, and removes its temporary directory', async () => {
    const world = await createWorld(undefined)
    const stopped: string[] = []
    world.onStop(async () => void stopped.push('first'))
    world.onStop(async () => void stopped.push('second'))
    await world.stop()
    await world.stop()
    expect(stopped).toEqual(['second', 'first'])
    expect(existsSync(world.dataDir)).toBe(false)
  })

  it('stops the others too when one cannot be stopped, and says so at the end', async () => {
    const world = await createWorld(undefined)
    const stopped: string[] = []
    world.onStop(async () => void stopped.push('first'))
    world.onStop(() => Promise.reject(new RangeError('does not stop')))
    await expect(world.stop()).rejects.toThrow(RangeError)
    expect(stopped).toEqual(['first'])
    expect(existsSync(world.dataDir)).toBe(false)
  })

  it('does not take its own stopping for a crash', async () => {
    const world = await createWorld(join(directory, 'data'))
    await world.own([start(world, 'part', STAY)])
    const outcome = Promise.race([world.crashed, world.stop().then(() => 'stopped')])
    expect(await outcome).toBe('stopped')
    expect(existsSync(world.logDirectory)).toBe(true)
  })

  it('stops what did start when a neighbour does not', async () => {
    const world = await createWorld(join(directory, 'data'))
    let neighbour: ChildProcess | undefined
    const starting = start(world, 'neighbour', STAY).then((part) => {
      neighbour = part
      return part
    })
    await expect(world.own([start(world, 'broken', 'process.exit(1)'), starting])).rejects.toThrow(
      /^broken: /,
    )
    await world.stop()
    expect(isAlive(Number(neighbour?.match[1]))).toBe(false)
  })

  it('refuses a directory with files in it, and leaves them alone', async () => {
    writeFileSync(join(directory, 'precious'), '')
    await expect(createWorld(directory)).rejects.toThrow(/^data directory: .*expected it empty or absent$/)
    expect(existsSync(join(directory, 'precious'))).toBe(true)
  })
})
