import { afterEach, expect, it, vi } from 'vitest'
import { keyroll } from '../test/e2e/keyroll.ts'
import { startHttpServer } from '../test/httpServer.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

it('reads the switches of every command from the environment', async () => {
  vi.stubEnv('KEYROLL_STOPPED', 'maybe')
  const run = keyroll('sequencer', '--l1-rpc', 'http://127.0.0.1:1', '--rollup-config', 'none')
  expect(await run.exited).toBe(1)
  expect(run.stderr()).toContain('KEYROLL_STOPPED: got "maybe", expected true or false')
}, 30_000)

it('ends without a word when nobody reads what it prints any more', async () => {
  const node = await startHttpServer(async () => Response.json({ jsonrpc: '2.0', id: 1, result: {} }))
  const run = keyroll('get', `0x${'01'.repeat(32)}`, '--keyroll-rpc', node.url)
  run.closeStdout()
  expect(await run.exited, run.stderr()).toBe(141)
  expect(run.stderr()).toBe('')
  await node.close()
}, 30_000)
