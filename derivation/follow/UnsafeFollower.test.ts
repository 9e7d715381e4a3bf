import fc from 'fast-check'
import type { Address, Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  createLogger,
  createMetrics,
  createNativeVerifier,
  type L1Client,
  type L1Tag,
  ResetFault,
  TemporaryFault,
} from '../../node/index.ts'
import {
  type Block,
  blockFromRlp,
  blockToRlp,
  createGenesis,
  DEPOSIT_TX_TYPE,
  decodeRlp,
  encodeBatcherData,
  encodeRlp,
  toHex,
  unsafeBlockDigest,
} from '../../protocol/index.ts'
import { createTestKeystore } from '../../test/chainFixtures.ts'
import {
  blockToBatch,
  createFakeL1Rollup,
  openTestNode,
  safeChain,
  type TestNode,
} from '../../test/derivationWorld.ts'
import { createFakeL1, type FakeL1Action } from '../../test/FakeL1.ts'
import { TEST_ROLLUP } from '../../test/TestChain.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import type { SequencerLink } from './SequencerLink.ts'
import { readSignedBlock } from './SignedBlockReader.ts'
import { createUnsafeFollower, type UnsafeFollower } from './UnsafeFollower.ts'
import { createUnsafeFollowerMetrics } from './unsafeFollowerMetrics.ts'

const honest = createTestSigner(1, 'promise signer')
const thief = createTestSigner(1, 'somebody else')
const from: Hex = `0x${'0f'.repeat(20)}`
const verify = createNativeVerifier()

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte)

type SignedJson = { block: Hex; signature: Hex; signer: Hex }

async function setUp() {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  /** What the follower sees of L1 ends here. */
  let horizon = 2n ** 63n
  const seen: L1Client = {
    ...l1.client,
    header: async (numberOrTag: bigint | L1Tag) => {
      const header = await l1.client.header(numberOrTag)
      if (header === undefined || header.number <= horizon) return header
      return typeof numberOrTag === 'bigint' ? undefined : l1.client.header(horizon)
    },
  }
  const sequencer = await openTestNode(rollup, l1.client)
  const node = await openTestNode(rollup, seen)
  const keystore = createTestKeystore(rollup, 'alice', 6)
  const metrics = createUnsafeFollowerMetrics(createMetrics().registry)
  const world = {
    named: honest.key as Address,
    now: 2_000_000_000,
    /** Turns the sequencer's answers into others. */
    forge: undefined as ((json: SignedJson, number: bigint) => unknown) | undefined,
    asked: [] as bigint[],
    logged: [] as { level: number; msg: string; err?: { message: string } }[],
    push: (_: unknown): void => undefined,
  }
  const sign = ({ hash: blockHash, header }: Block, by = honest) =>
    by.sign(unsafeBlockDigest(rollup.l2ChainId, { blockHash, blockNumber: header.number }))
  const toJson = (block: Block, by = honest): SignedJson => ({
    block: toHex(blockToRlp(block)),
    signature: sign(block, by),
    signer: by.key,
  })
  const link: SequencerLink = {
    pollIntervalMs: 5,
    async blockAt(number) {
      world.asked.push(number)
      const block = sequencer.store.blockByNumber(number)
      if (block === undefined) return null
      return world.forge === undefined ? toJson(block) : world.forge(toJson(block), number)
    },
    run: (signal, onBlock) => {
      world.push = onBlock
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
  }
  const follower = createUnsafeFollower({
    link,
    readSigner: async () => world.named,
    derivation: { status: () => node.driver().status() },
    store: node.store,
    engine: node.engine,
    l1: seen,
    rollup,
    verify,
    logger: createLogger({
      level: 'warn',
      destination: { write: (line) => world.logged.push(JSON.parse(line)) },
    }),
    metrics,
    now: () => world.now * 1_000,
  })
  l1.mine([{ kind: 'deposit', from, data: keystore.raws[0] as Uint8Array }], 6n)
  await node.catchUp()
  const outcomes = async () =>
    Object.fromEntries(
      (await metrics.blocks.get()).values.map(({ labels, value }) => [labels.outcome, value]),
    )
  return {
    ...{ l1, rollup, sequencer, node, keystore, follower, world, toJson, outcomes },
    hideL1Above: (number: bigint) => {
      horizon = number
    },
  }
}

const unsafe = ({ store }: TestNode) => store.heads().unsafe

/** Takes blocks until there is no more to take, at most a hundred. */
async function followAll(follower: UnsafeFollower) {
  for (let i = 0; i < 100; i++) {
    const outcome = await follower.step()
    if (outcome !== 'followed') return outcome
  }
  return expect.unreachable('it goes on and on')
}

const batch = (...blocks: readonly Block[]): FakeL1Action => ({
  kind: 'batch',
  data: encodeBatcherData(blocks.map(blockToBatch)),
})

describe('following unsafe blocks', () => {
  it('builds what the sequencer built, deposits and set-configs and new L1 origins, before L1 has it', async () => {
    const { sequencer, node, follower, keystore, outcomes } = await setUp()
    for (let i = 0; i < 6; i++) await sequencer.build(i === 4 ? [keystore.raws[1] as Uint8Array] : [])
    expect(await followAll(follower)).toBe('idle')
    expect(unsafe(node)).toEqual(unsafe(sequencer))
    expect(unsafe(node).l1Origin.number).toBe(101n)
    expect(node.store.heads().safe.number).toBe(0n)
    const types = Array.from({ length: 6 }, (_, i) =>
      node.store.blockByNumber(BigInt(i) + 1n)?.transactions.map((raw) => raw[0]),
    ).flat()
    expect(types).toEqual([DEPOSIT_TX_TYPE, 0x4b])
    expect(await outcomes()).toEqual({ FOLLOWED: 6 })
  })

  it('makes them safe when L1 carries them, and replaces them when L1 says otherwise', async () => {
    const { l1, rollup, sequencer, node, follower, keystore } = await setUp()
    const first = (await sequencer.build()) as Block
    await sequencer.build([])
    await followAll(follower)
    l1.mine([batch(first)], 6n)
    await node.catchUp()
    expect([node.store.heads().safe.hash, unsafe(node).number]).toEqual([first.hash, 2n])

    // Another block 2 is what comes to L1.
    const other = await openTestNode(rollup, l1.client)
    await other.catchUp()
    const second = (await other.build([keystore.raws[0] as Uint8Array])) as Block
    l1.mine([batch(second)], 6n)
    await node.catchUp()
    expect(node.store.heads().safe.hash).toBe(second.hash)
    expect(unsafe(node).hash).toBe(second.hash)
    // What the sequencer still says contradicts L1 now.
    for (let i = 0; i < 3; i++) await sequencer.build()
    expect(await follower.step()).toBe('refused')
    expect(node.store.heads().safe.hash).toBe(second.hash)
  })

  it('does nothing before derivation has come near the head of L1', async () => {
    const { sequencer, node, follower, world } = await setUp()
    await sequencer.build()
    node.restart()
    expect(await follower.step()).toBe('idle')
    expect(world.asked).toEqual([])
    await node.catchUp()
    expect(await follower.step()).toBe('followed')
  })

  it('waits with a block whose L1 origin it has not seen, and takes it when it has', async () => {
    const { l1, sequencer, node, follower, hideL1Above, world } = await setUp()
    hideL1Above(l1.head().number)
    l1.mine([], 2n)
    while (unsafe(sequencer).l1Origin.number < l1.head().number) await sequencer.build()
    expect(await followAll(follower)).toBe('waiting')
    const before = world.asked.length
    expect(await follower.step()).toBe('waiting')
    expect(world.asked.length).toBe(before)
    hideL1Above(l1.head().number)
    expect(await followAll(follower)).toBe('idle')
    expect(unsafe(node)).toEqual(unsafe(sequencer))
  })

  it('takes a longer branch of the sequencer, and never goes back to an old or a shorter one', async () => {
    const { sequencer, node, follower, keystore, world, toJson } = await setUp()
    const old: Block[] = []
    for (let i = 0; i < 5; i++) old.push((await sequencer.build()) as Block)
    await followAll(follower)
    // The sequencer loses three blocks, builds others, and is behind at first.
    await sequencer.engine.reset(2n)
    await sequencer.build([keystore.raws[0] as Uint8Array])
    expect(await follower.step()).toBe('idle')
    expect(unsafe(node).hash).toBe(old[4]?.hash)
    for (let i = 0; i < 4; i++) await sequencer.build()
    expect(await followAll(follower)).toBe('idle')
    expect(unsafe(node)).toEqual(unsafe(sequencer))
    // Somebody who has kept the old blocks plays them again.
    world.forge = (json, number) => (number <= 5n ? toJson(old[Number(number) - 1] as Block) : json)
    await sequencer.build()
    expect(await followAll(follower)).toBe('idle')
    for (const block of old) world.push(toJson(block))
    expect(unsafe(node)).toEqual(unsafe(sequencer))
  })

  it('goes back to the safe head at most', async () => {
    const { l1, sequencer, node, follower, keystore, outcomes } = await setUp()
    const blocks: Block[] = []
    for (let i = 0; i < 3; i++) blocks.push((await sequencer.build()) as Block)
    await followAll(follower)
    l1.mine([batch(...blocks.slice(0, 2))], 6n)
    await node.catchUp()
    await sequencer.engine.reset(1n)
    await sequencer.build([keystore.raws[0] as Uint8Array])
    for (let i = 0; i < 4; i++) await sequencer.build()
    expect(await follower.step()).toBe('refused')
    expect(await outcomes()).toMatchObject({ CONTRADICTS_SAFE: 1 })
    expect(unsafe(node).hash).toBe(blocks[2]?.hash)
  })

  it('asks L1 again when somebody else signs, and then believes the new signer only', async () => {
    const { sequencer, node, follower, world, toJson, outcomes } = await setUp()
    await sequencer.build()
    await sequencer.build()
    expect(await follower.step()).toBe('followed')
    world.forge = (json) => toJson(blockFromRlp(Buffer.from(json.block.slice(2), 'hex')), thief)
    expect(await follower.step()).toBe('refused')
    world.named = thief.key as Address
    expect(await follower.step()).toBe('refused')
    world.now += 3
    expect(await follower.step()).toBe('followed')
    await sequencer.build()
    world.forge = undefined
    expect(await follower.step()).toBe('refused')
    expect(unsafe(node).number).toBe(2n)
    expect(await outcomes()).toEqual({ FOLLOWED: 2, WRONG_SIGNER: 3 })
  })

  it('refuses blocks with forged contents, though the right key signed them', async () => {
    const { sequencer, node, follower, world, toJson, outcomes, keystore } = await setUp()
    for (let i = 0; i < 3; i++) await sequencer.build()
    const asSigned = (
      change: (block: Block) => { header?: Partial<Block['header']>; transactions?: Uint8Array[] },
    ) => {
      world.forge = (json) => {
        const block = blockFromRlp(Buffer.from(json.block.slice(2), 'hex'))
        const { header, transactions = block.transactions } = change(block)
        // What nobody would look at otherwise.
        const gasUsed = BigInt(transactions.reduce((bytes, { length }) => bytes + length, 0))
        const changed = { ...block, transactions, header: { ...block.header, gasUsed, ...header } }
        return toJson(blockFromRlp(blockToRlp(changed)))
      }
    }
    const attempts: [string, Parameters<typeof asSigned>[0]][] = [
      ['FUTURE', ({ header }) => ({ header: { timestamp: header.timestamp + 2n } })],
      ['PAST', ({ header }) => ({ header: { timestamp: header.timestamp - 1n } })],
      ['AHEAD_OF_CLOCK', () => ({ header: { timestamp: 2_000_000_013n } })],
      ['WRONG_NUMBER', ({ header }) => ({ header: { number: header.number + 1n } })],
      ['CONTRADICTS_SAFE', () => ({ header: { parentHash: `0x${'11'.repeat(32)}` } })],
      ['WRONG_EPOCH_HASH', () => ({ header: { mixHash: `0x${'11'.repeat(32)}` } })],
      ['EPOCH_TOO_NEW', () => ({ header: { extraData: `0x${'00'.repeat(7)}6c${'00'.repeat(8)}` } })],
      ['EPOCH_TOO_OLD', () => ({ header: { extraData: `0x${'00'.repeat(7)}63${'00'.repeat(8)}` } })],
      ['MALFORMED', () => ({ header: { extraData: '0x' } })],
      ['WRONG_HASH', () => ({ header: { stateRoot: `0x${'11'.repeat(32)}` } })],
      ['WRONG_HASH', () => ({ header: { receiptsRoot: `0x${'11'.repeat(32)}` } })],
      ['WRONG_ATTRIBUTES', () => ({ transactions: [filled(DEPOSIT_TX_TYPE, 64)] })],
      ['UNDECODABLE_TRANSACTION', () => ({ transactions: [filled(0x4b, 64)] })],
      ['DEPOSIT', () => ({ transactions: [keystore.raws[0] as Uint8Array, filled(DEPOSIT_TX_TYPE, 64)] })],
      ['TOO_MANY_BYTES', () => ({ transactions: [filled(0x4b, 126_001)] })],
      ['MALFORMED', () => ({ transactions: [Uint8Array.of()] })],
      ['MALFORMED', () => ({ transactions: [filled(0x4b, 63)] })],
      ['TOO_LARGE', () => ({ transactions: [filled(0x4b, 100)], header: { gasUsed: 70n } })],
    ]
    const expected: Record<string, number> = {}
    for (const [reason, change] of attempts) {
      asSigned(change)
      expect([reason, await follower.step()]).toEqual([reason, 'refused'])
      expected[reason] = (expected[reason] ?? 0) + 1
      expect(await outcomes()).toEqual(expected)
      expect(unsafe(node).number).toBe(0n)
    }
    world.forge = undefined
    expect(await followAll(follower)).toBe('idle')
    expect(unsafe(node)).toEqual(unsafe(sequencer))
  })

  it('takes no deposits but those of its own L1', async () => {
    const { sequencer, node, follower, world, toJson, outcomes } = await setUp()
    while (unsafe(sequencer).l1Origin.number === 100n) await sequencer.build()
    const last = unsafe(sequencer).number
    world.forge = (json, number) => {
      const block = blockFromRlp(Buffer.from(json.block.slice(2), 'hex'))
      return number < last ? json : toJson(blockFromRlp(blockToRlp({ ...block, transactions: [] })))
    }
    expect(await followAll(follower)).toBe('refused')
    expect(await outcomes()).toMatchObject({ WRONG_ATTRIBUTES: 1 })
    expect(unsafe(node).number).toBe(last - 1n)
  })

  it('outlives whatever comes over the link while it runs, and follows when it makes sense again', async () => {
    const { sequencer, node, follower, world, toJson, outcomes } = await setUp()
    const stop = new AbortController()
    for (let i = 0; i < 4; i++) await sequencer.build()
    const answers: unknown[] = [
      {},
      7,
      'block',
      [[]],
      { block: 1 },
      { block: '0x', signature: '0x', signer: '0x' },
    ]
    world.forge = () => {
      if (answers.length === 0) throw new TemporaryFault('the link broke')
      return answers.shift()
    }
    const running = follower.run(stop.signal)
    while ((await outcomes()).MALFORMED === undefined) await new Promise(setImmediate)
    for (let i = 0; i < 500; i++) world.push({ block: `0x${'c0'.repeat(i)}`, signature: i, signer: null })
    const [first] = [sequencer.store.blockByNumber(1n) as Block]
    for (let i = 0; i < 100; i++) world.push(toJson(first, thief))
    for (let number = 1n; number <= 4n; number++) {
      world.push(toJson(sequencer.store.blockByNumber(number) as Block))
    }
    await expect.poll(() => unsafe(node).number, { timeout: 20_000 }).toBe(4n)
    expect(await outcomes()).toMatchObject({ FOLLOWED: 4, WRONG_SIGNER: 100 })
    stop.abort()
    await running
  })

  it('warns of a sequencer that does not answer, but not each time', async () => {
    const { sequencer, follower, world, outcomes } = await setUp()
    const stop = new AbortController()
    await sequencer.build()
    world.forge = () => {
      throw new TemporaryFault('the sequencer did not answer: 404')
    }
    const running = follower.run(stop.signal)
    await expect.poll(async () => (await outcomes()).UNAVAILABLE, { timeout: 20_000 }).toBe(2)
    const warning = { level: 40, err: { message: 'the sequencer did not answer: 404' } }
    expect(world.logged).toMatchObject([warning])
    world.now += 5
    await expect.poll(() => world.logged, { timeout: 20_000 }).toMatchObject([warning, warning])
    stop.abort()
    await running
  })

  it('gives the signatures on to those who follow it', async () => {
    const { sequencer, node, follower, toJson } = await setUp()
    const block = (await sequencer.build()) as Block
    expect(follower.findSignature(block)).toBeUndefined()
    await follower.step()
    expect(follower.findSignature(node.store.blockByNumber(1n) as Block)).toEqual({
      signature: toJson(block).signature,
      signer: honest.key,
    })
  })
})

type Move = 'mine' | 'post' | 'reorg' | 'build' | 'lose' | 'derive' | 'follow'

describe('following unsafe blocks, whatever L1 and the sequencer do', () => {
  const moves = fc.array(
    fc.tuple(
      fc.constantFrom<Move>('mine', 'post', 'reorg', 'build', 'build', 'lose', 'derive', 'follow', 'follow'),
      fc.integer({ min: 1, max: 4 }),
    ),
    { minLength: 5, maxLength: 40 },
  )

  it('never contradicts what L1 says, and comes to where the sequencer is', async () => {
    await fc.assert(
      fc.asyncProperty(moves, async (sequence) => {
        const { l1, rollup, sequencer, node, follower, keystore } = await setUp()
        const started = l1.head().number
        let raw = 0
        const build = async () => {
          const next = keystore.raws[raw % keystore.raws.length] as Uint8Array
          if ((await sequencer.build(raw % 3 === 0 ? [next] : [])) !== undefined) raw++
        }
        const unposted = () => {
          const { safe, unsafe: head } = sequencer.store.heads()
          const count = Number(head.number - safe.number)
          return Array.from({ length: count }, (_, i) =>
            sequencer.store.blockByNumber(safe.number + 1n + BigInt(i)),
          ).filter((block) => block !== undefined)
        }
        const play: Record<Move, (times: number) => Promise<unknown>> = {
          mine: async (times) => l1.mine([], BigInt(2 * times)),
          post: async (times) => {
            const blocks = unposted().slice(0, times)
            l1.mine(blocks.length === 0 ? [] : [batch(...blocks)], 4n)
          },
          reorg: async (times) => {
            const depth = Math.min(times, Number(l1.head().number - started))
            l1.takeBack(depth)
            for (let i = 0; i <= depth; i++) l1.mine([], 5n)
          },
          build: async (times) => {
            for (let i = 0; i < times; i++) await build()
          },
          lose: async () => {
            await sequencer.catchUp()
            await sequencer.engine.reset(sequencer.store.heads().safe.number)
          },
          derive: async (times) => (times === 1 ? sequencer : node).catchUp(),
          follow: async (times) => {
            for (let i = 0; i < times; i++) {
              await follower.step().catch((error: unknown) => {
                if (!(error instanceof TemporaryFault || error instanceof ResetFault)) throw error
              })
            }
          },
        }
        for (const [move, times] of sequence) await play[move](times)

        // The sequencer sees L1, overtakes whatever the node had, and the node goes with it.
        for (let i = 0; i < 4; i++) l1.mine([], 6n)
        await sequencer.catchUp()
        await node.catchUp()
        for (let i = 0; i < 200 && unsafe(sequencer).number <= unsafe(node).number; i++) {
          await build()
          if (i % 4 === 3) {
            l1.mine([], 8n)
            await sequencer.catchUp()
            await node.catchUp()
          }
        }
        expect(await followAll(follower)).toBe('idle')
        expect(unsafe(node)).toEqual(unsafe(sequencer))
        const fresh = await openTestNode(rollup, l1.client)
        await fresh.catchUp()
        await node.catchUp()
        expect(safeChain(node.store)).toEqual(safeChain(fresh.store))
      }),
      { numRuns: 40 },
    )
  })
})

describe('readSignedBlock', () => {
  const options = { chainId: 5n, named: honest.key as Address, verify }

  it('finds a flaw in anything that is no signed block', () => {
    const nearly = fc.record(
      {
        block: fc.oneof(fc.anything(), fc.uint8Array({ maxLength: 700 }).map(toHex)),
        signature: fc.oneof(fc.anything(), fc.uint8Array({ minLength: 65, maxLength: 65 }).map(toHex)),
        signer: fc.oneof(fc.anything(), fc.constant(honest.key)),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.anything(), nearly), (json) => {
        expect(readSignedBlock(json, options).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('spends no time on what the signer did not sign, however much it is', () => {
    const header = blockToRlp(createGenesis(TEST_ROLLUP).block).subarray(3)
    const tinyItems = toHex(
      encodeRlp([decodeRlp(header.subarray(0, -1)), Array(1_000_000).fill(new Uint8Array())]),
    )
    const { hash: blockHash } = createGenesis(TEST_ROLLUP).block
    const signature = honest.sign(unsafeBlockDigest(5n, { blockHash, blockNumber: 0n }))
    const json = { block: tinyItems, signature, signer: honest.key }
    expect(readSignedBlock(json, options)).toEqual({ ok: false, flaw: 'TOO_LARGE' })
    expect(readSignedBlock({ ...json, signature: `0x${'11'.repeat(65)}` }, options)).toEqual({
      ok: false,
      flaw: 'BAD_SIGNATURE',
    })
  })
})
