import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestClient, type Hex, http, publicActions, walletActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, expect, it } from 'vitest'
import { keystorePortalAbi } from '../../contracts/index.ts'
import { decodeExtraData, KEYSTORE_ADDRESS, rollupConfigToJson, toHex } from '../../protocol/index.ts'
import { startL1World } from '../l1World.ts'
import { rpc, type StatusJson, until, untilReady } from '../sequencerWorld.ts'
import { createTestKeystore } from '../TestKeystore.ts'
import { keyroll, type Run } from './keyroll.ts'

const WINDOW = 12

type Block = { number: Hex; hash: Hex; extraData: Hex; transactions: Hex[] }
type Receipt = { status: Hex; keystoreRoot: Hex; invalidReason?: string }
type Forced = {
  l1TransactionHash: Hex
  depositIndex: number
  sourceHash: Hex
  transactionHash: Hex
  l1BlockNumber: number
  latestL1Block: number
  valid?: boolean
  invalidReason?: string
  blockNumber?: number
}
type World = Awaited<ReturnType<typeof startWorld>>

let running: World | undefined

afterEach(async () => {
  await running?.stop()
  running = undefined
})

/** Starts an L1 with the contracts of a rollup on it, and an independent node; the sequencer is for the test to start. */
async function startWorld() {
  const world = await startL1World({ parameters: { seqWindowSize: BigInt(WINDOW) } })
  const { url: l1Url, rollup, accounts, directory } = world
  const files = {
    rollup: join(directory, 'rollup.json'),
    user: join(directory, 'user'),
    promiseSigner: join(directory, 'promise-signer'),
    batcher: join(directory, 'batcher'),
  }
  await writeFile(files.rollup, JSON.stringify(rollupConfigToJson(rollup)))
  await writeFile(files.user, accounts.user.privateKey)
  await writeFile(files.promiseSigner, accounts.promiseSigner.privateKey)
  await writeFile(files.batcher, accounts.batcher.privateKey)
  const l1 = createTestClient({
    mode: 'anvil',
    account: privateKeyToAccount(accounts.user.privateKey),
    transport: http(l1Url),
    pollingInterval: 50,
  })
    .extend(publicActions)
    .extend(walletActions)
  const runs: Run[] = []
  const start = async (command: string, ...flags: readonly string[]) => {
    const run = keyroll(
      ...[command, '--l1-rpc', l1Url, '--rollup-config', files.rollup, '--port', '0'],
      ...['--data-dir', join(directory, command), '--l1-poll-interval', '100', ...flags],
    )
    runs.push(run)
    const url = await until(
      async () => /"rpcUrl":"([^"]+)"/.exec(run.stdout())?.[1] ?? run.stderr(),
      (found) => found.startsWith('http'),
    )
    return { run, url }
  }
  const node = await start('node')

  return {
    rollup,
    l1,
    l1Url,
    files,
    directory,
    nodeUrl: node.url,
    /** Starts the sequencer as a person does, always on the same data directory. */
    startSequencer: () =>
      start(
        'sequencer',
        ...['--promise-key-file', files.promiseSigner, '--batcher-key-file', files.batcher],
        ...['--l1-confirmations', '0', '--max-channel-duration', '0', '--resubmit-after', '3'],
      ),
    async stop() {
      for (const run of runs) run.kill('SIGKILL')
      await Promise.all(runs.map(({ exited }) => exited))
      await world.stop()
    },
  }
}

/** Runs `keyroll force` with the user's key, as anybody may. */
function force({ l1Url, files, nodeUrl }: World, raw: string, ...flags: readonly string[]): Run {
  return keyroll(
    ...['force', raw, '--l1-rpc', l1Url, '--rollup-config', files.rollup],
    ...['--private-key-file', files.user, '--keyroll-rpc', nodeUrl, ...flags],
  )
}

const linesOf = (run: Run) =>
  run
    .stdout()
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line): Forced => JSON.parse(line))

/** Resolves with what `keyroll force` says when the deposit is on L1. */
const forcedBy = (run: Run) =>
  until(
    async () => linesOf(run)[0],
    (line) => line !== undefined,
  ) as Promise<Forced>

const blockAt = (url: string, number: number | string) =>
  rpc<Block>(url, 'eth_getBlockByNumber', [typeof number === 'number' ? toQuantity(number) : number])
const receiptsAt = (url: string, number: number) =>
  rpc<Receipt[]>(url, 'eth_getBlockReceipts', [toQuantity(number)])
const statusOf = (url: string, hash: Hex) => rpc<StatusJson>(url, 'keyroll_getStatus', [hash])
const configHashOf = async (url: string, id: Hex) =>
  (await rpc<{ configHash: Hex }>(url, 'keyroll_getConfig', [id, 'safe'])).configHash
const toQuantity = (number: number): Hex => `0x${number.toString(16)}`

it('without any sequencer, a forced set-config takes effect when the sequencing window closes, and garbage changes nothing', async () => {
  const world = await startWorld()
  running = world
  const { l1, rollup, nodeUrl } = world
  const keystoreOf = (name: string) => createTestKeystore(rollup.l2ChainId, name)
  const alice = keystoreOf('alice')
  const bob = keystoreOf('bob')
  const carol = keystoreOf('carol')
  const dave = keystoreOf('dave')

  const first = alice.update({ data: '0x01' })
  const run = force(world, toHex(first.raw), '--wait')
  const forced = await forcedBy(run)
  expect(forced).toMatchObject({ depositIndex: 0, latestL1Block: forced.l1BlockNumber + WINDOW })
  // One L1 block short of the window's end nothing is decided.
  await l1.mine({ blocks: WINDOW - 1, interval: 1 })
  await untilRead(nodeUrl, forced.latestL1Block - 1)
  expect(await statusOf(nodeUrl, forced.transactionHash)).toMatchObject({ stage: 'unknown' })
  await l1.mine({ blocks: 1, interval: 1 })
  expect(await run.exited, run.stderr()).toBe(0)
  const [, derived] = linesOf(run)
  expect(derived).toMatchObject({ ...forced, valid: true })
  expect(await configHashOf(nodeUrl, alice.id)).toBe(first.configHash)

  // The deposit is the first thing in the first block of its epoch, which nobody posted.
  const number = derived?.blockNumber ?? expect.unreachable()
  const block = await blockAt(nodeUrl, number)
  expect(block.transactions).toEqual([forced.transactionHash])
  expect(decodeExtraData(block.extraData)).toEqual({
    l1OriginNumber: BigInt(forced.l1BlockNumber),
    sequenceNumber: 0n,
  })
  expect(await statusOf(nodeUrl, forced.transactionHash)).toMatchObject({
    stage: 'safe',
    l1: { blockNumber: toQuantity(forced.latestL1Block), transactionHash: null },
  })
  const safe = await blockAt(nodeUrl, 'safe')
  for (let i = 1; i <= Number(safe.number); i++) {
    if (i !== number) expect((await blockAt(nodeUrl, i)).transactions).toEqual([])
  }

  const again = force(world, toHex(first.raw))
  expect(await again.exited).toBe(1)
  expect(again.stderr()).toContain('already in effect')

  // Twenty deposits in one L1 block, most of them worthless; the good ones from a stranger's account.
  const b1 = bob.update({ data: '0x02' })
  const c1 = carol.update({ data: '0x03' })
  const d1 = dave.update({ data: '0x04' })
  const d2 = dave.update({ data: '0x05' })
  const locked = createTestKeystore(rollup.l2ChainId, 'erin').update({
    signers: [alice.guardian],
    isLockout: true,
  })
  const elsewhere = createTestKeystore(rollup.l2ChainId + 1n, 'bob').update()
  const tampered = bob.update({ data: '0x06' }).raw.slice()
  // Within the signature: after it stand its last byte and the empty list of openings.
  tampered[tampered.length - 10] = (tampered.at(-10) ?? 0) ^ 1
  const deposits: [data: Uint8Array, reason: string | undefined][] = [
    [new Uint8Array(), 'UNDECODABLE'],
    [Uint8Array.of(0x4b), 'UNDECODABLE'],
    [Uint8Array.of(0x7e, 0xc0), 'UNDECODABLE'],
    [randomBytes(1_000), 'UNDECODABLE'],
    [new Uint8Array(32_768), 'UNDECODABLE'],
    [elsewhere.raw, 'UNDECODABLE'],
    [Uint8Array.of(...b1.raw, 0), 'UNDECODABLE'],
    [first.raw, 'NONCE_TOO_LOW'],
    [d2.raw, 'NONCE_TOO_HIGH'],
    [d1.raw, undefined],
    [d2.raw, undefined],
    [d2.raw, 'NONCE_TOO_LOW'],
    [tampered, 'NONCE_TOO_HIGH'],
    [locked.raw, 'NO_USABLE_SIGNER'],
    [b1.raw, undefined],
    [tampered, 'BAD_SIGNATURE'],
    [c1.raw, undefined],
    [b1.raw, 'NONCE_TOO_LOW'],
    [randomBytes(31), 'UNDECODABLE'],
    [new Uint8Array(100).fill(0xf8), 'UNDECODABLE'],
  ]
  await l1.setAutomine(false)
  const start = await l1.getTransactionCount({ address: l1.account.address })
  for (const [i, [data]] of deposits.entries()) {
    await l1.writeContract({
      chain: null,
      address: rollup.depositContractAddress,
      abi: keystorePortalAbi,
      functionName: 'depositTransaction',
      args: [KEYSTORE_ADDRESS, 0n, 0n, false, toHex(data)],
      gas: 4_000_000n,
      nonce: start + i,
    })
  }
  await l1.mine({ blocks: 1 })
  const carrier = await l1.getBlock()
  expect(carrier.transactions).toHaveLength(deposits.length)
  await l1.mine({ blocks: WINDOW, interval: 1 })
  await untilRead(nodeUrl, Number(carrier.number) + WINDOW)
  const after = await until(
    () => findOrigin(nodeUrl, carrier.number),
    (found) => found !== undefined,
  )
  const receipts = await receiptsAt(nodeUrl, Number(after?.number))
  expect(receipts.map(({ status, invalidReason }) => (status === '0x1' ? undefined : invalidReason))).toEqual(
    deposits.map(([, reason]) => reason),
  )
  // What fails leaves the keystore root as it was.
  let root = (
    await rpc<{ withdrawalsRoot: Hex }>(nodeUrl, 'eth_getBlockByNumber', [
      toQuantity(Number(after?.number) - 1),
    ])
  ).withdrawalsRoot
  for (const { status, keystoreRoot } of receipts) {
    if (status === '0x1') expect(keystoreRoot).not.toBe(root)
    else expect(keystoreRoot).toBe(root)
    root = keystoreRoot
  }
  for (const [keystore, update] of [
    [bob, b1],
    [carol, c1],
    [dave, d2],
  ] as const) {
    expect(await configHashOf(nodeUrl, keystore.id)).toBe(update.configHash)
  }
})

it('a sequencer that is not told includes what is forced, and after a closed window follows the derived chain and keeps on', async () => {
  const world = await startWorld()
  running = world
  const { l1, rollup, nodeUrl } = world
  await l1.setIntervalMining({ interval: 1 })
  const censored = createTestKeystore(rollup.l2ChainId, 'censored')
  const promised = createTestKeystore(rollup.l2ChainId, 'promised')
  let sequencer = await world.startSequencer()
  await untilReady(sequencer.url)

  const first = censored.update({ data: '0x01' })
  const waited = force(world, toHex(first.raw), '--wait')
  expect(await waited.exited, waited.stderr()).toBe(0)
  const [forced, derived] = linesOf(waited) as [Forced, Forced]
  const block = await blockAt(nodeUrl, derived.blockNumber ?? 0)
  expect(decodeExtraData(block.extraData)).toEqual({
    l1OriginNumber: BigInt(forced.l1BlockNumber),
    sequenceNumber: 0n,
  })
  expect(block.transactions[0]).toBe(forced.transactionHash)
  expect((await blockAt(sequencer.url, derived.blockNumber ?? 0)).hash).toBe(block.hash)
  expect(await statusOf(nodeUrl, forced.transactionHash)).toMatchObject({
    valid: true,
    l1: { transactionHash: expect.stringMatching(/^0x/) },
  })

  // Killed right after a promise, and away until the window of all its time has closed.
  const update = promised.update({ data: '0x01' })
  await rpc(sequencer.url, 'keyroll_sendConfig', [toHex(update.raw)])
  sequencer.run.kill('SIGKILL')
  await sequencer.run.exited
  const second = censored.update({ data: '0x02' })
  const silent = force(world, toHex(second.raw), '--wait')
  expect(await silent.exited, silent.stderr()).toBe(0)
  const [, closed] = linesOf(silent) as [Forced, Forced]
  expect(closed).toMatchObject({ valid: true })
  const forcedBlock = await blockAt(nodeUrl, closed.blockNumber ?? 0)
  expect(await statusOf(nodeUrl, closed.transactionHash)).toMatchObject({ l1: { transactionHash: null } })

  sequencer = await world.startSequencer()
  await untilReady(sequencer.url)
  expect((await blockAt(sequencer.url, closed.blockNumber ?? 0)).hash).toBe(forcedBlock.hash)
  // What it had promised, and what it promises now, becomes safe from its batches.
  const later = promised.update({ data: '0x02' })
  await rpc(sequencer.url, 'keyroll_sendConfig', [toHex(later.raw)])
  for (const { hash } of [update, later]) {
    const status = await until(
      () => statusOf(nodeUrl, hash),
      ({ stage }) => stage === 'safe',
      60_000,
    )
    expect(status).toMatchObject({ valid: true, l1: { transactionHash: expect.stringMatching(/^0x/) } })
  }
  expect(await configHashOf(nodeUrl, promised.id)).toBe(later.configHash)
  expect(await configHashOf(nodeUrl, censored.id)).toBe(second.configHash)
})

/** Waits until a node has read an L1 block, and all that it leads to is in its chain. */
async function untilRead(url: string, l1Number: number): Promise<void> {
  await until(
    () => rpc<{ current_l1: { number: number } }>(url, 'optimism_syncStatus', []),
    ({ current_l1 }) => current_l1.number >= l1Number,
  )
}

/** Finds the first safe block with an L1 origin. */
async function findOrigin(url: string, origin: bigint): Promise<Block | undefined> {
  const safe = await blockAt(url, 'safe')
  for (let number = Number(safe.number); number >= 0; number--) {
    const block = await blockAt(url, number)
    const { l1OriginNumber, sequenceNumber } = decodeExtraData(block.extraData)
    if (l1OriginNumber < origin) return undefined
    if (l1OriginNumber === origin && sequenceNumber === 0n) return block
  }
  return undefined
}
