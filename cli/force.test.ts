import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BaseError, createClient, createTestClient, type Hex, http, publicActions, walletActions } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { getTransactionCount } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PortalAbsentError, UndecodableSetConfigError, WrongL1Error } from '../client/errors.ts'
import { type ForcedConfig, InsufficientFundsError } from '../client/index.ts'
import { FeeCeilingError } from '../contracts/errors.ts'
import {
  depositToBytes,
  KEYSTORE_ADDRESS,
  type RollupConfig,
  rollupConfigToJson,
  toHex,
  transactionHash,
  userDepositSourceHash,
} from '../protocol/index.ts'
import { attributesOn, fakeHash, nextOriginOn } from '../test/chainFixtures.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { type L1World, startL1World } from '../test/l1World.ts'
import { startTestRpc, type TestRpc } from '../test/rpcServer.ts'
import { createTestKeystore } from '../test/TestKeystore.ts'
import { awaitForced } from './awaitForced.ts'
import { CliError } from './CliError.ts'
import { createForceCommand } from './force.ts'

let world: L1World
let rollup: RollupConfig
let node: TestRpc
/** What the command said last. */
let told = ''
/** What it printed last. */
let printed = ''

beforeAll(async () => {
  world = await startL1World({ parameters: { blockTime: 2n } })
  rollup = world.rollup
  node = await startTestRpc(rollup)
  await writeFile(file('key'), world.accounts.user.privateKey)
}, 60_000)

afterAll(async () => {
  await node.close()
  await world.stop()
})

const file = (name: string) => join(world.directory, name)
const rawOf = (name: string): Hex => toHex(createTestKeystore(rollup.l2ChainId, name).update().raw)
const sentByUser = () =>
  getTransactionCount(createClient({ transport: http(world.url) }), { address: world.accounts.user.address })

/** Runs the command within this process, and returns the lines of JSON that it prints. */
async function force(
  raw: string,
  flags: Record<string, string | true> = {},
  change: Partial<RollupConfig> = {},
) {
  const lines: string[] = []
  told = printed = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text))
    printed += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    told += text
    return true
  })
  // A process runs one command; here many run in one.
  vi.spyOn(process, 'on').mockReturnValue(process)
  await writeFile(file('rollup.json'), JSON.stringify(rollupConfigToJson({ ...rollup, ...change })))
  const all: Record<string, string | true> = {
    'l1-rpc': world.url,
    'rollup-config': file('rollup.json'),
    'private-key-file': file('key'),
    ...flags,
  }
  const given = Object.entries(all).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  )
  try {
    await createForceCommand()
      .exitOverride()
      .parseAsync([raw, ...given], { from: 'user' })
  } finally {
    vi.restoreAllMocks()
  }
  return lines.map((line) => JSON.parse(line))
}

/** Serves the node's answers, or what shall come instead. */
const startProxy = (instead: (method: string, params: readonly unknown[]) => object | undefined) =>
  startHttpServer(async (_path, body) => {
    const { id, method, params } = JSON.parse(body)
    const answer = instead(method, params)
    if (answer !== undefined) return Response.json({ jsonrpc: '2.0', id, ...answer })
    return fetch(node.server.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  })

describe('keyroll force', () => {
  it('prints one line that says where the deposit is, and until when it takes effect', async () => {
    const raw = rawOf('alice')
    const lines = await force(raw)
    expect(lines).toEqual([
      {
        l1TransactionHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        depositIndex: 0,
        sourceHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        transactionHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        setConfigHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        l1BlockNumber: expect.any(Number),
        latestL1Block: lines[0].l1BlockNumber + 40,
      },
    ])
  })

  it('waits for longer than a timer of Node can, if it shall', async () => {
    expect(await force(rawOf('patient'), { timeout: '2592000' })).toHaveLength(1)
  })

  it('pays no more than it may, and sends nothing where L1 asks for more', async () => {
    const raw = rawOf('thrifty')
    const [cost] = await force(raw, { 'dry-run': true, 'max-fee': '2' })
    expect(BigInt(cost.maxFeePerGas)).toBeLessThanOrEqual(2_000_000_000n)
    const before = await sentByUser()
    await expect(force(raw, { 'max-fee': '0' })).rejects.toThrow(FeeCeilingError)
    expect(await sentByUser()).toBe(before)
  })

  it('takes the set-config from a file, and with --dry-run says what it costs and sends nothing', async () => {
    const raw = rawOf('bob')
    await writeFile(file('raw'), `${raw.toUpperCase().replace('0X', '0x')}\n`)
    const before = await sentByUser()
    const [cost] = await force(file('raw'), { 'dry-run': true })
    expect(cost.burnedGas).toBe(40 * (raw.length / 2 - 1))
    expect(cost.gas).toBeGreaterThan(cost.burnedGas)
    expect(BigInt(cost.cost)).toBe(BigInt(cost.gas) * BigInt(cost.maxFeePerGas))
    expect(await sentByUser()).toBe(before)
  })

  it.each<[string, () => string, new (...parts: never[]) => Error, RegExp]>([
    ['nothing', () => '0x', CliError, /got nothing/],
    ['half a byte', () => '0x4bc', CliError, /not bytes in hex/],
    ['other letters', () => '0x4bzz', CliError, /not bytes in hex/],
    ['too many bytes', () => `0x4b${'00'.repeat(32_768)}`, CliError, /expected at most 32768/],
    ['a file that is not there', () => file('none'), CliError, /cannot be read/],
    ['bytes that are no set-config', () => '0x4bc0', UndecodableSetConfigError, /MALFORMED/],
    [
      "another rollup's set-config",
      () => toHex(createTestKeystore(7n, 'x').update().raw),
      UndecodableSetConfigError,
      /WRONG_CHAIN_ID/,
    ],
  ])('refuses %s, and sends nothing', async (_name, argument, error, message) => {
    const before = await sentByUser()
    const forcing = force(argument())
    await expect(forcing).rejects.toThrow(error)
    await expect(forcing).rejects.toThrow(message)
    expect(await sentByUser()).toBe(before)
  })

  it('refuses another L1, an L1 without the portal, and an account without funds', async () => {
    const raw = rawOf('carol')
    await expect(force(raw, {}, { l1ChainId: 1n })).rejects.toThrow(WrongL1Error)
    const elsewhere = { depositContractAddress: `0x${'ee'.repeat(20)}` } as const
    await expect(force(raw, {}, elsewhere)).rejects.toThrow(PortalAbsentError)
    await writeFile(file('poor'), generatePrivateKey())
    await expect(force(raw, { 'private-key-file': file('poor') })).rejects.toThrow(InsufficientFundsError)
  })

  it('asks for a node when it shall wait, and refuses one of another rollup', async () => {
    const raw = rawOf('dave')
    await expect(force(raw, { wait: true })).rejects.toThrow('add --keyroll-rpc')
    const other = await startTestRpc({ ...rollup, l2ChainId: 7n })
    await expect(force(raw, { 'keyroll-rpc': other.server.url })).rejects.toThrow(/got a node of chain/)
    await other.close()
  })

  it('refuses what is in effect already or would take none, and forces it when told to', async () => {
    const keystore = createTestKeystore(rollup.l2ChainId, 'erin')
    const first = keystore.update({ data: '0x01' })
    const second = keystore.update({ data: '0x02' })
    const third = keystore.update({ data: '0x03' })
    const { safe } = node.store.heads()
    const inclusion = { l1Block: { number: 500n, hash: fakeHash('l1 500') }, transactionHash: undefined }
    await node.engine.consolidate(safe, attributesOn(safe, rollup, [first.raw]), inclusion)
    const at = { 'keyroll-rpc': node.server.url }
    await expect(force(toHex(first.raw), at)).rejects.toThrow(/already in effect/)
    await expect(force(toHex(third.raw), at)).rejects.toThrow(/NONCE_TOO_HIGH/)
    expect(await force(toHex(first.raw), { ...at, anyway: true })).toHaveLength(1)
    expect(await force(toHex(second.raw), at)).toHaveLength(1)
  })

  it('refuses what L1 holds already, though no node has derived it, and forces it when told to', async () => {
    const raw = rawOf('mary')
    const [{ l1TransactionHash }] = await force(raw)
    const before = await sentByUser()
    const at = { 'keyroll-rpc': node.server.url }
    await expect(force(raw)).rejects.toThrow(`L1 transaction ${l1TransactionHash} in block`)
    await expect(force(raw, at)).rejects.toThrow(/holds the set-config already; nothing was sent/)
    expect(await sentByUser()).toBe(before)
    expect(await force(raw, { anyway: true })).toHaveLength(1)
    expect(told).toContain('forcing it nevertheless')
  })

  it('forces again what a deposit brought without effect, and nothing of which that is not known yet', async () => {
    const raw = rawOf('nancy')
    const [{ l1TransactionHash, transactionHash: deposit }] = await force(raw)
    let status: object | undefined
    const { url, close } = await startProxy((method, [hash]) =>
      method === 'keyroll_getStatus' && hash === deposit && status
        ? { result: { transactionHash: deposit, ...status } }
        : undefined,
    )
    const at = { 'keyroll-rpc': url }
    const before = await sentByUser()
    const inBlock = { blockNumber: '0x5', blockHash: fakeHash('5') }
    const failed = { ...inBlock, valid: false, invalidReason: 'NONCE_TOO_HIGH' }
    for (const other of [
      undefined,
      { stage: 'unknown' },
      { stage: 'unsafe', ...failed },
      { stage: 'safe', ...inBlock, valid: true },
    ]) {
      status = other
      await expect(force(raw, at)).rejects.toThrow(/holds the set-config already; nothing was sent/)
    }
    expect(await sentByUser()).toBe(before)
    status = { stage: 'safe', ...failed }
    const [again] = await force(raw, at)
    expect(told).toMatch(`${l1TransactionHash} in block`)
    expect(told).toContain('had no effect then: forcing it again')
    expect(again.transactionHash).not.toBe(deposit)
    // The one that counts is the newest, of which nothing is known yet.
    await expect(force(raw, at)).rejects.toThrow(`${again.l1TransactionHash} in block`)
    await close()
  })

  it('refuses while transactions of its payer wait, which may be the same, and forces it when told to', async () => {
    const l1 = createTestClient({ mode: 'anvil', transport: http(world.url) })
    const raw = rawOf('wanda')
    const before = await sentByUser()
    await l1.setAutomine(false)
    try {
      await expect(force(raw, { timeout: '1' })).rejects.toThrow(/in vain/)
      await expect(force(raw)).rejects.toThrow(/1 of the transactions of .* wait, .*; nothing was sent/)
      await expect(force(raw, { anyway: true, timeout: '1' })).rejects.toThrow(/in vain/)
      expect(told).toContain('forcing it nevertheless')
    } finally {
      await l1.mine({ blocks: 1 })
      await l1.setAutomine(true)
    }
    expect(await sentByUser()).toBe(before + 2)
  })

  it('goes on with a warning where L1 does not show its logs', async () => {
    const closed = await startHttpServer(async (_path, body) => {
      const { id, method } = JSON.parse(body)
      const error = { code: -32005, message: 'range too wide' }
      if (method === 'eth_getLogs') return Response.json({ jsonrpc: '2.0', id, error })
      return fetch(world.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    })
    expect(await force(rawOf('nora'), { 'l1-rpc': closed.url })).toHaveLength(1)
    expect(told).toContain('L1 does not show the deposits')
    await closed.close()
  })

  it('follows the transaction that took its place for more', async () => {
    const l1 = createTestClient({
      account: privateKeyToAccount(world.accounts.user.privateKey),
      mode: 'anvil',
      transport: http(world.url),
    })
      .extend(publicActions)
      .extend(walletActions)
    await l1.setAutomine(false)
    let isSeen = false
    const watched = await startHttpServer(async (_path, body) => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(world.url, { method: 'POST', headers, body })
      const { result } = (await answer.clone().json()) as { result: unknown }
      if (JSON.parse(body).method === 'eth_getTransactionByHash' && result) isSeen = true
      return answer
    })
    let outcome: unknown
    const forcing = force(rawOf('oscar'), {
      ...{ 'l1-rpc': watched.url, 'keyroll-rpc': node.server.url },
      ...{ wait: true, timeout: '60' },
    })
      .catch((error: unknown) => error)
      .then((end) => {
        outcome = end
      })
    await expect.poll(() => isSeen, { timeout: 30_000 }).toBe(true)
    const { transactions } = await l1.getBlock({ blockTag: 'pending', includeTransactions: true })
    const [first] = transactions
    if (first?.maxFeePerGas === undefined) expect.unreachable()
    const { to, input: data, nonce, gas, maxFeePerGas, maxPriorityFeePerGas } = first
    const fees = { maxFeePerGas: 2n * maxFeePerGas, maxPriorityFeePerGas: 2n * maxPriorityFeePerGas }
    const hash = await l1.sendTransaction({ chain: null, to, data, nonce, gas, ...fees })
    // Blocks are mined until the command has ended: viem may overlook one while it asks.
    const polling = { interval: 100, timeout: 90_000 }
    await expect.poll(() => l1.mine({ blocks: 1 }).then(() => outcome), polling).toBeDefined()
    await forcing
    await l1.setAutomine(true)
    await watched.close()
    expect(printed).toContain(hash)
    // The test's node derives nothing, but L1 goes on telling where the deposit is.
    expect(String(outcome)).toMatch(/without the deposit/)
  }, 150_000)

  it('forces what the sequencer has only shown, and says so', async () => {
    const keystore = createTestKeystore(rollup.l2ChainId, 'judy')
    const first = keystore.update({ data: '0x01' })
    const second = keystore.update({ data: '0x02' })
    const raws = [first.raw, second.raw]
    const block = await node.engine.build((head) => attributesOn(head, rollup, raws))
    const at = { 'keyroll-rpc': node.server.url }
    const shown = `took effect in block ${block.header.number}, which L1 does not hold yet`
    expect(await force(toHex(first.raw), at)).toHaveLength(1)
    expect(told).toContain(shown)
    // Without the first, which L1 does not hold either, the second is of no use.
    await expect(force(toHex(second.raw), at)).rejects.toThrow(/on what L1 holds: NONCE_TOO_HIGH/)
    expect(told).toContain(shown)
  })
})

it('says in its help what is paid for again without a node', () => {
  const help = createForceCommand().helpInformation().replace(/\s+/g, ' ')
  expect(help).toMatch(/for longer than the sequencing window pays again/)
  expect(help).toMatch(/--anyway force it although .* L1 holds it already/)
})

describe('waiting for a forced set-config', () => {
  const safe = (deposit: Hex) => ({
    ...{ stage: 'safe', transactionHash: deposit, valid: true },
    ...{ blockNumber: '0x5', blockHash: fakeHash('5') },
  })

  /** The deposit of a set-config in an L1 block that the node's chain may take as its next origin. */
  function depositOf(raw: Uint8Array): { forced: ForcedConfig; bytes: Uint8Array } {
    const l1BlockHash: Hex = `0x${'aa'.repeat(32)}`
    const bytes = depositToBytes({
      sourceHash: userDepositSourceHash(l1BlockHash, 3n),
      from: world.accounts.user.address,
      to: KEYSTORE_ADDRESS,
      mint: 0n,
      value: 0n,
      gas: 0n,
      isSystemTx: false,
      data: raw,
    })
    const forced: ForcedConfig = {
      raw: toHex(raw),
      setConfigHash: transactionHash(raw),
      transactionHash: transactionHash(bytes),
      sourceHash: userDepositSourceHash(l1BlockHash, 3n),
      depositIndex: 3n,
      l1BlockNumber: 460n,
      l1BlockHash,
      latestL1Block: 500n,
    }
    return { forced, bytes }
  }
  const wait = (
    forced: ForcedConfig,
    find: () => Promise<ForcedConfig>,
    timeout = 20_000,
    keyrollRpc = node.server.url,
  ) =>
    awaitForced({
      keyrollRpc,
      forced,
      find,
      tell: () => undefined,
      timeout,
      signal: new AbortController().signal,
    })

  it('ends with its status once the node has derived it, where L1 has it by then', async () => {
    const { raw } = createTestKeystore(rollup.l2ChainId, 'frank').update({ data: '0x09' })
    const before = depositOf(raw).forced
    const moved = depositOf(Uint8Array.of(...raw)).forced
    const { bytes, forced } = depositOf(raw)
    // Only safe blocks count: this one is derived.
    const safe = node.store.heads().safe
    const inclusion = { l1Block: { number: 500n, hash: moved.l1BlockHash }, transactionHash: undefined }
    await node.engine.consolidate(safe, nextOriginOn(safe, rollup, [bytes]), inclusion)
    const elsewhere: ForcedConfig = { ...before, transactionHash: `0x${'12'.repeat(32)}` }
    const found = await wait(elsewhere, async () => forced)
    expect(found.forced).toEqual(forced)
    expect(found.status).toMatchObject({
      stage: 'safe',
      valid: true,
      transactionHash: forced.transactionHash,
    })
  })

  it('ends when the node is past the window without it, which then reads another L1', async () => {
    const { forced } = depositOf(createTestKeystore(rollup.l2ChainId, 'grace').update().raw)
    const early = { ...forced, latestL1Block: 499n }
    await expect(wait(early, async () => early)).rejects.toThrow(/without the deposit/)
  })

  it('goes on asking the node while L1 says nothing of the deposit', async () => {
    const { forced } = depositOf(createTestKeystore(rollup.l2ChainId, 'ivan').update().raw)
    let asked = 0
    const { url, close } = await startProxy((method) => {
      if (method !== 'keyroll_getStatus' || ++asked < 3) return undefined
      return { result: safe(forced.transactionHash) }
    })
    const find = () => Promise.reject(new BaseError('not now'))
    expect((await wait(forced, find, 20_000, url)).status).toMatchObject({ stage: 'safe', valid: true })
    await close()
  })

  const internal = { code: -32603, message: 'internal error', data: { reason: 'INTERNAL' } }
  const bare = (transactionHash: Hex) => ({ result: { stage: 'safe', transactionHash } })
  it.each<[string, string, object | typeof bare]>([
    ['has a fault', 'keyroll_getStatus', { error: internal }],
    ['says nothing', 'keyroll_getStatus', { result: null }],
    ['says something else', 'keyroll_getStatus', { result: { stage: 'lost' } }],
    ['names no outcome', 'keyroll_getStatus', bare],
    ['does not know what L1 is', 'optimism_syncStatus', { result: { current_l1: null } }],
    ['knows nothing of L1', 'optimism_syncStatus', { result: null }],
  ])('outlives a node that %s for a while', async (_how, odd, answer) => {
    const { forced } = depositOf(createTestKeystore(rollup.l2ChainId, 'kate').update().raw)
    const oddly = new Set<string>()
    const { url, close } = await startProxy((method) => {
      if (method === odd && !oddly.has(method)) {
        oddly.add(method)
        return typeof answer === 'function' ? answer(forced.transactionHash) : answer
      }
      return method === 'keyroll_getStatus' && oddly.size > 0
        ? { result: safe(forced.transactionHash) }
        : undefined
    })
    const { status } = await wait(forced, async () => forced, 20_000, url)
    expect(status).toMatchObject({ stage: 'safe', valid: true })
    expect(oddly.size).toBe(1)
    await close()
  })

  it('says what the node answered last when its time is over', async () => {
    const { forced } = depositOf(createTestKeystore(rollup.l2ChainId, 'liam').update().raw)
    const { url, close } = await startProxy((method) =>
      method === 'keyroll_getStatus'
        ? { result: { ...safe(forced.transactionHash), stage: 'lost' } }
        : undefined,
    )
    await expect(wait(forced, async () => forced, 50, url)).rejects.toThrow(/in vain\. .*got stage lost/)
    await close()
  })

  it('gives up when its time is over', async () => {
    const { forced } = depositOf(createTestKeystore(rollup.l2ChainId, 'heidi').update().raw)
    await expect(wait(forced, async () => forced, 50)).rejects.toThrow(/in vain/)
  })
})
