import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  type ChainStore,
  CriticalFault,
  createLogger,
  createMetrics,
  type L1Client,
  type L1Receipt,
  ResetFault,
} from '../node/index.ts'
import { type Block, encodeBatcherData } from '../protocol/index.ts'
import { blockToBatch, createFakeL1Rollup, openTestNode, outputRootOf } from '../test/derivationWorld.ts'
import { createFakeL1, type FakeL1Action } from '../test/FakeL1.ts'
import { createDerivationMetrics } from './metrics.ts'
import { createOutputChecker, type WrongOutput } from './OutputChecker.ts'

const WRONG: Hex = `0x${'66'.repeat(32)}`

/** A node that has derived six blocks, and a checker of its own on its store that has read nothing yet. */
async function setUp(change: (receipts: readonly L1Receipt[]) => readonly L1Receipt[] = (same) => same) {
  const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const rollup = createFakeL1Rollup(l1)
  const node = await openTestNode(rollup, l1.client)
  const blocks: Block[] = []
  while (blocks.length < 6) blocks.push((await node.build()) ?? expect.unreachable())
  l1.mine([{ kind: 'batch', data: encodeBatcherData(blocks.map(blockToBatch)) }])
  await node.catchUp()
  /** The L1 blocks that were asked for by number. */
  const asked: bigint[] = []
  const client: L1Client = {
    ...l1.client,
    header(at) {
      if (typeof at === 'bigint') asked.push(at)
      return l1.client.header(at)
    },
    receipts: async (header) => change(await l1.client.receipts(header)),
  }
  const heard: WrongOutput[] = []
  const metrics = createDerivationMetrics(createMetrics().registry)
  const checker = createOutputChecker({
    l1: client,
    store: node.store,
    rollup,
    logger: createLogger({ level: 'silent' }),
    metrics,
    onWrong: (wrong) => heard.push(wrong),
  })
  const output = (number: number, root = outputRootOf(blockAt(number))): FakeL1Action => ({
    kind: 'output',
    outputRoot: root,
    l2BlockNumber: BigInt(number),
  })
  const blockAt = (number: number) => blocks[number - 1] ?? expect.unreachable()
  const checkedCount = async (result: string) => {
    const { values } = await metrics.checkedOutputs.get()
    return values.find(({ labels }) => labels.result === result)?.value ?? 0
  }
  return { l1, rollup, node, checker, heard, asked, output, checkedCount, store: node.store }
}

/** What somebody says who reads L1 for the first time. */
async function readAfresh({ rollup, l1 }: Pick<Awaited<ReturnType<typeof setUp>>, 'rollup' | 'l1'>) {
  const { store, checker, catchUp } = await openTestNode(rollup, l1.client)
  await catchUp()
  return { outputs: outputsOf(store), wrong: checker().wrongOutputs() }
}

function outputsOf(store: ChainStore) {
  return Array.from({ length: Number(store.outputCount()) }, (_, i) => store.outputByIndex(BigInt(i)))
}

describe('the output checker', () => {
  it('reads every block between where it was and where it is told to be', async () => {
    const { l1, checker, store, output, heard, checkedCount } = await setUp()
    l1.mine([output(3)])
    l1.mine()
    await checker.follow(l1.mine([output(6)]))
    expect(store.outputCount()).toBe(2n)
    expect(store.outputByIndex(0n)).toMatchObject({ l2BlockNumber: 3n, l1Block: { number: 102n } })
    expect(heard).toEqual([])
    expect(await checkedCount('match')).toBe(2)
  })

  it('reads outputs that stand beside one another in one L1 block, and compares each once', async () => {
    const { l1, checker, output, heard, checkedCount } = await setUp()
    const header = l1.mine([output(2), output(4, WRONG), output(6)])
    await checker.follow(header)
    await checker.follow(l1.mine())
    expect(heard.map(({ output: { index } }) => index)).toEqual([1n])
    expect([await checkedCount('match'), await checkedCount('mismatch')]).toEqual([2, 1])
  })

  it('says what it expected instead of a wrong output', async () => {
    const { l1, checker, output, heard, store } = await setUp()
    await checker.follow(l1.mine([output(4, WRONG)]))
    const block = store.blockByNumber(4n) ?? expect.unreachable()
    expect(heard).toMatchObject([{ expected: outputRootOf(block), output: { outputRoot: WRONG } }])
    expect(checker.wrongOutputs()).toEqual(heard)
  })

  it('takes nothing from a transaction that reverted', async () => {
    const { l1, checker, output, store } = await setUp((receipts) =>
      receipts.map((receipt) => ({ ...receipt, status: 0 })),
    )
    await checker.follow(l1.mine([output(4)]))
    expect(store.outputCount()).toBe(0n)
  })

  it('halts when an output is missing before one: then it reads another oracle', async () => {
    const { l1, checker, output } = await setUp((receipts) =>
      receipts.map((receipt) =>
        receipt.logs.some(({ topics }) => BigInt(topics[2] ?? 0) === 0n) ? { ...receipt, logs: [] } : receipt,
      ),
    )
    l1.mine([output(2)])
    await expect(checker.follow(l1.mine([output(4)]))).rejects.toThrow(CriticalFault)
  })

  it('asks for a reset when the L1 block does not follow what it has read', async () => {
    const { l1, checker } = await setUp()
    await checker.follow(l1.mine())
    l1.takeBack(1)
    l1.mine()
    await expect(checker.follow(l1.mine())).rejects.toThrow(ResetFault)
    await checker.reset()
    await checker.follow(l1.head())
  })

  it('asks for a reset when L1 moved after the last one, so that it misses no output in between', async () => {
    const { l1, checker, store, output } = await setUp()
    l1.mine([output(3)])
    await checker.follow(l1.mine([output(6)]))
    await checker.reset()
    // Both outputs come again, in other blocks: from where the last one stood, the first is not seen.
    l1.takeBack(2)
    l1.mine([output(3)])
    l1.mine()
    const head = l1.mine([output(6)])
    await expect(checker.follow(head)).rejects.toThrow(ResetFault)
    await checker.reset()
    await checker.follow(head)
    expect(store.outputCount()).toBe(2n)
  })

  it('forgets with a reset what L1 took back, alarms included, and reads what came instead', async () => {
    const { l1, checker, output, heard, store } = await setUp()
    l1.mine([output(2)])
    await checker.follow(l1.mine([output(4, WRONG)]))
    expect(checker.wrongOutputs()).toHaveLength(1)
    l1.takeBack(1)
    l1.mine([output(5)])
    await checker.reset()
    expect([store.outputCount(), checker.wrongOutputs()]).toEqual([1n, []])
    await checker.follow(l1.head())
    expect(store.outputByIndex(1n)?.l2BlockNumber).toBe(5n)
    expect(heard).toHaveLength(1)
  })

  it('waits with an output that is ahead of the safe chain', async () => {
    const { l1, checker, output, checkedCount, store } = await setUp()
    const ahead: FakeL1Action = { kind: 'output', outputRoot: WRONG, l2BlockNumber: 9n }
    await checker.follow(l1.mine([output(4), ahead]))
    expect(store.outputCount()).toBe(2n)
    expect([await checkedCount('match'), await checkedCount('mismatch')]).toEqual([1, 0])
  })

  it('says nothing after a reset of an output that the safe chain no longer reaches', async () => {
    const { l1, checker, output, store, node } = await setUp()
    await checker.follow(l1.mine([output(2), output(4, WRONG), output(6, WRONG)]))
    expect(checker.wrongOutputs().map(({ output: { index } }) => index)).toEqual([1n, 2n])
    await node.engine.reset(6n, 4n)
    await checker.reset()
    expect(store.outputCount()).toBe(3n)
    expect(checker.wrongOutputs().map(({ output: { index } }) => index)).toEqual([1n])
  })

  it('follows a deletion and a new output after it within one L1 block', async () => {
    const { l1, checker, output, heard, store } = await setUp()
    const header = l1.mine([output(4, WRONG), { kind: 'deleteOutputs', newLength: 0n }, output(3)])
    await checker.follow(header)
    expect([store.outputCount(), heard]).toEqual([1n, []])
    expect(store.outputByIndex(0n)?.l2BlockNumber).toBe(3n)
  })

  it('goes on with a reset from the newest block that still stands, however old the last output is', async () => {
    const { l1, checker, output, heard, asked, store } = await setUp()
    l1.mine([output(2), output(4, WRONG)])
    for (let i = 0; i < 200; i++) l1.mine()
    await checker.follow(l1.head())
    l1.takeBack(2)
    asked.length = 0
    await checker.reset()
    await checker.follow(l1.mine([output(5)]))
    expect(asked).toEqual([302n, 301n, 300n])
    expect([store.outputCount(), heard.length, checker.wrongOutputs()]).toEqual([3n, 1, heard])
  })

  it('reads with a reset once more what a deletion took away that L1 took back', async () => {
    const world = await setUp()
    const { l1, checker, output, heard, store } = world
    l1.mine([output(2)])
    l1.mine([output(4, WRONG)])
    for (let i = 0; i < 3; i++) l1.mine()
    await checker.follow(l1.head())
    await checker.follow(l1.mine([{ kind: 'deleteOutputs', newLength: 0n }]))
    expect([store.outputCount(), checker.wrongOutputs()]).toEqual([0n, []])
    l1.takeBack(1)
    await checker.reset()
    await checker.follow(l1.mine([output(5)]))
    expect(outputsOf(store)).toEqual((await readAfresh(world)).outputs)
    expect(checker.wrongOutputs()).toMatchObject([{ output: { index: 1n } }])
    // What was wrong, right for lack of it, and is wrong again, is told again.
    expect(heard).toHaveLength(2)
  })

  it('asks for a reset when L1 has another block in place of the one it went back to', async () => {
    const { l1, checker, output, store } = await setUp()
    l1.mine()
    await checker.follow(l1.mine([output(4, WRONG)]))
    await checker.reset()
    l1.takeBack(1)
    await expect(checker.follow(l1.mine())).rejects.toThrow(ResetFault)
    await checker.reset()
    await checker.follow(l1.head())
    expect([store.outputCount(), checker.wrongOutputs()]).toEqual([0n, []])
  })

  it('says after whatever L1 did what somebody says who reads it for the first time', async () => {
    const acts = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ kind: fc.constant('mine' as const), root: fc.boolean() }) },
        { weight: 3, arbitrary: fc.constant({ kind: 'empty' as const }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), length: fc.nat(3) }) },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant('takeBack' as const), depth: fc.nat(6) }) },
        { weight: 4, arbitrary: fc.constant({ kind: 'follow' as const }) },
      ),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(acts, async (each) => {
        const world = await setUp()
        const { l1, checker, output, heard, store } = world
        let next = 1
        const follow = async () => {
          for (;;) {
            try {
              return await checker.follow(l1.head())
            } catch (fault) {
              if (!(fault instanceof ResetFault)) throw fault
              await checker.reset()
            }
          }
        }
        for (const act of each) {
          if (act.kind === 'mine') l1.mine([output(1 + (next++ % 6), act.root ? undefined : WRONG)])
          else if (act.kind === 'empty') l1.mine()
          else if (act.kind === 'delete')
            l1.mine([{ kind: 'deleteOutputs', newLength: BigInt(act.length) }, output(3)])
          else if (act.kind === 'takeBack') {
            l1.takeBack(Math.min(act.depth, Number(l1.head().number) - 101))
            await checker.reset()
          } else await follow()
        }
        l1.mine()
        await follow()
        const truth = await readAfresh(world)
        expect(outputsOf(store)).toEqual(truth.outputs)
        expect(checker.wrongOutputs()).toEqual(truth.wrong)
        const told = heard.map(({ output: { index, l1Block } }) => `${index} ${l1Block.hash}`)
        if (each.every(({ kind }) => kind !== 'delete')) expect(told).toEqual([...new Set(told)])
      }),
      { numRuns: 60 },
    )
  })
})
