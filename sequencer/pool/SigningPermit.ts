import { setImmediate as nextTick } from 'node:timers/promises'
import type { Address } from 'viem'
import type { ChainStore, Logger } from '../../node/index.ts'
import type { L1Contracts } from '../l1/L1Contracts.ts'
import type { SequencerMetrics } from '../metrics.ts'
import { repeat } from '../repeat.ts'
import type { PromiseLog } from './PromiseLog.ts'
import type { Refusal } from './Refusal.ts'

/** What a {@link SigningPermit} is made of. */
export type SigningPermitModules = {
  log: PromiseLog
  store: Pick<ChainStore, 'heads' | 'base' | 'inclusionOf'>
  contracts: Pick<L1Contracts, 'promiseSigner' | 'submissionCount'>
  /** The address that would sign. */
  signer: Address
  /** Number of the newest L1 block that has been derived; undefined until L1 has once been read to its head. */
  derivedL1: () => bigint | undefined
  /** L1 blocks that must stand above the first one seen to know of a batch. */
  confirmations: bigint
  /** Milliseconds between two looks at SystemConfig. */
  intervalMs: number
  logger: Logger
  metrics: SequencerMetrics
}

/**
 * Whether promises may be signed: only by the signer that SystemConfig names, and only when every promise that this signer
 * ever made is in the log. A lost log means that a new signer must be named (DESIGN §10).
 */
export interface SigningPermit {
  /** Says why no promise may be signed; undefined when one may. */
  whyNot(): Refusal | undefined
  /**
   * Asks SystemConfig who is to sign.
   *
   * @throws {TemporaryFault} when L1 cannot be asked; the last answer stands.
   */
  refresh(): Promise<void>
  run(signal: AbortSignal): Promise<void>
}

const FIRST_MS = 250
/** So many blocks are looked at before others have their turn. */
const LOOKS_PER_TURN = 10_000n

/** Makes a permit that forbids until it has been refreshed. */
export function createSigningPermit(modules: SigningPermitModules): SigningPermit {
  const { log, store, contracts, signer, derivedL1, confirmations, logger, metrics } = modules
  let named: Address | undefined
  /** The first L1 block at which a batch was seen, as long as one is there. */
  let firstBatchAt: bigint | undefined
  let isFounded = false

  function whyNot(): Refusal | undefined {
    if (named === undefined) {
      return { reason: 'SEQUENCER_NOT_READY', message: 'this sequencer has not read all of L1 yet' }
    }
    if (log.state().lost.includes(signer)) {
      const message = `promises of ${signer} may be missing here: SystemConfig must name a new promise signer`
      return { reason: 'PROMISE_LOG_LOST', message, details: { signer } }
    }
    if (!isFounded) {
      const message = 'no batch of this chain is on L1 yet: promises begin with the first'
      return { reason: 'NO_BATCH_YET', message }
    }
    if (named !== signer) {
      const message = `SystemConfig names another promise signer than ${signer}`
      return { reason: 'PROMISE_SIGNER_NOT_NAMED', message, details: { signer, named } }
    }
    return undefined
  }

  /**
   * Whether somebody sequenced this chain, by what is here: a node that lags or lies about the inbox cannot make it new. No batch
   * brought the empty blocks of closed windows, which a new chain has too.
   */
  async function hasHistory(): Promise<boolean> {
    const { safe, unsafe } = store.heads()
    const base = store.base().block.number
    if (base > 0n || unsafe.number > safe.number) return true
    // Where there are batches, one of them nearly always brought the newest block.
    for (let number = safe.number; number > base; number--) {
      if (store.inclusionOf(number)?.transactionHash !== undefined) return true
      if (number % LOOKS_PER_TURN === 0n) await nextTick()
    }
    return false
  }

  /** A new log may belong to a new chain, or stand in place of one that is lost. */
  async function founded(on: Address): Promise<void> {
    if (!log.isFresh()) return
    const isNewChain = (await contracts.submissionCount()) === 0n && !(await hasHistory())
    if (!isNewChain)
      logger.error({ signer: on }, 'the chain has blocks, and there is no log of what this signer promised')
    await log.setState({ active: undefined, lost: isNewChain ? [] : [on] })
  }

  /** Without a log, a chain that has no batch is taken for a new one: so no promise may be given before the first. */
  async function lookForBatch(derived: bigint): Promise<void> {
    isFounded ||= log.state().active !== undefined
    if (isFounded) return
    firstBatchAt = (await contracts.submissionCount()) === 0n ? undefined : (firstBatchAt ?? derived)
    isFounded = firstBatchAt !== undefined && derived >= firstBatchAt + confirmations
  }

  async function refresh(): Promise<void> {
    const derived = derivedL1()
    if (derived === undefined) return
    const before = whyNot()?.reason
    // As of what has been read at least: before a change of the signer another one would be taken for lost.
    const next = await contracts.promiseSigner(derived)
    await founded(next)
    await lookForBatch(derived)
    named = next
    const refusal = whyNot()
    const { active, lost } = log.state()
    if (refusal === undefined && active !== signer) await log.setState({ active: signer, lost })
    metrics.mayPromise.set(refusal === undefined ? 1 : 0)
    if (refusal?.reason === before) return
    if (refusal === undefined) logger.info({ signer }, 'signing promises')
    else if (refusal.reason === 'NO_BATCH_YET') logger.info({ signer }, refusal.message)
    else logger.error({ signer, reason: refusal.reason }, refusal.message)
  }

  return {
    whyNot,
    refresh,
    run: (signal) =>
      repeat(refresh, {
        intervalMs: () => (named === undefined || !isFounded ? FIRST_MS : modules.intervalMs),
        signal,
        logger,
      }),
  }
}
