import { beforeEach, describe, expect, it } from 'vitest'
import type { FindSignature } from '../node/index.ts'
import { type Block, isUnsafeBlockSigned } from '../protocol/index.ts'
import { openTestChain, TEST_ROLLUP, type TestChain } from '../test/TestChain.ts'
import { createBlockSigner } from './BlockSigner.ts'
import { createPromiseSigner } from './pool/PromiseSigner.ts'
import type { Refusal } from './pool/Refusal.ts'

const signer = createPromiseSigner(`0x${'42'.repeat(32)}`, TEST_ROLLUP.l2ChainId)
let chain: TestChain
let refusal: Refusal | undefined
let findSignature: FindSignature

function open(): FindSignature {
  const { engine, store } = chain
  return createBlockSigner({ engine, store, signer, permit: { whyNot: () => refusal } })
}

beforeEach(async () => {
  chain = await openTestChain()
  refusal = undefined
  findSignature = open()
})

const isSigned = (block: Block) => {
  const signed = findSignature(block)
  if (signed === undefined) return false
  const { hash: blockHash, header } = block
  expect(signed.signer).toBe(signer.address)
  expect(isUnsafeBlockSigned(TEST_ROLLUP.l2ChainId, { blockHash, blockNumber: header.number }, signed)).toBe(
    true,
  )
  return true
}

describe('createBlockSigner', () => {
  it('signs what was built here, also after it became safe, until it is final', async () => {
    const blocks = [await chain.build(), await chain.build()]
    expect(blocks.map(isSigned)).toEqual([true, true])
    await chain.makeSafe(2n)
    expect(blocks.map(isSigned)).toEqual([true, true])
    await chain.finalize(1n)
    expect(blocks.map(isSigned)).toEqual([false, true])
  })

  it('signs nothing while no promise may be signed', async () => {
    const block = await chain.build()
    refusal = { reason: 'PROMISE_LOG_LOST', message: 'lost' }
    expect(isSigned(block)).toBe(false)
    refusal = undefined
    expect(isSigned(block)).toBe(true)
  })

  it('signs no block that L1 dictated', async () => {
    const { engine, store } = chain
    const ours = await chain.build()
    const genesis = store.heads().safe
    const { block: derived } = await engine.consolidate(
      genesis,
      {
        timestamp: genesis.timestamp + 2n,
        l1Origin: { number: 101n, hash: ours.hash, parentBeaconBlockRoot: ours.hash },
        sequenceNumber: 0n,
        transactions: [],
      },
      { l1Block: { number: 102n, hash: ours.hash }, transactionHash: undefined },
    )
    expect([ours, derived].map(isSigned)).toEqual([false, false])
    // The safe head goes back, the block stays: that does not make it ours.
    await engine.reset(1n, 0n)
    expect(isSigned(derived)).toBe(false)
    const next = await chain.build()
    expect(isSigned(next)).toBe(true)
  })

  it('signs the block that took the place of one that was taken back, and not the old one', async () => {
    const old = await chain.build()
    await chain.engine.reset(0n)
    const next = await chain.build([], [])
    expect(next.hash).toBe(old.hash)
    await chain.engine.reset(0n)
    expect(isSigned(old)).toBe(false)
  })

  it('knows after a restart which blocks are its own', async () => {
    const safe = await chain.build()
    await chain.makeSafe(1n)
    const unsafe = await chain.build()
    findSignature = open()
    expect([safe, unsafe].map(isSigned)).toEqual([false, true])
  })
})
