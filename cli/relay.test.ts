import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createKeystore, getRecord, toSecp256k1Signer } from '../client/index.ts'
import { devnetAccounts } from '../devnet/accounts.ts'
import { configToJson } from '../protocol/index.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { type ReplicaWorld, startReplicaWorld } from '../test/replicaWorld.ts'
import { CliError } from './CliError.ts'
import { createRelayCommand } from './relay.ts'

const KEY = devnetAccounts().relayer.privateKey
const RELAYER = privateKeyToAccount(KEY)

let directory: string
let world: ReplicaWorld
let keyroll: Awaited<ReturnType<typeof startHttpServer>>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-relay-'))
  await writeFile(file('key'), KEY)
  world = await startReplicaWorld()
  keyroll = await startHttpServer(async (_path, body) => {
    const { id, method, params } = JSON.parse(body)
    const result = await world.keyroll.request({ method, params } as never)
    return Response.json({ jsonrpc: '2.0', id, result })
  })
})

afterAll(async () => {
  await keyroll.close()
  await world.stop()
  await rm(directory, { recursive: true, force: true })
})

const file = (name: string) => join(directory, name)

/** Runs the command within this process while the chains go on, and returns what it prints. */
async function relay(what: 'root' | 'config', flags: Record<string, string> = {}, switches: string[] = []) {
  let printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text
    return true
  })
  // A process runs one command; here many run in one.
  vi.spyOn(process, 'on').mockReturnValue(process)
  const all = {
    'l1-rpc': world.l1.transport.url,
    'l1-beacon': world.beaconUrl,
    'keyroll-rpc': keyroll.url,
    rpc: world.l2.transport.url,
    replica: world.l2Contracts.keystoreReplica,
    source: world.l2Contracts.beaconRootsSource,
    'relayer-key-file': file('key'),
    ...flags,
  }
  const given = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
  let isDone = false
  const running = createRelayCommand()
    .exitOverride()
    .parseAsync([what, ...given, ...switches], { from: 'user' })
    .finally(() => {
      isDone = true
    })
  running.catch(() => undefined)
  try {
    while (!isDone) await world.step()
    await running
  } finally {
    vi.restoreAllMocks()
  }
  return JSON.parse(printed)
}

it('confirms from a final root rather than from a newer one, with the config in a file', async () => {
  const { id, initial } = createKeystore({ signers: [toSecp256k1Signer(RELAYER)] })
  const asked = { id, account: RELAYER.address }
  await expect(relay('config', asked)).rejects.toThrow('has no output yet')

  const final = await world.propose([])
  await world.step(world.rollup.challengePeriod)
  const proposed = await world.propose([])
  await expect(relay('config', asked)).rejects.toThrow('knows none of the 2 outputs')

  expect(await relay('root')).toMatchObject({ outputIndex: Number(final), gasUsed: expect.any(Number) })
  expect(await relay('root', {}, ['--proposed'])).toMatchObject({ outputIndex: Number(proposed) })
  // There is nothing to do for what the replica knows for good.
  expect(await relay('root')).toEqual({
    ...{ transactionHash: null, blockNumber: null, gasUsed: null },
    outputIndex: Number(final),
  })

  await writeFile(file('config'), JSON.stringify(configToJson(initial)))
  const confirmed = await relay('config', { ...asked, config: file('config') })
  expect(confirmed).toMatchObject({ outputIndex: Number(final) })
  const replica = world.l2Contracts.keystoreReplica
  expect((await getRecord(world.l2, { replica, ...asked })).asOf).toBeGreaterThan(0)
})

it('says what is wrong with a file that holds no config', async () => {
  await writeFile(file('config'), '{}')
  const asked = { id: `0x${'01'.repeat(32)}`, account: RELAYER.address, config: file('config') }
  const relaying = relay('config', asked)
  await expect(relaying).rejects.toThrow(CliError)
  await expect(relaying).rejects.toThrow(file('config'))
})

it('says where no replica and no oracle stands', async () => {
  const nowhere = `0x${'01'.repeat(20)}` as const
  await expect(relay('root', { replica: nowhere })).rejects.toThrow(`No KeystoreReplica stands at ${nowhere}`)
  const elsewhere = relay('root', { 'l1-rpc': world.l2.transport.url })
  await expect(elsewhere).rejects.toThrow(/no OutputOracle stands at 0x/)
})

it('says which node does not answer', async () => {
  const dead = await startHttpServer(async () => new Response('', { status: 404 }))
  await expect(relay('root', { 'l1-rpc': dead.url })).rejects.toThrow('The L1 node did not answer')
  await dead.close()
})
