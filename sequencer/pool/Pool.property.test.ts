import fc from 'fast-check'
import { Registry } from 'prom-client'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { createLogger, createNativeVerifier } from '../../node/index.ts'
import {
  areEquivocating,
  type Config,
  DEPOSIT_TX_TYPE,
  readKeystore,
  type SignedPromise,
} from '../../protocol/index.ts'
import { openTestChain, TEST_ROLLUP, type TestChain, testDeposit } from '../../test/TestChain.ts'
import { createTestKeystore, type SignedSetConfig, type TestKeystore } from '../../test/TestKeystore.ts'
import { createSequencerMetrics } from '../metrics.ts'
import { createCachingVerifier } from './cachingVerifier.ts'
import { depositEffects } from './depositEffects.ts'
import { keystoreChanges } from './keystoreChanges.ts'
import { DEFAULT_POOL_OPTIONS, openPool, type Pool } from './Pool.ts'
import { openPromiseLog } from './PromiseLog.ts'
import { createPromiseSigner } from './PromiseSigner.ts'

const chainId = TEST_ROLLUP.l2ChainId
const logger = createLogger({ level: 'silent' })
const verify = createCachingVerifier(createNativeVerifier())

/** `on` picks one of the configs that the keystore has signed for so far, `data` what the next one says. */
type Step =
  | { do: 'submit'; keystore: number; on: number; data: number }
  | { do: 'deposit'; keystore: number; on: number; data: number }
  | { do: 'build' }
  | { do: 'reorg'; depth: number }
  | { do: 'finalize'; behind: number }
  | { do: 'restart' }

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: update('submit') },
  { weight: 2, arbitrary: update('deposit') },
  { weight: 5, arbitrary: fc.constant<Step>({ do: 'build' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reorg' as const), depth: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('finalize' as const), behind: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
)

function update<T extends 'submit' | 'deposit'>(what: T) {
  // Mostly on the newest config, which is where valid updates are.
  const on = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) })
  return fc.record({ do: fc.constant(what), keystore: fc.nat(2), on, data: fc.nat(1) })
}

/** A pool on a chain, and all that it has promised. */
class World {
  readonly keystores: readonly TestKeystore[]
  readonly configs: Map<Hex, Config[]>
  readonly promised = new Map<Hex, { tx: SignedSetConfig; signed: SignedPromise }>()
  #pool: Pool
  #deposits = 0

  private constructor(
    readonly chain: TestChain,
    pool: Pool,
    names: number,
  ) {
    this.#pool = pool
    this.keystores = [0, 1, 2].map((i) => createTestKeystore(chainId, `property ${names} ${i}`))
    this.configs = new Map(this.keystores.map(({ id, initial }) => [id, [initial]]))
  }

  static async open(): Promise<World> {
    const chain = await openTestChain()
    const world = new World(chain, await World.#openPool(chain), 0)
    chain.engine.subscribe((event) => world.#pool.handle(event))
    return world
  }

  static #openPool(chain: TestChain): Promise<Pool> {
    const metrics = createSequencerMetrics(new Registry())
    return openPool({
      store: chain.store,
      rollup: TEST_ROLLUP,
      verify,
      log: openPromiseLog({ bucket: chain.store.bucket('pool'), metrics }),
      signer: createPromiseSigner(`0x${'51'.repeat(32)}`, chainId),
      whyNot: () => undefined,
      options: DEFAULT_POOL_OPTIONS,
      logger,
      metrics,
    })
  }

  get pool(): Pool {
    return this.#pool
  }

  async run(step: Step): Promise<void> {
    const { head, engine, store } = this.chain
    if (step.do === 'submit') await this.#submit(this.#sign(step))
    else if (step.do === 'deposit') await this.build([testDeposit(this.#sign(step).raw, this.#deposits++)])
    else if (step.do === 'build') await this.build()
    else if (step.do === 'restart') {
      await this.#pool.flush()
      this.#pool = await World.#openPool(this.chain)
    } else if (step.do === 'reorg') {
      const target = head().number - BigInt(step.depth)
      const { finalized } = store.heads()
      await engine.reset(target > finalized.number ? target : finalized.number)
    } else {
      const target = head().number - BigInt(step.behind)
      await this.chain.makeSafe(target)
      if (target > 0n) await this.chain.finalize(target)
    }
  }

  async build(deposits: readonly Uint8Array[] = []): Promise<void> {
    const { chain } = this
    await chain.build(({ head, timestamp }) => {
      const parent = chain.store.blockByHash(head.hash)
      if (parent === undefined) return []
      const next = head.l1Origin.number + 1n
      const attributes = {
        timestamp,
        l1Origin: {
          number: next,
          hash: `0x${'00'.repeat(32)}`,
          parentBeaconBlockRoot: `0x${'00'.repeat(32)}`,
        },
        sequenceNumber: 0n,
        transactions: deposits,
      } as const
      const effects = { attributes, parent: parent.header, store: chain.store, rollup: TEST_ROLLUP, verify }
      return this.#pool.select({ parent: head, timestamp, changed: depositEffects(effects) })
    }, deposits)
  }

  #sign({ keystore, on, data }: { keystore: number; on: number; data: number }): SignedSetConfig {
    const { id, update } = this.keystores[keystore] as TestKeystore
    const known = this.configs.get(id) ?? []
    const previous = known[Math.max(0, known.length - 1 - on)] as Config
    const signed = update({ previous, data: `0x0${data}` })
    this.configs.set(id, [...known, signed.config])
    return signed
  }

  async #submit(tx: SignedSetConfig): Promise<void> {
    const submission = await this.#pool.submit(tx.raw)
    if (submission.ok) this.promised.set(submission.signed.promise.txHash, { tx, signed: submission.signed })
  }

  currentNonce(id: Hex): bigint {
    const { store, head } = this.chain
    const root = store.blockByHash(head().hash)?.header.withdrawalsRoot
    const { configHash, written } = readKeystore(store, root ?? '0x', id)
    return written ? (store.config(configHash)?.nonce ?? 0n) : 0n
  }

  /** The promises that the pool says were not kept. */
  async unkept(): Promise<Hex[]> {
    await this.#pool.flush()
    const { promises } = await this.#pool.unkept({ after: undefined, limit: 1_000 })
    return promises.map(({ signed }) => signed.promise.txHash).sort()
  }

  /** The promises whose config is not in the chain at their block, though that is past or their nonce is taken. */
  missed(): Hex[] {
    const { store, head } = this.chain
    const setAt = new Map<string, bigint>()
    for (let number = 1n; number <= head().number; number++) {
      const hash = store.blockByNumber(number)?.hash ?? '0x'
      for (const [id, changes] of keystoreChanges({ receipts: store.receiptsOf(hash) ?? [] })) {
        for (const { nonce, configHash } of changes) setAt.set(`${id} ${nonce} ${configHash}`, number)
      }
    }
    return [...this.promised.values()]
      .map(({ signed }) => signed.promise)
      .filter(({ id, nonce, configHash, byBlock, txHash }) => {
        const at = setAt.get(`${id} ${nonce} ${configHash}`)
        if (at !== undefined) return at > byBlock
        return head().number > byBlock || this.#pool.status(txHash)?.stage.name !== 'queued'
      })
      .map(({ txHash }) => txHash)
      .sort()
  }

  /** Whether a deposit changed the keystore on the chain that stands. */
  wasForced(id: Hex): boolean {
    const { store, head } = this.chain
    for (let number = 1n; number <= head().number; number++) {
      const block = store.blockByNumber(number)
      const receipts = block && store.receiptsOf(block.hash)
      if (receipts?.some(({ type, logs }) => type === DEPOSIT_TX_TYPE && logs[0]?.topics[1] === id))
        return true
    }
    return false
  }
}

describe('Pool, whatever happens', () => {
  it('never equivocates, and brings every promise into the chain unless a deposit made that impossible', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryStep, { minLength: 5, maxLength: 40 }), async (steps) => {
        const world = await World.open()
        for (const step of steps) await world.run(step)
        for (let i = 0; i < 3; i++) await world.build()

        const promises = [...world.promised.values()].map(({ signed }) => signed.promise)
        expect(promises.some((a) => promises.some((b) => areEquivocating(a, b)))).toBe(false)

        const { store } = world.chain
        for (const [hash, { tx }] of world.promised) {
          const place = store.transaction(hash)
          if (place !== undefined) {
            expect(store.verdictsOf(place.blockHash)?.[place.index]).toBeUndefined()
            continue
          }
          const stage = world.pool.status(hash)?.stage
          // Waiting for ever is for what builds on a deposit that a reorg took back.
          if (stage?.name === 'queued')
            expect(tx.config.nonce).toBeGreaterThan(world.currentNonce(tx.tx.id) + 1n)
          else expect(world.wasForced(tx.tx.id)).toBe(true)
        }
        expect(await world.unkept()).toEqual(world.missed())
        for (let number = 1n; number <= world.chain.head().number; number++) {
          const block = store.blockByNumber(number)
          const verdicts = block && store.verdictsOf(block.hash)
          const isOurs = (i: number) => block?.transactions[i]?.[0] !== DEPOSIT_TX_TYPE
          expect(verdicts?.filter((verdict, i) => isOurs(i) && verdict !== undefined)).toEqual([])
        }
        await world.chain.close()
      }),
      { numRuns: 60 },
    )
  })
})
