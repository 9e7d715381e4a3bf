import { type Hex, numberToHex, pad, zeroAddress } from 'viem'
import { afterEach, describe, expect, it } from 'vitest'
import { fakeHash } from '../../test/chainFixtures.ts'
import { startHttpServer } from '../../test/httpServer.ts'
import { createL1State } from '../../test/l1State.ts'
import { startSequencerWorld } from '../../test/sequencerWorld.ts'
import { TEST_ROLLUP } from '../../test/TestChain.ts'
import { TemporaryFault } from '../Fault.ts'
import { createL1Client } from './L1Client.ts'
import type { L1Header } from './L1Header.ts'
import { createPromiseSignerReader } from './PromiseSignerReader.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const systemConfig = TEST_ROLLUP.l1SystemConfigAddress
const [alice, bob]: [Hex, Hex] = [`0x${'a1'.repeat(20)}`, `0x${'b0'.repeat(20)}`]
const slotOf = (place: number): Hex => numberToHex(place, { size: 32 })
/** An L1 in whose newest block this account signs. */
const naming = (signer: Hex) =>
  createL1State(systemConfig, { [slotOf(2)]: pad(bob), [slotOf(3)]: pad(signer) })
const truth = naming(alice)

type Node = (slot: Hex) => unknown
const honest: Node = truth.prove
const lies: Record<string, Node> = {
  'that somebody else signs, in another state': naming(bob).prove,
  'what stands beside it': () => truth.prove(slotOf(2)),
  'that nobody signs': () => truth.prove(slotOf(7)),
  'that there is no SystemConfig': () => ({ accountProof: [], storageProof: [{ proof: [] }] }),
  'something else than a proof': () => ({ accountProof: 7, storageProof: 'x' }),
  nothing: () => undefined,
}

async function read(state: { stateRoot: Hex }, ...nodes: readonly Node[]) {
  const servers = await Promise.all(
    nodes.map((node) =>
      startHttpServer(async (_, body) => {
        const { id, params } = JSON.parse(body) as { id: number; params: [Hex, [Hex], Hex] }
        const [address, [slot], block] = params
        const result = address === systemConfig && block === '0x384' ? node(slot) : undefined
        return result === undefined
          ? new Response('down', { status: 503 })
          : Response.json({ jsonrpc: '2.0', id, result })
      }),
    ),
  )
  closers.push(...servers.map(({ close }) => close))
  const header = { number: 900n, hash: fakeHash('head'), stateRoot: state.stateRoot } as L1Header
  const l1 = { header: async () => header }
  const urls = servers.map(({ url }) => url)
  return createPromiseSignerReader({ l1, urls, rollup: TEST_ROLLUP, retryPauseMs: 1 })()
}

describe('createPromiseSignerReader', () => {
  it('reads whom the state of L1’s newest block names', async () => {
    expect(await read(truth, honest)).toBe(alice)
    expect(await read(naming(bob), naming(bob).prove)).toBe(bob)
  })

  it('names nobody where the state names nobody', async () => {
    const empty = createL1State(systemConfig, { [slotOf(2)]: pad(bob) })
    expect(await read(empty, empty.prove)).toBe(zeroAddress)
  })

  it.each(Object.entries(lies))('believes no node that says %s', async (_, lie) => {
    expect(await read(truth, lie, lie, honest)).toBe(alice)
    await expect(read(truth, lie, lie)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('reads nothing as of an older block than the one asked for', async () => {
    const header = { number: 900n, hash: fakeHash('head'), stateRoot: truth.stateRoot } as L1Header
    const ask = createPromiseSignerReader({
      l1: { header: async () => header },
      urls: ['http://127.0.0.1:1'],
      rollup: TEST_ROLLUP,
    })
    await expect(ask(901n)).rejects.toThrow(/900, and 901 has been read/)
  })

  it('finds it where the SystemConfig contract keeps it', async () => {
    const world = await startSequencerWorld({ history: 1 })
    closers.push(world.stop)
    const urls = [world.l1Url]
    const l1 = createL1Client({ urls })
    const { promiseSigner } = world.accounts
    const named = await createPromiseSignerReader({ l1, urls, rollup: world.rollup })()
    expect(named).toBe(promiseSigner.address.toLowerCase())
  })
})
