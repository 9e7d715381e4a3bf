import { Registry } from 'prom-client'
import type { Hex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger, createNativeVerifier, DamagedDatabaseError, uint64Key } from '../../node/index.ts'
import {
  concat,
  encodeRlp,
  fromHex,
  keccakHex,
  MAX_BLOCK_BYTES,
  promiseDigest,
  type SignedPromise,
  setConfigDigest,
  setConfigToBytes,
  verifySignature,
} from '../../protocol/index.ts'
import { openTestChain, TEST_ROLLUP, type TestChain, testDeposit } from '../../test/TestChain.ts'
import { createTestKeystore, type SignedSetConfig, type TestKeystore } from '../../test/TestKeystore.ts'
import { createTestSigner, DEFAULT_WEBAUTHN, signWebAuthn, type TestSigner } from '../../test/testSigners.ts'
import { createSequencerMetrics } from '../metrics.ts'
import type { PoolOptions } from './admission.ts'
import { DEFAULT_POOL_OPTIONS, openPool, type Pool } from './Pool.ts'
import { PoolDamagedError } from './PoolBook.ts'
import { openPromiseLog, type PromiseLog, PromiseLogFormatError, PromiseLogWriteError } from './PromiseLog.ts'
import { createPromiseSigner } from './PromiseSigner.ts'
import type { Refusal } from './Refusal.ts'

const chainId = TEST_ROLLUP.l2ChainId
const signer = createPromiseSigner(`0x${'51'.repeat(32)}`, chainId)
let names = 0
const newKeystore = (options?: Parameters<typeof createTestKeystore>[2]) =>
  createTestKeystore(chainId, `pool test ${names++}`, options)

describe('Pool', () => {
  let chain: TestChain
  let log: PromiseLog
  let pool: Pool
  let whyNot: Refusal | undefined
  /** Stands between the pool and its disk. */
  let diskWrite: (write: () => Promise<void>) => Promise<void>

  beforeEach(async () => {
    chain = await openTestChain()
    whyNot = undefined
    diskWrite = (write) => write()
    await open()
  })
  afterEach(() => chain.close())

  /** Opens the pool on the test's chain, as a restarted process does. */
  async function open(options: Partial<PoolOptions> = {}) {
    const metrics = createSequencerMetrics(new Registry())
    const bucket = chain.store.bucket('pool')
    log = openPromiseLog({
      bucket: { ...bucket, write: (writes) => diskWrite(() => bucket.write(writes)) },
      metrics,
    })
    if (log.isFresh()) await log.setState({ active: signer.address, lost: [] })
    const opened = await openPool({
      store: chain.store,
      rollup: chain.rollup,
      verify: createNativeVerifier(),
      log,
      signer,
      whyNot: () => whyNot,
      options: { ...DEFAULT_POOL_OPTIONS, ...options },
      logger: createLogger({ level: 'silent' }),
      metrics,
    })
    pool = opened
    chain.engine.subscribe((event) => opened.handle(event))
  }

  /** Builds a block of what the pool selects. */
  const build = (
    deposits: readonly Uint8Array[] = [],
    changed: Parameters<Pool['select']>[0]['changed'] = new Map(),
  ) => chain.build(({ head, timestamp }) => pool.select({ parent: head, timestamp, changed }), deposits)

  async function promised({ raw }: SignedSetConfig): Promise<SignedPromise> {
    const submission = await pool.submit(raw)
    if (!submission.ok) expect.unreachable(`refused: ${submission.refusal.reason}`)
    return submission.signed
  }
  async function refused(raw: Uint8Array): Promise<Refusal> {
    const submission = await pool.submit(raw)
    if (submission.ok) expect.unreachable('promised')
    return submission.refusal
  }
  const stageOf = (tx: SignedSetConfig) => pool.status(tx.hash)?.stage.name

  describe('submit', () => {
    it('promises a valid update, signed by the promise signer', async () => {
      const tx = newKeystore().update()
      const { promise, signature, signer: address } = await promised(tx)
      expect(promise).toEqual({
        id: tx.tx.id,
        kind: 0,
        nonce: 1n,
        configHash: tx.configHash,
        txHash: tx.hash,
        byBlock: DEFAULT_POOL_OPTIONS.promiseBlocks,
      })
      expect(address).toBe(signer.address)
      expect(verifySignature(1, signer.address, promiseDigest(chainId, promise), signature)).toBe(true)
    })

    it('takes several updates of one keystore before any is in a block', async () => {
      const keystore = newKeystore()
      const txs = [keystore.update(), keystore.update({ data: '0x01' }), keystore.update({ data: '0x02' })]
      for (const tx of txs) await promised(tx)
      const block = await build()
      expect(block.transactions).toEqual(txs.map(({ raw }) => raw))
      expect(chain.store.verdictsOf(block.hash)).toEqual([undefined, undefined, undefined])
    })

    it('gives the first promise again for the same config in other bytes, before and after it is in a block', async () => {
      const keystore = newKeystore({ scheme: 3 })
      const first = keystore.update({ data: '0x01' })
      const other = signedAnew(first, keystore)
      expect(other.hash).not.toBe(first.hash)
      const signed = await promised(first)
      expect(await promised(other)).toEqual(signed)
      await build()
      expect(await promised(other)).toEqual(signed)
      expect(pool.counts().transactions).toBe(0)
    })

    it('names what is wrong with bytes that do not decode', async () => {
      expect(await refused(Uint8Array.of(1, 2, 3))).toMatchObject({
        reason: 'UNDECODABLE',
        details: { detail: 'WRONG_TYPE' },
      })
      const { raw } = createTestKeystore(chainId + 1n, 'elsewhere').update()
      expect(await refused(raw)).toMatchObject({
        reason: 'UNDECODABLE',
        details: { detail: 'WRONG_CHAIN_ID' },
      })
    })

    it('refuses a nonce that is past', async () => {
      const keystore = newKeystore()
      await chain.build([keystore.update().raw])
      const late = keystore.update({ previous: keystore.initial, data: '0x77' })
      await log.setState({ active: signer.address, lost: [] })
      expect(await refused(late.raw)).toMatchObject({
        reason: 'NONCE_TOO_LOW',
        details: { expectedNonce: '0x2' },
      })
    })

    it('refuses a nonce that leaves a gap', async () => {
      const keystore = newKeystore()
      await promised(keystore.update())
      const { raw } = keystore.update({ nonce: 3n })
      expect(await refused(raw)).toMatchObject({
        reason: 'NONCE_TOO_HIGH',
        details: { expectedNonce: '0x2' },
      })
    })

    it('refuses a second config at a promised nonce, and shows the promise', async () => {
      const keystore = newKeystore()
      const signed = await promised(keystore.update({ data: '0x01' }))
      const rival = keystore.update({ previous: keystore.initial, data: '0x02' })
      expect(await refused(rival.raw)).toMatchObject({
        reason: 'CONFLICT',
        details: {
          signature: signed.signature,
          promise: { configHash: signed.promise.configHash, nonce: '0x1' },
        },
      })
      await build()
      expect(await refused(rival.raw)).toMatchObject({ reason: 'CONFLICT' })
    })

    it('asks for the initial config of a keystore that nobody has shown', async () => {
      const keystore = newKeystore()
      keystore.update()
      expect(await refused(keystore.update().raw)).toMatchObject({ reason: 'INITIAL_CONFIG_REQUIRED' })
    })

    it('refuses a config that is not well-formed', async () => {
      const keystore = newKeystore()
      const broken = { ...keystore.initial, maxStaleness: 1 }
      const { raw } = keystore.update({ previous: { ...broken, nonce: 0n } })
      expect((await refused(raw)).reason).toBe('CONFIG_NOT_WELL_FORMED')
    })

    it('refuses a config that could lock the wallet out', async () => {
      const { raw } = newKeystore().update({ signers: [createTestSigner(2, 'next')], isLockout: true })
      expect((await refused(raw)).reason).toBe('NO_USABLE_SIGNER')
    })

    it('refuses an approval by somebody else, and a signature over something else', async () => {
      const keystore = newKeystore()
      expect((await refused(keystore.update({ by: [] }).raw)).reason).toBe('WRONG_APPROVAL_COUNT')
      const other = newKeystore()
      const { tx } = other.update()
      const [approval] = other.update({ previous: other.initial, data: '0x99' }).tx.approvals
      if (approval === undefined) expect.unreachable()
      expect((await refused(setConfigToBytes({ ...tx, approvals: [approval] }))).reason).toBe('BAD_SIGNATURE')
    })

    it('limits what waits in all, and of one keystore', async () => {
      await open({ maxPendingPerKeystore: 2 })
      const keystore = newKeystore()
      await promised(keystore.update())
      await promised(keystore.update())
      expect((await refused(keystore.update().raw)).reason).toBe('KEYSTORE_QUEUE_FULL')
      await open({ maxUnfinal: 2 })
      expect((await refused(newKeystore().update().raw)).reason).toBe('POOL_FULL')
      await open({ maxPendingBytes: 700 })
      expect((await refused(newKeystore().update().raw)).reason).toBe('POOL_FULL')
    })

    it('promises a later block when more waits than fits the next ones', async () => {
      const big = () => newKeystore().update({ data: `0x${'ee'.repeat(4096)}` })
      const first = await promised(big())
      let last = first
      for (let i = 0; i < 65; i++) last = await promised(big())
      expect(last.promise.byBlock).toBe(first.promise.byBlock + 3n)
    })

    it('promises no block that is full before it, however badly what waits fits into blocks', async () => {
      await open({ promiseBlocks: 1n })
      // As large as passkeys can make a set-config: a quarter of each block stays empty.
      const signers = Array.from({ length: 16 }, (_, i) => createLongWindedSigner(`signer ${i}`))
      const large = () => newKeystore().update({ signers, data: `0x${'ee'.repeat(2_200)}` })
      expect(MAX_BLOCK_BYTES % large().raw.length).toBeGreaterThan(MAX_BLOCK_BYTES / 5)
      for (let i = 0; i < 8; i++) await promised(large())
      while (pool.counts().transactions > 0) await build()
      expect((await pool.unkept({ after: undefined, limit: 10 })).promises).toEqual([])
    })

    it('promises nothing while something forbids it, but repeats what was promised', async () => {
      const tx = newKeystore().update()
      const signed = await promised(tx)
      whyNot = { reason: 'SEQUENCER_INACTIVE', message: 'stopped' }
      expect((await refused(newKeystore().update().raw)).reason).toBe('SEQUENCER_INACTIVE')
      expect(await promised(tx)).toEqual(signed)
    })

    it('shares synced writes among submissions of the same moment', async () => {
      let writes = 0
      diskWrite = (write) => {
        writes++
        return write()
      }
      await Promise.all(Array.from({ length: 50 }, () => promised(newKeystore().update())))
      expect(writes).toBeLessThan(10)
    })

    it('says nothing of a promise that is not on disk, and stands by it all the same', async () => {
      let release: () => void = () => undefined
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      diskWrite = (write) => held.then(write)
      const keystore = newKeystore()
      const tx = keystore.update({ data: '0x01' })
      const answers: string[] = []
      const submitted = promised(tx).then(() => answers.push('promised'))
      const rival = refused(keystore.update({ previous: keystore.initial, data: '0x02' }).raw)
      const refusedToo = rival.then(({ reason }) => answers.push(reason))
      await new Promise(setImmediate)
      expect(answers).toEqual([])
      expect(pool.status(tx.hash)).toBeUndefined()
      const parent = chain.head()
      expect(pool.select({ parent, timestamp: parent.timestamp + 2n, changed: new Map() })).toEqual([])
      // Even when a deposit makes the transaction impossible before its promise is on disk.
      const forced = keystore.update({ previous: keystore.initial, data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const late = refused(keystore.update({ previous: keystore.initial, data: '0x04' }).raw)
      release()
      expect((await late).reason).toBe('CONFLICT')
      await Promise.all([submitted, refusedToo])
      expect(answers.toSorted()).toEqual(['CONFLICT', 'promised'])
      expect(stageOf(tx)).toBe('displaced')
    })

    it('promises nothing any more once the disk has failed', async () => {
      diskWrite = () => Promise.reject(new RangeError('no space left'))
      await expect(pool.submit(newKeystore().update().raw)).rejects.toBeInstanceOf(PromiseLogWriteError)
      diskWrite = (write) => write()
      await expect(pool.submit(newKeystore().update().raw)).rejects.toBeInstanceOf(PromiseLogWriteError)
      await expect(pool.failed).rejects.toBeInstanceOf(PromiseLogWriteError)
    })
  })

  it('promises nothing any more once it has lost track of the chain', async () => {
    const unsafe = { ...chain.head(), hash: `0x${'00'.repeat(32)}` as const }
    pool.handle({ type: 'rewound', unsafe, safe: unsafe, dropped: [] })
    await expect(pool.submit(newKeystore().update().raw)).rejects.toBeInstanceOf(PoolDamagedError)
    await expect(pool.failed).rejects.toBeInstanceOf(PoolDamagedError)
  })

  describe('recoveries', () => {
    it('starts and completes one, and refuses completion before its time', async () => {
      const keystore = newKeystore({ recoveryDelay: 4 })
      const start = keystore.startRecovery({ data: '0xaa' })
      await promised(start)
      const complete = keystore.completeRecovery(start.config)
      expect((await refused(complete.raw)).reason).toBe('RECOVERY_NOT_READY')
      await build()
      expect((await refused(complete.raw)).reason).toBe('RECOVERY_NOT_READY')
      await build()
      await promised(complete)
      const block = await build()
      expect(block.transactions).toEqual([complete.raw])
      expect(chain.store.verdictsOf(block.hash)).toEqual([undefined])
    })

    it('promises nothing on top of a completion whose delay begins anew after a reorg, until it is over', async () => {
      const keystore = newKeystore({ recoveryDelay: 4 })
      const start = keystore.startRecovery({ data: '0xaa' })
      await promised(start)
      await build()
      await build()
      const complete = keystore.completeRecovery(start.config)
      await promised(complete)
      await chain.engine.reset(0n)
      const next = keystore.update({ data: '0xbb' })
      expect((await refused(next.raw)).reason).toBe('RECOVERY_NOT_READY')
      expect((await build()).transactions).toEqual([start.raw])
      expect((await refused(next.raw)).reason).toBe('RECOVERY_NOT_READY')
      await build()
      await promised(next)
      expect((await build()).transactions).toEqual([complete.raw, next.raw])
    })

    it('leaves the nonce of a started recovery to the owner', async () => {
      const keystore = newKeystore()
      const start = keystore.startRecovery({ data: '0xaa' })
      await promised(start)
      const answer = keystore.update({ data: '0xbb' })
      await promised(answer)
      const anew = keystore.startRecovery({ data: '0xcc' })
      await promised(anew)
      const block = await build()
      expect(block.transactions).toEqual([start.raw, answer.raw, anew.raw])
      expect(chain.store.verdictsOf(block.hash)).toEqual([undefined, undefined, undefined])
    })

    it('refuses a second recovery while one is pending, and repeats the promise of the first', async () => {
      const keystore = newKeystore()
      const start = keystore.startRecovery({ data: '0xaa' })
      const signed = await promised(start)
      expect((await refused(keystore.startRecovery({ data: '0xbb' }).raw)).reason).toBe('RECOVERY_PENDING')
      expect(await promised(start)).toEqual(signed)
      await build()
      expect((await refused(keystore.startRecovery({ data: '0xbb' }).raw)).reason).toBe('RECOVERY_PENDING')
      expect(await promised(start)).toEqual(signed)
      await chain.makeSafe(1n)
      await chain.finalize(1n)
      expect(await promised(start)).toEqual(signed)
    })

    it('has one promise for an update and the completion of a recovery at one nonce', async () => {
      const keystore = newKeystore({ recoveryDelay: 4 })
      const start = keystore.startRecovery({ data: '0xaa' })
      await promised(start)
      await build()
      await build()
      const complete = keystore.completeRecovery(start.config)
      const signed = await promised(complete)
      const rival = keystore.update({ previous: keystore.initial, data: '0xbb' })
      expect((await refused(rival.raw)).reason).toBe('CONFLICT')
      const same = keystore.update({ previous: keystore.initial, data: '0xaa' })
      expect(same.configHash).toBe(complete.configHash)
      expect(await promised(same)).toEqual(signed)
    })
  })

  describe('select', () => {
    it('keeps the order of promises and the limit of a block', async () => {
      const txs = Array.from({ length: 40 }, () => newKeystore().update({ data: `0x${'ee'.repeat(4096)}` }))
      for (const tx of txs) await promised(tx)
      const first = await build()
      const second = await build()
      expect([...first.transactions, ...second.transactions]).toEqual(txs.map(({ raw }) => raw))
      const size = first.transactions.reduce((sum, { length }) => sum + length, 0)
      expect(size).toBeLessThanOrEqual(MAX_BLOCK_BYTES)
      expect(size).toBeGreaterThan(MAX_BLOCK_BYTES - 5_000)
    })

    it('selects nothing for a block on another parent', async () => {
      await promised(newKeystore().update())
      const parent = { ...chain.head(), hash: `0x${'00'.repeat(32)}` as const }
      expect(pool.select({ parent, timestamp: parent.timestamp + 2n, changed: new Map() })).toEqual([])
    })

    it('leaves out what a deposit of the same block made impossible', async () => {
      const keystore = newKeystore()
      const mine = keystore.update({ data: '0x01' })
      await promised(mine)
      const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
      const view = { configHash: forced.configHash, nonce: 1n, config: forced.config, recovery: undefined }
      const block = await build([testDeposit(forced.raw, 0)], new Map([[keystore.id, view]]))
      expect(block.transactions).toHaveLength(1)
      expect(pool.status(mine.hash)?.stage).toMatchObject({ name: 'displaced', reason: 'NONCE_TOO_LOW' })
    })
  })

  describe('following the chain', () => {
    it('displaces what a deposit overtook, and all that builds on it', async () => {
      const keystore = newKeystore()
      const mine = [
        keystore.update({ data: '0x01' }),
        keystore.update({ data: '0x02' }),
        keystore.update({ data: '0x03' }),
      ]
      for (const tx of mine) await promised(tx)
      const forced = keystore.update({ previous: keystore.initial, data: '0x04' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      expect(mine.map((tx) => pool.status(tx.hash)?.stage)).toMatchObject([
        { name: 'displaced', reason: 'NONCE_TOO_LOW' },
        { name: 'displaced', reason: 'PREDECESSOR_REPLACED' },
        { name: 'displaced', reason: 'PREDECESSOR_REPLACED' },
      ])
      expect(pool.counts()).toEqual({ transactions: 0, bytes: 0 })
    })

    it('keeps a promise by other bytes of the same config when its transaction became impossible', async () => {
      const keystore = newKeystore()
      const first = keystore.update({ data: '0x01' })
      const second = keystore.update({ data: '0x02' })
      await promised(first)
      const signed = await promised(second)
      const forced = keystore.update({ previous: keystore.initial, data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      expect(stageOf(second)).toBe('displaced')
      const again = keystore.update({ previous: forced.config, data: '0x02' })
      expect(again.configHash).toBe(second.configHash)
      for (let i = 0; i < 2; i++) expect(await promised(again)).toEqual(signed)
      expect((await build()).transactions).toEqual([again.raw])
      const unkept = (await pool.unkept({ after: undefined, limit: 10 })).promises
      expect(unkept).toMatchObject([{ signed: { promise: { txHash: first.hash } } }])
      const rival = keystore.update({ previous: forced.config, data: '0x05' })
      expect((await refused(rival.raw)).reason).toBe('CONFLICT')
    })

    it('takes the same bytes again when they became possible again, and has nothing left of the first time', async () => {
      const keystore = newKeystore()
      const mine = [1, 2, 3].map((i) => keystore.update({ data: `0x0${i}` })) as [
        SignedSetConfig,
        SignedSetConfig,
        SignedSetConfig,
      ]
      for (const tx of mine) await promised(tx)
      const forced = keystore.update({ previous: keystore.initial, data: '0x04' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const again = keystore.update({ previous: forced.config, data: '0x02' })
      for (const tx of [again, mine[2]]) await promised(tx)
      expect((await build()).transactions).toEqual([again.raw, mine[2].raw])
      // A reorg can still bring back the first, on which this would not build.
      const early = keystore.update({ previous: mine[2].config, data: '0x06' })
      expect((await refused(early.raw)).reason).toBe('CONFLICT')
      await chain.makeSafe(2n)
      await chain.finalize(2n)
      await pool.flush()
      expect([0n, 1n, 2n, 3n, 4n].map((sequence) => log.queued(sequence))).toEqual(
        new Array(5).fill(undefined),
      )
      const next = keystore.update({ previous: mine[2].config, data: '0x05' })
      await promised(next)
      expect((await build()).transactions).toEqual([next.raw])
    })

    it('sequences again, in the order of promises, what a reorg took back', async () => {
      const keystore = newKeystore()
      const txs = [keystore.update(), newKeystore().update(), keystore.update({ data: '0x02' })]
      for (const tx of txs) {
        await promised(tx)
        await build()
      }
      expect(txs.map(stageOf)).toEqual(['included', 'included', 'included'])
      const waiting = newKeystore().update()
      await promised(waiting)
      await chain.engine.reset(0n)
      expect(txs.map(stageOf)).toEqual(['queued', 'queued', 'queued'])
      const late = keystore.update({ data: '0x03' })
      await promised(late)
      expect((await build()).transactions).toEqual([...txs, waiting, late].map(({ raw }) => raw))
    })

    it('brings a displaced transaction back when the deposit that overtook it is reorganised away', async () => {
      const keystore = newKeystore()
      const mine = keystore.update({ data: '0x01' })
      await promised(mine)
      const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      expect(stageOf(mine)).toBe('displaced')
      await chain.engine.reset(0n)
      expect((await build()).transactions).toEqual([mine.raw])
    })

    it('waits for a config that came by a deposit which a reorg took back', async () => {
      const keystore = newKeystore()
      const forced = keystore.update({ data: '0x01' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const mine = keystore.update({ data: '0x02' })
      await promised(mine)
      await build()
      await chain.engine.reset(0n)
      expect(await build().then(({ transactions }) => transactions)).toEqual([])
      expect(stageOf(mine)).toBe('queued')
      await chain.build([], [testDeposit(forced.raw, 1)])
      expect((await build()).transactions).toEqual([mine.raw])
    })

    it('sequences late what waits behind other promises when their blocks are past and final', async () => {
      // The sequencing window closed: L1 made the blocks in which the promises were to be kept, and finalized them.
      await open({ promiseBlocks: 1n })
      const keystore = newKeystore()
      const txs = [1, 2, 3].map((i) => keystore.update({ data: `0x0${i}` }))
      for (const tx of txs) await promised(tx)
      for (let i = 0; i < 3; i++) await chain.build()
      await chain.makeSafe(3n)
      await chain.finalize(3n)
      expect(txs.map(stageOf)).toEqual(['queued', 'queued', 'queued'])
      expect((await build()).transactions).toEqual(txs.map(({ raw }) => raw))
    })

    it('keeps a promise whose transaction somebody else put into a block too early', async () => {
      const keystore = newKeystore()
      const [first, second] = [keystore.update({ data: '0x01' }), keystore.update({ data: '0x02' })]
      await promised(first)
      await promised(second)
      await chain.build([second.raw])
      expect((await build()).transactions).toEqual([first.raw, second.raw])
      await open()
      expect([first, second].map(stageOf)).toEqual(['included', 'included'])
    })

    it('promises nothing on a promise that waits for what a reorg took back', async () => {
      const keystore = newKeystore()
      const forced = keystore.update({ data: '0x01' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const mine = keystore.update({ data: '0x02' })
      await promised(mine)
      const next = keystore.update({ data: '0x03' })
      const gap = keystore.update({ data: '0x04' })
      expect((await refused(gap.raw)).details).toMatchObject({ expectedNonce: '0x3' })
      await chain.engine.reset(0n)
      expect((await refused(next.raw)).reason).toBe('INITIAL_CONFIG_REQUIRED')
    })

    it('gives up what waits for a deposit that a reorg took back, once its block is past and final', async () => {
      await open({ promiseBlocks: 2n })
      const keystore = newKeystore()
      const forced = keystore.update({ data: '0x01' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const mine = keystore.update({ data: '0x02' })
      const { byBlock } = await promised(mine).then(({ promise }) => promise)
      await chain.engine.reset(0n)
      while (chain.head().number <= byBlock) await chain.build()
      await chain.makeSafe(byBlock + 1n)
      await chain.finalize(byBlock)
      expect(stageOf(mine)).toBe('queued')
      await chain.finalize(byBlock + 1n)
      await pool.flush()
      expect(pool.counts()).toEqual({ transactions: 0, bytes: 0 })
      expect(pool.findUnkept(mine.hash)).toMatchObject({ reason: 'NONCE_TOO_HIGH', isVoid: false })
      await open()
      expect(pool.counts().transactions).toBe(0)
    })

    it.each(['promised', 'forced'])(
      'gives up the completion of a recovery that was %s when a deposit starts another after a reorg',
      async (how) => {
        const keystore = newKeystore({ recoveryDelay: 4 })
        const start = keystore.startRecovery({ data: '0xaa' })
        const other = keystore.startRecovery({ data: '0xbb' })
        if (how === 'promised') await promised(start)
        await build(how === 'forced' ? [testDeposit(start.raw, 1)] : [])
        await build()
        const complete = keystore.completeRecovery(start.config)
        await promised(complete)
        await chain.engine.reset(0n)
        await chain.build([], [testDeposit(other.raw, 0)])
        expect(stageOf(complete)).toBe('displaced')
        for (let i = 0; i < 3; i++) expect((await build()).transactions).toEqual([])
      },
    )

    it('refuses what would break a promise that waits for a config', async () => {
      const keystore = newKeystore()
      const forced = keystore.update({ data: '0x01' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const mine = keystore.update({ data: '0x02' })
      const signed = await promised(mine)
      await chain.engine.reset(0n)
      const other = keystore.update({ previous: keystore.initial, data: '0x03' })
      expect(await refused(other.raw)).toMatchObject({
        reason: 'CONFLICT',
        details: { promise: { configHash: signed.promise.configHash } },
      })
      // The awaited config itself is welcome, and brings the promise with it.
      await promised(forced)
      const next = keystore.update({ previous: mine.config, data: '0x04' })
      await promised(next)
      expect((await build()).transactions).toEqual([forced.raw, mine.raw, next.raw])
    })

    it('keeps a promise of a recovery that waited for a config before the next one takes its nonce', async () => {
      const keystore = newKeystore()
      const forced = keystore.update({ data: '0x01' })
      await build([testDeposit(forced.raw, 0)])
      const recovery = keystore.startRecovery({ data: '0x02' })
      await promised(recovery)
      await chain.engine.reset(0n)
      const answer = keystore.update({ data: '0x03' })
      for (const tx of [forced, answer]) await promised(tx)
      expect((await build()).transactions).toEqual([forced.raw, recovery.raw, answer.raw])
    })

    it('promises nothing new on a deposit that overtook a promise, until it is final', async () => {
      const keystore = newKeystore()
      const overtaken = keystore.update({ data: '0x01' })
      await promised(overtaken)
      const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const next = keystore.update({ data: '0x03' })
      expect((await refused(next.raw)).reason).toBe('CONFLICT')
      // Nor when a reorg brings back another promise, but not that one.
      const recovery = keystore.startRecovery({ previous: forced.config, data: '0x04' })
      await promised(recovery)
      const other = keystore.startRecovery({ previous: forced.config, data: '0x05' })
      await chain.build([], [testDeposit(other.raw, 1)])
      await chain.engine.reset(1n)
      expect([overtaken, recovery].map(stageOf)).toEqual(['displaced', 'queued'])
      expect((await refused(next.raw)).reason).toBe('CONFLICT')
      await chain.makeSafe(1n)
      await chain.finalize(1n)
      await promised(next)
      expect((await build()).transactions).toEqual([recovery.raw, next.raw])
    })

    it('forgets what is final, but never a promise', async () => {
      const keystore = newKeystore()
      const tx = keystore.update({ data: '0x01' })
      const signed = await promised(tx)
      await build()
      await chain.makeSafe(1n)
      await chain.finalize(1n)
      expect(pool.status(tx.hash)).toBeUndefined()
      await pool.flush()
      expect(log.queued(0n)).toBeUndefined()
      expect(pool.counts()).toEqual({ transactions: 0, bytes: 0 })
      expect(await promised(tx)).toEqual(signed)
      const rival = keystore.update({ previous: keystore.initial, data: '0x02' })
      expect(await refused(rival.raw)).toMatchObject({
        reason: 'NONCE_TOO_LOW',
        details: { expectedNonce: '0x2' },
      })
    })

    it('stops promising when a block holds an update that is not in its log', async () => {
      await chain.build([newKeystore().update().raw])
      expect(log.state()).toEqual({ active: undefined, lost: [signer.address] })
    })

    it('goes on promising when a block holds what has no effect, or only starts a recovery, and is not in its log', async () => {
      const keystore = newKeystore()
      keystore.update()
      await chain.build([keystore.update().raw, newKeystore().startRecovery({ data: '0x01' }).raw])
      expect(log.state()).toEqual({ active: signer.address, lost: [] })
    })

    it('goes on promising when a deposit brings an update that is not in its log', async () => {
      await chain.build([], [testDeposit(newKeystore().update().raw, 0)])
      expect(log.state()).toEqual({ active: signer.address, lost: [] })
    })
  })

  describe('promises that are not kept', () => {
    const listed = async (limit = 100) => (await pool.unkept({ after: undefined, limit })).promises

    it('are told at once, over restarts, and for ever when L1 has finalized what voided them', async () => {
      const keystore = newKeystore()
      const mine = [
        keystore.update({ data: '0x01' }),
        keystore.update({ data: '0x02' }),
        keystore.update({ data: '0x03' }),
      ] as const
      const signed = await Promise.all(mine.map(promised))
      const forced = keystore.update({ previous: keystore.initial, data: '0x04' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const expected = [
        { signed: signed[0], outcome: 'displaced', reason: 'NONCE_TOO_LOW', since: 1n, isVoid: true },
        { signed: signed[1], outcome: 'displaced', reason: 'PREDECESSOR_REPLACED', since: 1n, isVoid: true },
        { signed: signed[2], outcome: 'displaced', reason: 'PREDECESSOR_REPLACED', since: 1n, isVoid: true },
      ]
      const byNonce = async () =>
        (await listed()).toSorted((a, b) => Number(a.signed.promise.nonce - b.signed.promise.nonce))
      expect(await byNonce()).toEqual(expected.map((each) => ({ ...each, isFinal: false })))
      await open()
      expect(await byNonce()).toEqual(expected.map((each) => ({ ...each, isFinal: false })))
      await chain.build()
      await chain.makeSafe(2n)
      await chain.finalize(2n)
      await pool.flush()
      expect(await byNonce()).toEqual(expected.map((each) => ({ ...each, isFinal: true })))
      await open()
      expect(await byNonce()).toEqual(expected.map((each) => ({ ...each, isFinal: true })))
      expect(pool.findUnkept(mine[0].hash)).toEqual(expected[0])
    })

    it.each([1, 2])('do not count where the very config was forced, by one of %s deposits', async (count) => {
      const keystore = newKeystore()
      const tx = keystore.update()
      await promised(tx)
      const forced = [tx, keystore.update({ data: '0x01' })].slice(0, count)
      await chain.build(
        [],
        forced.map(({ raw }, i) => testDeposit(raw, i)),
      )
      expect(pool.status(tx.hash)?.stage).toMatchObject({ name: 'displaced', reason: 'SAME_CONFIG' })
      expect(await listed()).toEqual([])
    })

    it('do not count where the very recovery was forced, and are void where another was', async () => {
      const [kept, lost] = [newKeystore(), newKeystore()]
      const own = kept.startRecovery({ data: '0x01' })
      const other = lost.startRecovery({ data: '0x02' })
      for (const tx of [own, lost.startRecovery({ data: '0x03' })]) await promised(tx)
      await chain.build([], [testDeposit(own.raw, 0), testDeposit(other.raw, 1)])
      expect(pool.status(own.hash)?.stage).toMatchObject({ name: 'displaced', reason: 'SAME_CONFIG' })
      expect(await listed()).toMatchObject([{ outcome: 'displaced', isVoid: true }])
    })

    it('are void for a completion too when a deposit takes the ground of its recovery after a reorg', async () => {
      const keystore = newKeystore({ recoveryDelay: 4 })
      await promised(keystore.update({ data: '0x01' }))
      await build()
      const start = keystore.startRecovery({ data: '0x02' })
      await promised(start)
      await build()
      await build()
      await promised(keystore.completeRecovery(start.config))
      await chain.engine.reset(0n)
      const forced = keystore.update({ previous: keystore.initial, data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const fallen = { outcome: 'displaced', isVoid: true }
      expect(await listed()).toMatchObject([fallen, fallen, fallen])
    })

    it('are overdue while they wait and late when they come, which a reorg can undo', async () => {
      await open({ promiseBlocks: 1n })
      const tx = newKeystore().update()
      const signed = await promised(tx)
      await chain.build()
      await chain.build()
      const fault = { signed, reason: undefined, since: 2n, isVoid: false, isFinal: false }
      expect(await listed()).toEqual([{ ...fault, outcome: 'overdue' }])
      await build()
      expect(await listed()).toEqual([{ ...fault, outcome: 'late' }])
      await open({ promiseBlocks: 1n })
      expect(await listed()).toEqual([{ ...fault, outcome: 'late' }])
      await chain.engine.reset(0n)
      await build()
      expect(await listed()).toEqual([])
    })

    it.each([
      ['their last block', 0, true],
      ['the block after that', 1, false],
    ])('are void or broken when the deposit comes in %s', async (_, blocks, isVoid) => {
      await open({ promiseBlocks: 1n })
      const keystore = newKeystore()
      await promised(keystore.update({ data: '0x01' }))
      for (let i = 0; i < blocks; i++) await chain.build()
      const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
      const next = keystore.update({ data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 0), testDeposit(next.raw, 1)])
      expect(await listed()).toMatchObject([{ outcome: 'displaced', isVoid }])
    })

    it.each([
      ['stay void when a reorg takes back only later blocks', 1n, true],
      ['are broken when a reorg took back the deposit that came in time', 0n, false],
    ])('%s', async (_, kept, isVoid) => {
      await open({ promiseBlocks: 1n })
      const keystore = newKeystore()
      await promised(keystore.update({ data: '0x01' }))
      const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      await chain.build()
      await chain.engine.reset(kept)
      while (chain.head().number < 2n) await chain.build()
      await chain.build([], [testDeposit(forced.raw, 0)])
      expect(await listed()).toMatchObject([{ outcome: 'displaced', isVoid }])
    })

    it('are not void by a recovery that a deposit only started', async () => {
      await open({ promiseBlocks: 1n })
      const keystore = newKeystore()
      await promised(keystore.update({ data: '0x01' }))
      const started = keystore.startRecovery({ previous: keystore.initial, data: '0x02' })
      await chain.build([], [testDeposit(started.raw, 0)])
      await chain.build()
      const forced = keystore.update({ previous: keystore.initial, data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 1)])
      expect(await listed()).toMatchObject([{ outcome: 'displaced', isVoid: false }])
    })

    it.each([
      ['void when another deposit takes the place of the one they build on', '0x03', true],
      ['broken when that deposit comes again and they are overtaken later', '0x01', false],
    ] as const)('are %s', async (_, data, isVoid) => {
      await open({ promiseBlocks: 1n })
      const keystore = newKeystore()
      const base = keystore.update({ data: '0x01' })
      await chain.build([], [testDeposit(base.raw, 0)])
      const own = keystore.update({ data: '0x02' })
      await promised(own)
      await chain.engine.reset(0n)
      const brought = keystore.update({ previous: keystore.initial, data })
      await chain.build([], [testDeposit(brought.raw, 1)])
      await chain.build()
      const overtaking = keystore.update({ previous: brought.config, data: '0x04' })
      await chain.build([], [testDeposit(overtaking.raw, 2)])
      expect(await listed()).toMatchObject([{ outcome: 'displaced', isVoid }])
    })

    it('are late where the very config was forced after their block', async () => {
      await open({ promiseBlocks: 1n })
      const tx = newKeystore().update()
      const signed = await promised(tx)
      await chain.build()
      await chain.build([], [testDeposit(tx.raw, 0)])
      const late = { signed, outcome: 'late', reason: undefined, since: 2n, isVoid: false }
      expect(await listed()).toEqual([{ ...late, isFinal: false }])
      await chain.makeSafe(2n)
      await chain.finalize(2n)
      await pool.flush()
      expect(await listed()).toEqual([{ ...late, isFinal: true }])
    })

    it('are not void by a deposit of what they build on, in the block in which our own config takes its place', async () => {
      const keystore = newKeystore()
      const base = keystore.update({ data: '0x01' })
      const own = keystore.update({ data: '0x02' })
      await chain.build([], [testDeposit(base.raw, 0)])
      await promised(own)
      const forced = keystore.update({ previous: base.config, data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 1)])
      const recovery = keystore.startRecovery({ previous: forced.config })
      await promised(recovery)
      await chain.engine.reset(0n)
      await chain.build([own.raw], [testDeposit(base.raw, 0)])
      expect(stageOf(own)).toBe('included')
      const expected = { outcome: 'displaced', reason: 'PREDECESSOR_REPLACED', isVoid: false }
      expect(await listed()).toMatchObject([{ signed: { promise: { txHash: recovery.hash } }, ...expected }])
    })

    it('are void when what a recovery started on was replaced by a deposit, however long its completion waits', async () => {
      await open({ promiseBlocks: 2n })
      const keystore = newKeystore({ recoveryDelay: 4 })
      const base = keystore.update({ data: '0x01' })
      const started = keystore.startRecovery({ data: '0x02' })
      for (const tx of [base, started]) await promised(tx)
      await build()
      await build()
      const completed = keystore.completeRecovery(started.config)
      const { byBlock } = (await promised(completed)).promise
      await chain.engine.reset(0n)
      const forced = keystore.update({ previous: keystore.initial, data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      while (chain.store.heads().unsafe.number <= byBlock) await chain.build()
      await chain.makeSafe(byBlock + 1n)
      await chain.finalize(byBlock + 1n)
      await pool.flush()
      const found = (await listed()).find(({ signed }) => signed.promise.txHash === completed.hash)
      expect(found).toMatchObject({ outcome: 'displaced', isVoid: true })
    })

    it('become void when a deposit takes the nonce of what a reorg had made impossible, until their block is final', async () => {
      await open({ promiseBlocks: 4n })
      const keystore = newKeystore()
      const own = keystore.update({ data: '0x01' })
      await promised(own)
      const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const recovery = keystore.startRecovery({ previous: forced.config })
      const { byBlock } = (await promised(recovery)).promise
      await chain.engine.reset(0n)
      await build()
      expect(stageOf(own)).toBe('included')
      const what = { outcome: 'displaced', reason: 'PREDECESSOR_REPLACED', since: 1n }
      expect(await listed()).toMatchObject([{ ...what, isVoid: false, isFinal: false }])
      await chain.makeSafe(1n)
      await chain.finalize(1n)
      expect(await listed()).toMatchObject([{ ...what, isVoid: false, isFinal: false }])
      const next = keystore.update({ previous: own.config, data: '0x03' })
      await chain.build([], [testDeposit(next.raw, 1)])
      expect(chain.head().number).toBeLessThan(byBlock)
      expect(await listed()).toMatchObject([{ ...what, isVoid: true, isFinal: false }])
      await open({ promiseBlocks: 4n })
      expect(await listed()).toMatchObject([{ ...what, isVoid: true, isFinal: false }])
      await chain.makeSafe(2n)
      await chain.finalize(2n)
      await pool.flush()
      expect(await listed()).toMatchObject([{ ...what, isVoid: true, isFinal: true }])
    })

    it.each([
      ['forgotten again when other bytes of the config keep them after all', undefined],
      ['told of once when other bytes of the config keep them late', 1n],
    ])('are %s', async (_, promiseBlocks) => {
      await open(promiseBlocks === undefined ? {} : { promiseBlocks })
      const keystore = newKeystore()
      const mine = [keystore.update({ data: '0x01' }), keystore.update({ data: '0x02' })] as const
      for (const tx of mine) await promised(tx)
      const forced = keystore.update({ previous: keystore.initial, data: '0x03' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      await chain.makeSafe(1n)
      await chain.finalize(1n)
      await pool.flush()
      expect(await listed()).toHaveLength(2)
      const again = keystore.update({ previous: forced.config, data: '0x02' })
      expect((await promised(again)).promise.txHash).toBe(mine[1].hash)
      await build()
      await chain.makeSafe(2n)
      await chain.finalize(2n)
      await pool.flush()
      const displaced = { signed: { promise: { txHash: mine[0].hash } }, outcome: 'displaced' }
      const late = { signed: { promise: { txHash: mine[1].hash } }, outcome: 'late' }
      const isLate = promiseBlocks !== undefined
      expect(await listed()).toMatchObject(isLate ? [displaced, late] : [displaced])
      expect(pool.findUnkept(mine[1].hash)?.outcome).toBe(isLate ? 'late' : undefined)
    })

    it('are listed page by page, final ones and others in one order', async () => {
      const displace = async (index: number) => {
        const keystore = newKeystore()
        await promised(keystore.update({ data: '0x01' }))
        const forced = keystore.update({ previous: keystore.initial, data: '0x02' })
        await chain.build([], [testDeposit(forced.raw, index)])
      }
      for (let i = 0; i < 5; i++) await displace(i)
      await chain.makeSafe(3n)
      await chain.finalize(3n)
      await pool.flush()
      const seen: { since: bigint; isFinal: boolean }[] = []
      let after: `0x${string}` | undefined
      do {
        const { promises, next } = await pool.unkept({ after, limit: 2 })
        expect(promises.length).toBeLessThanOrEqual(2)
        seen.push(...promises)
        after = next
      } while (after !== undefined)
      expect(seen.map(({ since, isFinal }) => [since, isFinal])).toEqual([
        [1n, true],
        [2n, true],
        [3n, true],
        [4n, false],
        [5n, false],
      ])
    })
  })

  describe('restart', () => {
    it('takes up what was promised, in the same order, and knows what is in blocks', async () => {
      const keystore = newKeystore()
      const included = keystore.update()
      await promised(included)
      await build()
      const waiting = [
        keystore.update({ data: '0x01' }),
        newKeystore().update(),
        keystore.update({ data: '0x02' }),
      ]
      for (const tx of waiting) await promised(tx)
      await open()
      expect(stageOf(included)).toBe('included')
      expect((await build()).transactions).toEqual(waiting.map(({ raw }) => raw))
      const next = keystore.update({ data: '0x03' })
      await promised(next)
      expect((await build()).transactions).toEqual([next.raw])
    })

    it('is refused where a promised transaction is missing, or another is back', async () => {
      const txs = [newKeystore(), newKeystore(), newKeystore()].map((keystore) => keystore.update())
      for (const tx of txs) await promised(tx)
      const bucket = chain.store.bucket('pool')
      const keyOf = (sequence: bigint) => concat(Uint8Array.of(2), uint64Key(sequence))
      const value = bucket.get(keyOf(1n))
      await bucket.write([{ key: keyOf(1n), value: undefined }])
      await expect(open()).rejects.toThrow(/lacks promised transactions: it has 2, expected 3/)
      // The sum of what is there does not show that the first is missing.
      const first = bucket.get(keyOf(0n))
      await bucket.write([
        { key: keyOf(0n), value: undefined },
        { key: keyOf(1n), value },
      ])
      await expect(open()).rejects.toThrow(/lacks promised transactions: it has 2, expected 3/)
      await bucket.write([
        { key: keyOf(0n), value: first },
        { key: keyOf(1n), value: undefined },
      ])
      await bucket.write([{ key: keyOf(7n), value }])
      await expect(open()).rejects.toBeInstanceOf(DamagedDatabaseError)
      await bucket.write([
        { key: keyOf(1n), value },
        { key: keyOf(7n), value: undefined },
      ])
      await open()
      expect(pool.counts().transactions).toBe(3)
    })

    it.each([
      ['the signer of its promises', 0],
      ['the count of promised transactions', 5],
    ])('is refused where %s is missing, which a new log would have neither', async (name, key) => {
      await chain.store.bucket('pool').write([{ key: Uint8Array.of(key), value: undefined }])
      await expect(open()).rejects.toThrow(`lacks ${name}`)
    })

    it('is refused where another version wrote the log', async () => {
      const bucket = chain.store.bucket('pool')
      const value = encodeRlp([Uint8Array.of(2), fromHex(signer.address, 20), []])
      await bucket.write([{ key: Uint8Array.of(0), value }])
      await expect(open()).rejects.toBeInstanceOf(PromiseLogFormatError)
    })

    it('knows that nobody signs', async () => {
      await log.setState({ active: undefined, lost: [signer.address] })
      await open()
      expect(log.state()).toEqual({ active: undefined, lost: [signer.address] })
    })

    it('takes up a log that was flushed before anything was written to it', async () => {
      const other = await openTestChain()
      const bucket = other.store.bucket('pool')
      const metrics = createSequencerMetrics(new Registry())
      await openPromiseLog({ bucket, metrics }).flush()
      expect(openPromiseLog({ bucket, metrics }).isFresh()).toBe(true)
      await other.close()
    })

    it('is refused where a transaction is not the one that was promised', async () => {
      const keystore = newKeystore()
      await promised(keystore.update())
      const other = keystore.update({ previous: keystore.initial, data: '0x01' })
      const value = encodeRlp([fromHex(keystore.id, 32), other.raw])
      const key = concat(Uint8Array.of(2), uint64Key(0n))
      await chain.store.bucket('pool').write([{ key, value }])
      await expect(open()).rejects.toBeInstanceOf(PoolDamagedError)
    })

    /** Has a deposit take the nonce of the first of three updates, and the second config come by other bytes, with the third on it. */
    async function overtakeAndRenew() {
      const keystore = newKeystore()
      const [first, second, third] = ['0x01', '0x02', '0x03'].map((data) =>
        keystore.update({ data: data as Hex }),
      ) as [SignedSetConfig, SignedSetConfig, SignedSetConfig]
      for (const tx of [first, second, third]) await promised(tx)
      const forced = keystore.update({ previous: keystore.initial, data: '0x04' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const again = keystore.update({ previous: forced.config, data: '0x02' })
      for (const tx of [again, third]) await promised(tx)
      return { first, second, again, third }
    }

    it('finds in its queue what is promised, without what was replaced or is final', async () => {
      await overtakeAndRenew()
      await build()
      await promised(newKeystore().update())
      await chain.makeSafe(2n)
      await chain.finalize(2n)
      await pool.flush()
      await open()
      expect(pool.counts().transactions).toBe(1)
    })

    it.each([
      ['restart', 'first'],
      ['reorganisation', 'other'],
    ])('sequences after a %s what stands on a config whose %s bytes became impossible', async (what) => {
      const { first, second, again, third } = await overtakeAndRenew()
      if (what === 'restart') {
        await open()
        expect((await build()).transactions).toEqual([again.raw, third.raw])
      } else {
        await chain.engine.reset(0n)
        await chain.build([first.raw])
        expect((await build()).transactions).toEqual([second.raw, third.raw])
      }
    })

    it('promises nothing more on an update that is not in its log, of which it died before it wrote that down', async () => {
      diskWrite = () => new Promise(() => undefined)
      await chain.build([newKeystore().update().raw])
      diskWrite = (write) => write()
      await open()
      expect(log.state()).toEqual({ active: undefined, lost: [signer.address] })
      await pool.flush()
    })

    it.each(['before', 'after'])(
      'sequences a recovery that was signed anew %s a deposit that voided the first is final',
      async (when) => {
        const keystore = newKeystore()
        const fresh = [createTestSigner(1, 'a fresh phone')]
        const thief = [createTestSigner(1, 'a thief')]
        await promised(keystore.update({ data: '0x01' }))
        const voided = keystore.startRecovery({ signers: fresh })
        await promised(voided)
        const forced = keystore.update({ previous: keystore.initial, signers: thief, data: '0x01' })
        await build([testDeposit(forced.raw, 0)])
        if (when === 'after') {
          await chain.makeSafe(1n)
          await chain.finalize(1n)
        }
        const again = keystore.startRecovery({ previous: forced.config, signers: fresh })
        expect(again.configHash).toBe(voided.configHash)
        expect((await promised(again)).promise.txHash).toBe(voided.hash)
        await build()
        expect(stageOf(again)).toBe('included')
      },
    )

    it('keeps a recovery promised after a deposit took the nonce from an earlier promise', async () => {
      const keystore = newKeystore()
      const [first, ...others] = [1, 2, 3].map((i) => keystore.update({ data: `0x0${i}` }))
      await promised(first as SignedSetConfig)
      await build()
      for (const tx of others) await promised(tx)
      const forced = keystore.update({ previous: first?.config ?? keystore.initial, data: '0x04' })
      await chain.build([], [testDeposit(forced.raw, 0)])
      const start = keystore.startRecovery({ previous: forced.config, data: '0x05' })
      await promised(start)
      await open()
      expect(stageOf(start)).toBe('queued')
      expect((await build()).transactions).toEqual([start.raw])
    })

    it('sequences again after a restart what a later reorg takes back', async () => {
      const tx = newKeystore().update()
      await promised(tx)
      await build()
      await open()
      await chain.engine.reset(0n)
      expect((await build()).transactions).toEqual([tx.raw])
    })

    it('drops what was finalized while it was down', async () => {
      const tx = newKeystore().update()
      await promised(tx)
      await build()
      pool.handle = () => undefined
      await chain.makeSafe(1n)
      await chain.store.markFinalized(chain.store.heads().safe)
      await open()
      expect(pool.status(tx.hash)).toBeUndefined()
      expect(log.queued(0n)).toBeUndefined()
    })
  })
})

/** A passkey that says as much beside its signature as is allowed. */
function createLongWindedSigner(name: string): TestSigner {
  const passkey = createTestSigner(3, name)
  const authenticatorData: Hex = `0x${DEFAULT_WEBAUTHN.authenticatorData.slice(2)}${'00'.repeat(512 - 37)}`
  const clientDataTail: Hex = `0x22${'20'.repeat(1_023)}`
  return {
    ...passkey,
    sign: (digest) => signWebAuthn(passkey.privateKey, digest, { authenticatorData, clientDataTail }),
  }
}

/** Has the passkey of a keystore sign its first update again, with another counter in the authenticator's data. */
function signedAnew({ tx, ...rest }: SignedSetConfig, keystore: TestKeystore): SignedSetConfig {
  const digest = setConfigDigest({ ...tx, kind: 0, previous: keystore.id })
  const authenticatorData = `${DEFAULT_WEBAUTHN.authenticatorData.slice(0, -2)}01` as const
  const signature = signWebAuthn(keystore.signer.privateKey, digest, {
    ...DEFAULT_WEBAUTHN,
    authenticatorData: authenticatorData as `0x${string}`,
  })
  const approvals = tx.approvals.map((approval) => ({ ...approval, signature }))
  const raw = setConfigToBytes({ ...tx, approvals })
  return { ...rest, tx: { ...tx, approvals }, raw, hash: keccakHex(raw) }
}
