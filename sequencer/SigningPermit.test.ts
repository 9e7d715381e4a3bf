import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger, TemporaryFault } from '../node/index.ts'
import { openTestChain, type TestChain } from '../test/TestChain.ts'
import { createSequencerMetrics } from './metrics.ts'
import { openPromiseLog, type PromiseLog } from './PromiseLog.ts'
import { createSigningPermit, type SigningPermit } from './SigningPermit.ts'

const first = `0x${'a1'.repeat(20)}` as const
const second = `0x${'a2'.repeat(20)}` as const

describe('SigningPermit', () => {
  let chain: TestChain
  let log: PromiseLog
  let named: typeof first | typeof second
  let submissions: bigint
  let isReady: boolean
  let isDown: boolean

  beforeEach(async () => {
    chain = await openTestChain()
    named = first
    submissions = 0n
    isReady = true
    isDown = false
  })
  afterEach(() => chain.close())

  async function readSigner() {
    if (isDown) throw new TemporaryFault('down')
    return named
  }

  async function open(signer: typeof first | typeof second): Promise<SigningPermit> {
    const metrics = createSequencerMetrics(new Registry())
    log = openPromiseLog({ bucket: chain.store.bucket('pool'), metrics })
    const permit = createSigningPermit({
      log,
      store: chain.store,
      contracts: { promiseSigner: readSigner, submissionCount: async () => submissions },
      signer,
      isReady: () => isReady,
      logger: createLogger({ level: 'silent' }),
      metrics,
    })
    await permit.refresh()
    return permit
  }

  it('lets the named signer sign on a new chain, also after a restart', async () => {
    expect((await open(first)).whyNot()).toBeUndefined()
    submissions = 7n
    await chain.build()
    expect((await open(first)).whyNot()).toBeUndefined()
    expect(log.state()).toEqual({ active: first, lost: [] })
  })

  it('forbids until L1 has been read', async () => {
    isReady = false
    expect((await open(first)).whyNot()?.reason).toBe('SEQUENCER_NOT_READY')
    expect(log.isFresh()).toBe(true)
  })

  it('forbids a signer that SystemConfig does not name', async () => {
    const permit = await open(second)
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
    expect((await open(second)).whyNot()).toBeUndefined()
    expect(log.state()).toEqual({ active: second, lost: [first] })
  })

  it('takes blocks that are only here for a chain that is not new', async () => {
    await chain.build()
    expect((await open(first)).whyNot()?.reason).toBe('PROMISE_LOG_LOST')
  })

  it('keeps the last answer while L1 is away', async () => {
    const permit = await open(first)
    isDown = true
    await expect(permit.refresh()).rejects.toBeInstanceOf(TemporaryFault)
    expect(permit.whyNot()).toBeUndefined()
  })
})
