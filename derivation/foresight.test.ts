import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLogger, createNativeVerifier, createParallelVerifier } from '../node/index.ts'
import { type Block, encodeBatcherData, encodeBlob } from '../protocol/index.ts'
import { blockToBatch, createFakeL1Rollup, openTestNode, safeChain } from '../test/derivationWorld.ts'
import { createFakeL1, type FakeL1Action } from '../test/FakeL1.ts'
import { createTestKeystore } from '../test/TestKeystore.ts'

const L1_SECONDS = 6n
const createL1 = () => createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
const { l2ChainId } = createFakeL1Rollup(createL1())
const native = createNativeVerifier()

const dataOf = (blocks: readonly Block[]) => encodeBatcherData(blocks.map(blockToBatch))
const keystores = [1, 2, 3].map((scheme) =>
  createTestKeystore(l2ChainId, `foresight ${scheme}`, { scheme: scheme as 1 | 2 | 3 }),
)
const updates = keystores.map((keystore) => Array.from({ length: 6 }, () => keystore.update().raw))

/** Builds blocks with the given set-configs and gives them to L1, one part per L1 block. */
async function buildWorld(parts: readonly (readonly (readonly Uint8Array[])[])[], asBlobs = false) {
  const l1 = createL1()
  const rollup = createFakeL1Rollup(l1)
  const sequencer = await openTestNode(rollup, l1.client)
  const actions: FakeL1Action[] = []
  for (const part of parts) {
    const blocks: Block[] = []
    for (const transactions of part) {
      const block = await sequencer.build(transactions)
      if (block !== undefined) blocks.push(block)
    }
    const data = dataOf(blocks)
    actions.push(asBlobs ? { kind: 'blobs', blobs: [encodeBlob(data)] } : { kind: 'batch', data })
  }
  return { l1, rollup, sequencer, actions }
}

describe('foresight', () => {
  it('expects every signature that execution asks for, before it asks', async () => {
    const at = (place: number) => updates.map((raws) => raws[place] as Uint8Array)
    const parts = [[at(0)], [at(1), at(2)], [at(3)], [at(4), at(5)]]
    for (const asBlobs of [false, true]) {
      const { l1, rollup, sequencer, actions } = await buildWorld(parts, asBlobs)
      const expected = new Set<string>()
      const unforeseen: string[] = []
      const verifier = await openTestNode(rollup, l1.client, undefined, {
        expect: (...question) => expected.add(question.join()),
        verify(...question) {
          if (!expected.has(question.join())) unforeseen.push(question.join())
          return native(...question)
        },
      })
      for (const action of actions) l1.mine([action], L1_SECONDS)
      await verifier.catchUp()
      expect(verifier.store.heads().safe).toEqual(sequencer.store.heads().unsafe)
      expect(unforeseen).toEqual([])
      expect(expected.size).toBe(updates.flat().length)
    }
  })

  it('changes nothing in the chain, whatever L1 carries and takes back', async () => {
    const parallel = createParallelVerifier({ logger: createLogger({ level: 'silent' }), threads: 1 })
    const transaction = fc.record({ keystore: fc.nat(2), place: fc.nat(5) })
    const block = fc.array(transaction, { maxLength: 4 })
    const part = fc.record({ blocks: fc.array(block, { minLength: 1, maxLength: 2 }), copies: fc.nat(2) })
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(part, { minLength: 1, maxLength: 5 }),
          fc.nat(3),
          fc.nat(30),
          async (plan, takenBack, pause) => {
            const raws = plan.map(({ blocks }) =>
              blocks.map((each) =>
                each.map(({ keystore, place }) => updates[keystore]?.[place] as Uint8Array),
              ),
            )
            const { l1, rollup, actions } = await buildWorld(raws)
            const ahead = await openTestNode(rollup, l1.client, undefined, parallel)
            const plain = await openTestNode(rollup, l1.client)
            actions.forEach((action, i) => {
              l1.mine(new Array(1 + (plan[i]?.copies ?? 0)).fill(action), L1_SECONDS)
            })
            for (let i = 0; i < pause; i++) await ahead.step()
            l1.takeBack(Math.min(takenBack, actions.length))
            // A shorter L1 could be one that lags.
            for (let i = 0; i <= takenBack; i++) l1.mine(actions.slice(i, i + 1), L1_SECONDS)
            await ahead.catchUp()
            await plain.catchUp()
            expect(safeChain(ahead.store)).toEqual(safeChain(plain.store))
          },
        ),
        { numRuns: 25 },
      )
    } finally {
      await parallel.close()
    }
  })
})
