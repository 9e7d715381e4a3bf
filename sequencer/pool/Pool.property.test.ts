import fc from 'fast-check'
import { Registry } from 'prom-client'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { createLogger, createNativeVerifier } from '../../node/index.ts'
import {
  areEquivocating,
  type Config,
  configHash,
  DEPOSIT_TX_TYPE,
  type SignedPromise,
} from '../../protocol/index.ts'
import { openTestChain, TEST_ROLLUP, type TestChain, testDeposit } from '../../test/TestChain.ts'
import { createTestKeystore, type SignedSetConfig, type TestKeystore } from '../../test/TestKeystore.ts'
import { createSequencerMetrics } from '../metrics.ts'
import { createCachingVerifier } from './cachingVerifier.ts'
import { depositEffects } from './depositEffects.ts'
import { type KeystoreView, readKeystoreView } from './KeystoreView.ts'
import { keystoreChanges } from './keystoreChanges.ts'
import { DEFAULT_POOL_OPTIONS, openPool, type Pool } from './Pool.ts'
import { openPromiseLog } from './PromiseLog.ts'
import { createPromiseSigner } from './PromiseSigner.ts'

const chainId = TEST_ROLLUP.l2ChainId
const logger = createLogger({ level: 'silent' })
const verify = createCachingVerifier(createNativeVerifier())

type Change = { keystore: number; isRecovery: boolean; on: number; data: number }

/** `on` picks one of the configs that the keystore has signed for so far, `data` what the next one says. */
type Step =
  | ({ do: 'submit' } & Change)
  | ({ do: 'deposit' } & Change)
  | { do: 'build' }
  | { do: 'reorg'; depth: number }
  | { do: 'finalize'; behind: number }
  | { do: 'restart' }

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: change('submit') },
  { weight: 2, arbitrary: change('deposit') },
  { weight: 5, arbitrary: fc.constant<Step>({ do: 'build' }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reorg' as const), depth: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('finalize' as const), behind: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
)

function change<T extends 'submit' | 'deposit'>(what: T) {
  // Mostly on the newest config, which is where valid updates are.
  const on = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) })
  const isRecovery = fc.nat(3).map((chance) => chance === 0)
  return fc.record({ do: fc.constant(what), keystore: fc.nat(2), isRecovery, on, data: fc.nat(1) })
}

/** A pool on a chain, and all that it has promised. */
class World {
  readonly keystores: readonly TestKeystore[]
  readonly configs: Map<Hex, Config[]>
  readonly promised = new Map<Hex, { tx: SignedSetConfig; signed: SignedPromise }>()
  #pool: Pool
  #deposits = 0
  readonly #submitted: SignedSetConfig[] = []
  /** What each transaction was signed on. */
  readonly #grounds = new Map<Hex, Config>()

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

  static async #openPool(chain: TestChain): Promise<Pool> {
    const metrics = createSequencerMetrics(new Registry())
    const signer = createPromiseSigner(`0x${'51'.repeat(32)}`, chainId)
    const log = openPromiseLog({ bucket: chain.store.bucket('pool'), metrics })
    if (log.isFresh()) await log.setState({ active: signer.address, lost: [] })
    return openPool({
      store: chain.store,
      rollup: TEST_ROLLUP,
      verify,
      log,
      signer,
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

  #sign({ keystore, isRecovery, on, data }: Change): SignedSetConfig {
    const { id, update, startRecovery } = this.keystores[keystore] as TestKeystore
    const known = this.configs.get(id) ?? []
    const previous = known[Math.max(0, known.length - 1 - on)] as Config
    const next = { previous, data: `0x0${data}` } as const
    const signed = isRecovery ? startRecovery(next) : update(next)
    this.#grounds.set(signed.hash, previous)
    if (!isRecovery) this.configs.set(id, [...known, signed.config])
    return signed
  }

  async #submit(tx: SignedSetConfig): Promise<void> {
    const submission = await this.#pool.submit(tx.raw)
    if (!submission.ok) return
    const { signed } = submission
    this.promised.set(signed.promise.txHash, { tx, signed })
    this.#submitted.push(tx)
    expect(this.#mayTakeEffect(tx), 'the pool took it and dropped it').toBe(true)
  }

  /** Whether a set-config is on its way, in these bytes or in others, or has taken effect, or its nonce is taken. */
  #mayTakeEffect({ tx, configHash }: SignedSetConfig): boolean {
    const isSame = (other: SignedSetConfig) =>
      other.tx.kind === tx.kind && other.tx.id === tx.id && other.configHash === configHash
    const stages = this.#submitted.filter(isSame).map(({ hash }) => this.#pool.status(hash)?.stage.name)
    if (stages.some((stage) => stage !== undefined && stage !== 'displaced')) return true
    const { nonce, recovery } = this.#view(tx.id)
    return tx.next.nonce <= nonce || (tx.kind === 1 && recovery?.configHash === configHash)
  }

  currentNonce(id: Hex): bigint {
    return this.#view(id).nonce
  }

  #view(id: Hex): KeystoreView {
    const { store, head } = this.chain
    return readKeystoreView(store, store.blockByHash(head().hash)?.header.withdrawalsRoot ?? '0x', id)
  }

  /** The promises that the pool says were not kept. */
  async unkept(): Promise<Hex[]> {
    await this.#pool.flush()
    const { promises } = await this.#pool.unkept({ after: undefined, limit: 1_000 })
    return promises.map(({ signed }) => signed.promise.txHash).sort()
  }

  /** The block of each config that was set, and of each recovery that was started, in the chain that stands. */
  #changes(): Map<string, bigint> {
    const { store, head } = this.chain
    const found = new Map<string, bigint>()
    for (let number = 1n; number <= head().number; number++) {
      const hash = store.blockByNumber(number)?.hash ?? '0x'
      for (const [id, changes] of keystoreChanges({ receipts: store.receiptsOf(hash) ?? [] })) {
        for (const { what, nonce, configHash } of changes)
          found.set(`${what} ${id} ${nonce} ${configHash}`, number)
      }
    }
    return found
  }

  /** The promises whose config is not in the chain at their block, though that is past or their nonce is taken. */
  missed(): Hex[] {
    const changes = this.#changes()
    return [...this.promised.values()]
      .map(({ signed }) => signed.promise)
      .filter(({ id, kind, nonce, configHash, byBlock, txHash }) => {
        const at = changes.get(`${kind === 1 ? 'started' : 'set'} ${id} ${nonce} ${configHash}`)
        if (at !== undefined) return at > byBlock
        return this.chain.head().number > byBlock || this.#pool.status(txHash)?.stage.name !== 'queued'
      })
      .map(({ txHash }) => txHash)
      .sort()
  }

  /** Whether a recovery was promised on a config that a reorg took back; updates are not promised on what may go so. */
  isGroundless({ hash, tx }: SignedSetConfig): boolean {
    const ground = this.#grounds.get(hash)
    if (ground === undefined || ground.nonce === 0n || tx.kind !== 1) return false
    return !this.#changes().has(`set ${tx.id} ${ground.nonce} ${configHash(ground)}`)
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
          else expect(world.wasForced(tx.tx.id) || world.isGroundless(tx)).toBe(true)
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
