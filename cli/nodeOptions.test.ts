import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { rollupConfigToJson } from '../protocol/index.ts'
import { createTestRollup } from '../test/chainFixtures.ts'
import type { NodeFlags } from './nodeOptions.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-node-options-'))
  await writeFile(join(directory, 'rollup.json'), JSON.stringify(rollupConfigToJson(createTestRollup())))
})
afterEach(async () => {
  vi.unstubAllGlobals()
  vi.resetModules()
  await rm(directory, { recursive: true })
})

/** What a node logs while it reads its flags. */
async function logged(): Promise<string[]> {
  vi.resetModules()
  const { readNodeFlags, withNodeOptions } = await import('./nodeOptions.ts')
  const command = withNodeOptions(new Command(), { dataDir: join(directory, 'data'), port: 0 })
  const rollup = ['--rollup-config', join(directory, 'rollup.json')]
  command.parse(['--l1-rpc', 'http://127.0.0.1:1', ...rollup], { from: 'user' })
  const lines: string[] = []
  readNodeFlags(command.opts<NodeFlags>(), 'node', {
    show: () => undefined,
    write: (line) => lines.push(line),
  })
  return lines
}

it('warns where WebAssembly is missing, for a node that hashes ten times as slowly looks broken', async () => {
  expect(await logged()).toEqual([])
  vi.stubGlobal('WebAssembly', undefined)
  const [line, ...more] = await logged()
  expect(JSON.parse(line ?? '')).toMatchObject({ level: 40, msg: expect.stringContaining('WebAssembly') })
  expect(more).toEqual([])
})
