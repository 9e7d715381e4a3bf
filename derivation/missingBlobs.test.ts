import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createL1Client, createLogger } from '../node/index.ts'
import { type Block, encodeBatcherData, encodeBlob } from '../protocol/index.ts'
import { blockToBatch, createFakeL1Rollup, openTestNode } from '../test/derivationWorld.ts'
import { createHashedL1, createHashKzg } from '../test/HashedL1.ts'
import { createVerifier } from './createVerifier.ts'

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

describe('a verifier that lacks blobs', () => {
  it('waits, says at /readyz and in its metrics for which, and goes on when somebody serves them', async () => {
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
    const start = (beaconUrls: readonly string[]) =>
      createVerifier({
        rollup,
        dataDirectory: join(dataDirectory, 'chain'),
        l1: { urls: ['http://rpc'], beaconUrls, ...common },
        rpc: { host: '127.0.0.1', port: 0 },
        logger: createLogger({ level: 'silent' }),
        version: 'keyroll/test',
        pollIntervalMs: 10,
      })

    const blind = await start([])
    const readiness = async () => await (await fetch(`${blind.url}/readyz`)).text()
    await until('the report', async () => (await readiness()).includes('BLOBS_MISSING'))
    const { reasons } = JSON.parse(await readiness()) as { reasons: { reason: string }[] }
    expect(reasons.find(({ reason }) => reason === 'BLOBS_MISSING')).toMatchObject({
      message: expect.stringContaining('--l1-beacon'),
      l1Block: 102,
      missing: [missing],
    })
    expect(await (await fetch(`${blind.url}/metrics`)).text()).toMatch(/keyroll_derivation_missing_blobs 1/)
    expect(blind.derivation.failure()).toBeUndefined()
    expect(blind.store.heads().safe.number).toBe(0n)
    await blind.close()

    l1.lie = ({ host, method }, truth) => (host === 'beacon1' && method.includes('blob') ? undefined : truth)
    const pruned = await start(['http://beacon1'])
    await until('the fault', () => pruned.derivation.status().trouble !== undefined)
    await pruned.close()

    const seeing = await start(['http://beacon1', 'http://beacon2'])
    await until('the blocks', () => seeing.store.heads().safe.number === 2n)
    await until('readiness', async () => (await fetch(`${seeing.url}/readyz`)).status === 200)
    expect(seeing.store.heads().safe.hash).toBe(blocks[1]?.hash)
    expect(await (await fetch(`${seeing.url}/metrics`)).text()).toMatch(/keyroll_derivation_missing_blobs 0/)
    await seeing.close()
  })
})
