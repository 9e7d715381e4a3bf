import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startChildProcess } from './ChildProcess.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-child-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const start = (script: string, options: { startTimeout?: number } = {}) =>
  startChildProcess({
    name: 'part',
    command: process.execPath,
    args: ['-e', script],
    logFile: join(directory, 'part.log'),
    ready: /^ready (\d+)$/,
    ...options,
  })

const ANNOUNCE = "console.log('ready ' + process.pid)"
const STAY = 'setInterval(() => {}, 1000)'

/** A process that ended but was not yet reaped by its parent counts as gone. */
function isAlive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' }).stdout.trim()
  return state !== '' && !state.startsWith('Z')
}

describe('startChildProcess', () => {
  it('is ready when the line comes, and leaves nothing running when stopped', async () => {
    const child = await start(`${ANNOUNCE}; ${STAY}`)
    const pid = Number(child.match[1])
    expect(isAlive(pid)).toBe(true)
    await child.stop()
    await child.stop()
    expect(isAlive(pid)).toBe(false)
  })

  it('lets the process end in its own way before it insists', async () => {
    const child = await start(
      `process.on('SIGTERM', () => { console.log('bye'); process.exit() }); ${ANNOUNCE}; ${STAY}`,
    )
    await child.stop()
    await vi.waitFor(() => expect(readFileSync(join(directory, 'part.log'), 'utf8')).toContain('bye'))
  })

  it('names the process that ends before it is ready, with its last words', async () => {
    await expect(start("console.error('no such file'); process.exit(3)")).rejects.toThrow(
      /^part: exited with code 3\n {2}\| no such file/,
    )
  })

  it('gives up a process that never says it is ready, and leaves nothing running', async () => {
    await expect(start(STAY, { startTimeout: 300 })).rejects.toThrow('part: not ready after 300 ms')
  })

  it('reports a crash later on', async () => {
    const child = await start(`${ANNOUNCE}; ${STAY}`)
    process.kill(Number(child.match[1]), 'SIGKILL')
    await expect(child.crashed).rejects.toThrow(/^part: exited with code 137/)
  })

  it('takes the process down with its guard, even when the guard is killed', async () => {
    const child = await start(`${ANNOUNCE}; ${STAY}`)
    process.kill(child.pid, 'SIGKILL')
    await expect(child.crashed).rejects.toThrow(/^part: killed by SIGKILL/)
    await vi.waitFor(() => expect(isAlive(Number(child.match[1]))).toBe(false))
  })
})
