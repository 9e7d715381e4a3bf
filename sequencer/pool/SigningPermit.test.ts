import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger, TemporaryFault } from '../../node/index.ts'
import { openTestChain, type TestChain } from '../../test/TestChain.ts'
import { createSequencerMetrics } from '../metrics.ts'
import { openPromiseLog, type PromiseLog } from './PromiseLog.ts'
import { createSigningPermit, type SigningPermit, type SigningPermitModules } from './SigningPermit.ts'

const first = `0x${'a1'.repeat(20)}` as const
const second = `0x${'a2'.repeat(20)}` as const
/** The hash of a transaction that carried batches. */
const CARRIER = `0x${'ca'.repeat(32)}` as const

describe('SigningPermit', () => {
  let chain: TestChain
  let store: SigningPermitModules['store']
  let log: PromiseLog
  let named: typeof first | typeof second
  let submissions: bigint
  let derived: bigint | undefined
  let isDown: boolean
  let askedAtLeast: bigint | undefined

  beforeEach(async () => {
    chain = await openTestChain()
    store = chain.store
    named = first
    submissions = 0n
    derived = 10n
    isDown = false
  })
  afterEach(() => chain.close())

  async function readSigner(atLeast: bigint) {
    askedAtLeast = atLeast
    if (isDown) throw new TemporaryFault('down')
    return named
  }

  async function open(signer: typeof first | typeof second): Promise<SigningPermit> {
    const metrics = createSequencerMetrics(new Registry())
    log = openPromiseLog({ bucket: chain.store.bucket('pool'), metrics })
    const permit = createSigningPermit({
      log,
      store,
      contracts: { promiseSigner: readSigner, submissionCount: async () => submissions },
      signer,
      derivedL1: () => derived,
      confirmations: 2n,
      intervalMs: 1,
      logger: createLogger({ level: 'silent' }),
      metrics,
    })
    await permit.refresh()
    return permit
  }

  /** A permit on a new chain whose first batch is deep enough in L1. */
  async function openFounded(signer: typeof first | typeof second): Promise<SigningPermit> {
    const permit = await open(signer)
    submissions = 1n
    await permit.refresh()
    derived = 12n
    await permit.refresh()
    return permit
  }

  it('lets the named signer sign on a new chain once a batch is on L1, and at once after a restart', async () => {
    const permit = await open(first)
    const reasons = [permit.whyNot()?.reason]
    const look = async (count: bigint, at: bigint) => {
      submissions = count
      derived = at
      await permit.refresh()
      reasons.push(permit.whyNot()?.reason)
    }
    await look(1n, 11n)
    await look(1n, 12n)
    // A reorg takes the batch back: only what comes after it counts.
    await look(0n, 13n)
    await look(1n, 14n)
    await look(1n, 15n)
    expect(new Set(reasons)).toEqual(new Set(['NO_BATCH_YET']))
    expect(log.state()).toEqual({ active: undefined, lost: [] })
    await look(1n, 16n)
    expect(permit.whyNot()).toBeUndefined()
    submissions = 7n
    await chain.build()
    expect((await open(first)).whyNot()).toBeUndefined()
    expect(log.state()).toEqual({ active: first, lost: [] })
  })

  it('forbids until L1 has been read', async () => {
    derived = undefined
    expect((await open(first)).whyNot()?.reason).toBe('SEQUENCER_NOT_READY')
    expect(log.isFresh()).toBe(true)
  })

  it('forbids a signer that SystemConfig does not name', async () => {
    const permit = await openFounded(second)
    expect(permit.whyNot()?.reason).toBe('PROMISE_SIGNER_NOT_NAMED')
    named = second
    await permit.refresh()
    expect(permit.whyNot()).toBeUndefined()
    named = first
    await permit.refresh()
    expect(permit.whyNot()?.reason).toBe('PROMISE_SIGNER_NOT_NAMED')
  })

  it('forbids the named signer for ever when the chain has blocks and there is no log', async () => {
    submissions = 1n
    expect((await open(first)).whyNot()?.reason).toBe('PROMISE_LOG_LOST')
    named = second
    await open(second)
    named = first
    const again = await open(first)
    expect(again.whyNot()?.reason).toBe('PROMISE_LOG_LOST')
  })

  it('lets a newly named signer sign after the log was lost', async () => {
    submissions = 1n
    await open(first)
    named = second
    expect((await openFounded(second)).whyNot()).toBeUndefined()
    expect(log.state()).toEqual({ active: second, lost: [first] })
  })

  it('takes blocks that are only here for a chain that is not new', async () => {
    await chain.build()
    expect((await open(first)).whyNot()?.reason).toBe('PROMISE_LOG_LOST')
  })

  it('takes a chain that batches made for one that is not new, whatever an L1 node says of the inbox', async () => {
    await chain.build()
    await chain.build()
    await chain.makeSafe(1n, CARRIER)
    await chain.makeSafe(2n)
    const permit = await openFounded(first)
    expect(permit.whyNot()?.reason).toBe('PROMISE_LOG_LOST')
    expect(log.state()).toEqual({ active: undefined, lost: [first] })
  })

  it('takes a chain that began with a snapshot for one that is not new', async () => {
    const block = { number: 7n, hash: CARRIER }
    store = { ...chain.store, base: () => ({ ...chain.store.base(), block }) }
    expect((await openFounded(first)).whyNot()?.reason).toBe('PROMISE_LOG_LOST')
  })

  it('lets the named signer sign on a chain of nothing but closed windows, however many', async () => {
    await chain.build()
    await chain.makeSafe(1n)
    const made = chain.store.inclusionOf(1n)
    const head = { ...chain.store.heads().safe, number: 50_000n }
    store = {
      ...chain.store,
      heads: () => ({ unsafe: head, safe: head, finalized: head }),
      inclusionOf: () => made,
    }
    expect(made).toBeDefined()
    expect((await openFounded(first)).whyNot()).toBeUndefined()
  })

  it('asks who signs as of what has been read at least: before a change another one would be taken for lost', async () => {
    await open(first)
    expect(askedAtLeast).toBe(10n)
    expect(log.state().lost).toEqual([])
  })

  it('keeps the last answer while L1 is away', async () => {
    const permit = await openFounded(first)
    isDown = true
    await expect(permit.refresh()).rejects.toBeInstanceOf(TemporaryFault)
    expect(permit.whyNot()).toBeUndefined()
  })
})
