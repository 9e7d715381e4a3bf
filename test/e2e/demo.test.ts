import { expect, it } from 'vitest'
import type { DemoResult } from '../../cli/demo/runDemo.ts'
import { keyroll } from './keyroll.ts'

const HASH = /^0x[0-9a-f]{64}$/

it('demo --json takes a rotation the whole way, and prints one JSON object', async () => {
  const startedAt = performance.now()
  const run = keyroll('demo', '--json')
  expect(await run.exited, run.stderr()).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(90_000)

  expect(run.stdout().trimEnd().split('\n')).toHaveLength(1)
  const result: DemoResult = JSON.parse(run.stdout())
  expect(Object.keys(result)).toEqual([
    ...['id', 'nonce', 'configHash', 'promiseMs', 'unsafeBlock', 'batchTx', 'safeBlock'],
    ...['outputIndex', 'outputRoot', 'derivedOutputRoot', 'replicas'],
  ])
  expect(result.id).toMatch(HASH)
  expect(result.nonce).toBe(1)
  expect(result.configHash).toMatch(HASH)
  expect(result.configHash).not.toBe(result.id)
  expect(result.promiseMs).toBeGreaterThan(0)
  expect(result.unsafeBlock).toBeGreaterThan(0)
  expect(result.batchTx).toMatch(HASH)
  expect(result.safeBlock).toBe(result.unsafeBlock)
  expect(result.outputIndex).toBeGreaterThanOrEqual(0)
  expect(result.outputRoot).toMatch(HASH)
  expect(result.derivedOutputRoot).toBe(result.outputRoot)

  expect(result.replicas.map(({ chain, source }) => ({ chain, source }))).toEqual([
    { chain: 'A', source: 'L1Block' },
    { chain: 'B', source: 'EIP-4788' },
  ])
  for (const replica of result.replicas) {
    expect(Object.keys(replica)).toEqual([
      ...['chain', 'source', 'rootGas', 'confirmGas', 'configHash', 'confirmed'],
    ])
    expect(replica.rootGas).toBeGreaterThan(21_000)
    expect(replica.confirmGas).toBeGreaterThan(21_000)
    expect(replica.configHash).toBe(result.configHash)
    expect(replica.confirmed).toBe(true)
  }
})
