import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createL1Client, createLogger } from '../node/index.ts'
import { type Block, encodeBatcherData, encodeBlob } from '../protocol/index.ts'
import { blockToBatch, createFakeL1Rollup, openTestNode } from '../test/derivationWorld.ts'
import { createHashedL1, createHashKzg } from '../test/HashedL1.ts'
import { createVerifier, type Verifier } from './createVerifier.ts'

let dataDirectory: string
beforeAll(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'keyroll-blobs-'))
})
afterAll(() => rm(dataDirectory, { recursive: true, force: true }))

async function until(what: string, holds: () => boolean | Promise<boolean>) {
  const deadline = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > deadline) expect.fail(`not in time: ${what}`)
    await wait(10)
  }
}

/** An L1 with two blocks of the rollup in a blob, and how to start a verifier of it. */
async function setUp() {
  const l1 = createHashedL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  const common = { http: l1.http, kzg: createHashKzg(), retryPauseMs: 0 }
  const sequencer = await openTestNode(rollup, createL1Client({ urls: ['http://rpc'], ...common }))
  l1.mine([], 6n)
  const blocks = [await sequencer.build(), await sequencer.build()].filter(
    (block): block is Block => block !== undefined,
  )
  const blob = encodeBlob(encodeBatcherData(blocks.map(blockToBatch)))
  const missing = await createHashKzg().versionedHash(blob)
  l1.mine([{ kind: 'blobs', blobs: [blob] }], 6n)
  const start = (directory: string, beaconUrls: readonly string[]): Promise<Verifier> =>
    createVerifier({
      rollup,
      dataDirectory: directory,
      l1: { urls: ['http://rpc'], beaconUrls, ...common },
      rpc: { host: '127.0.0.1', port: 0 },
      logger: createLogger({ level: 'silent' }),
      version: 'keyroll/test',
      pollIntervalMs: 10,
    })
  return { l1, blocks, missing, start }
}

const readiness = async ({ url }: Verifier) => await (await fetch(`${url}/readyz`)).text()
const metricsOf = async ({ url }: Verifier) => await (await fetch(`${url}/metrics`)).text()

describe('a verifier that lacks blobs', () => {
  it('waits, says at /readyz and in its metrics for which, and goes on when somebody serves them', async () => {
    const { l1, blocks, missing, start } = await setUp()
    const directory = join(dataDirectory, 'chain')

    const blind = await start(directory, [])
    await until('the report', async () => (await readiness(blind)).includes('BLOBS_MISSING'))
    const { reasons } = JSON.parse(await readiness(blind)) as { reasons: { reason: string }[] }
    expect(reasons.find(({ reason }) => reason === 'BLOBS_MISSING')).toMatchObject({
      message: expect.stringContaining('--l1-beacon'),
      l1Block: 102,
      missing: [missing],
    })
    expect(await metricsOf(blind)).toMatch(/keyroll_derivation_missing_blobs 1/)
    expect(blind.derivation.failure()).toBeUndefined()
    expect(blind.store.heads().safe.number).toBe(0n)
    await blind.close()

    l1.lie = ({ host, method }, truth) => (host === 'beacon1' && method.includes('blob') ? undefined : truth)
    const pruned = await start(directory, ['http://beacon1'])
    await until('the fault', () => pruned.derivation.status().trouble !== undefined)
    await pruned.close()

    const seeing = await start(directory, ['http://beacon1', 'http://beacon2'])
    await until('the blocks', () => seeing.store.heads().safe.number === 2n)
    await until('readiness', async () => (await fetch(`${seeing.url}/readyz`)).status === 200)
    expect(seeing.store.heads().safe.hash).toBe(blocks[1]?.hash)
    expect(await metricsOf(seeing)).toMatch(/keyroll_derivation_missing_blobs 0/)
    await seeing.close()
  })

  it('goes on by itself when its beacon node serves them', async () => {
    const { l1, blocks, missing, start } = await setUp()
    l1.lie = ({ method }, truth) => (method.includes('blob') ? undefined : truth)
    const verifier = await start(':memory:', ['http://beacon1'])
    await until('a second attempt', () => (verifier.derivation.status().trouble?.attempts ?? 0) > 1)
    const report = await readiness(verifier)
    expect(JSON.parse(report)).toMatchObject({
      ready: false,
      reasons: expect.arrayContaining([
        expect.objectContaining({ reason: 'BLOBS_MISSING', l1Block: 102, missing: [missing] }),
      ]),
    })
    expect(await metricsOf(verifier)).toMatch(/keyroll_derivation_missing_blobs 1/)
    expect(verifier.store.heads().safe.number).toBe(0n)

    l1.lie = undefined
    await until('the blocks', () => verifier.store.heads().safe.number === 2n)
    expect(verifier.store.heads().safe.hash).toBe(blocks[1]?.hash)
    await until('readiness', async () => (await fetch(`${verifier.url}/readyz`)).status === 200)
    expect(await metricsOf(verifier)).toMatch(/keyroll_derivation_missing_blobs 0/)
    await verifier.close()
  })
})
