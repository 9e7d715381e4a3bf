import type { Address } from 'viem'
import type { ChainStore, Logger } from '../node/index.ts'
import type { L1Contracts } from './L1Contracts.ts'
import { repeat } from './loop.ts'
import type { SequencerMetrics } from './metrics.ts'
import type { PromiseLog } from './PromiseLog.ts'
import type { Refusal } from './Refusal.ts'

/** What a {@link SigningPermit} is made of. */
export type SigningPermitModules = {
  log: PromiseLog
  store: Pick<ChainStore, 'heads'>
  contracts: Pick<L1Contracts, 'promiseSigner' | 'submissionCount'>
  /** The address that would sign. */
  signer: Address
  /** Whether everything L1 holds has been derived. */
  isReady: () => boolean
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

const REFRESH_MS = 12_000
const FIRST_MS = 250

/** Makes a permit that forbids until it has been refreshed. */
export function createSigningPermit(modules: SigningPermitModules): SigningPermit {
  const { log, store, contracts, signer, isReady, logger, metrics } = modules
  let named: Address | undefined

  function whyNot(): Refusal | undefined {
    if (named === undefined) {
      return { reason: 'SEQUENCER_NOT_READY', message: 'this sequencer has not read all of L1 yet' }
    }
    if (log.state().lost.includes(signer)) {
      const message = `promises of ${signer} may be missing here: SystemConfig must name a new promise signer`
      return { reason: 'PROMISE_LOG_LOST', message, details: { signer } }
    }
    if (named !== signer) {
      const message = `SystemConfig names another promise signer than ${signer}`
      return { reason: 'PROMISE_SIGNER_NOT_NAMED', message, details: { signer, named } }
    }
    return undefined
  }

  /** A new log may belong to a new chain, or stand in place of one that is lost. */
  async function founded(on: Address): Promise<void> {
    if (!log.isFresh()) return
    const { unsafe, safe } = store.heads()
    const isNewChain = (await contracts.submissionCount()) === 0n && unsafe.number === safe.number
    if (!isNewChain)
      logger.error({ signer: on }, 'the chain has blocks, and there is no log of what this signer promised')
    await log.setState({ active: undefined, lost: isNewChain ? [] : [on] })
  }

  async function refresh(): Promise<void> {
    if (!isReady()) return
    const before = whyNot()?.reason
    const next = await contracts.promiseSigner()
    await founded(next)
    named = next
    const refusal = whyNot()
    const { active, lost } = log.state()
    if (refusal === undefined && active !== signer) await log.setState({ active: signer, lost })
    metrics.mayPromise.set(refusal === undefined ? 1 : 0)
    if (refusal?.reason === before) return
    if (refusal === undefined) logger.info({ signer }, 'signing promises')
    else logger.error({ signer, reason: refusal.reason }, refusal.message)
  }

  return {
    whyNot,
    refresh,
    run: (signal) =>
      repeat(refresh, { intervalMs: () => (named === undefined ? FIRST_MS : REFRESH_MS), signal, logger }),
  }
}
