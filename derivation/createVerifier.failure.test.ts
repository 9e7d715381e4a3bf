import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CriticalFault, createLogger, openChainStore } from '../node/index.ts'
import { createTestRollup } from '../test/chainFixtures.ts'
import { createVerifier, type VerifierOptions } from './createVerifier.ts'

const rollup = createTestRollup()
const aborted = vi.spyOn(AbortController.prototype, 'abort')
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-failing-'))
  aborted.mockClear()
})
afterEach(() => rm(directory, { recursive: true }))

const options = (): VerifierOptions => ({
  rollup,
  dataDirectory: directory,
  l1: { urls: ['http://127.0.0.1:1'] },
  rpc: { host: '127.0.0.1', port: 0 },
  logger: createLogger({ level: 'silent' }),
  version: 'keyroll/test',
})

/** Expects that a verifier which cannot be started ends what waits for L1, and lets go of its database. */
async function expectReleased(failing: VerifierOptions, error: unknown): Promise<void> {
  await expect(createVerifier(failing)).rejects.toThrow(error)
  expect(aborted).toHaveBeenCalled()
  await (await openChainStore(directory, rollup)).close()
}

it('releases everything when there is nobody whom it is to trust about L1', async () => {
  await expectReleased({ ...options(), l1: { ...options().l1, trust: 'beacon' } }, CriticalFault)
})

it('releases everything when a port cannot be bound', async () => {
  const first = await createVerifier({ ...options(), dataDirectory: ':memory:' })
  aborted.mockClear()
  const port = Number(new URL(first.url).port)
  await expectReleased({ ...options(), rpc: { host: '127.0.0.1', port } }, /cannot listen/)
  await first.close()
})

// An answer may take 15 seconds before it is given up.
it('ends at once though its L1 node drips an answer that never ends', async () => {
  let asked = () => {}
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const dripping = createServer((_, response) => {
    response.write('{"jsonrpc":')
    asked()
  })
  await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve))
  const { port } = dripping.address() as AddressInfo
  const l1 = { urls: [`http://127.0.0.1:${port}`] }
  const verifier = await createVerifier({ ...options(), l1 })
  await isAsked
  await verifier.close()
  await (await openChainStore(directory, rollup)).close()
  // Nothing of it is left on the wire either.
  await new Promise((resolve) => dripping.close(resolve))
}, 14_000)
