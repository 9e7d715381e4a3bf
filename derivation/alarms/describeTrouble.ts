import type { RpcErrorData } from '../../node/index.ts'
import type { DerivationStatus } from '../Driver.ts'

/** A fault that is over before that is nobody's business. */
const REPORTED_ATTEMPTS = 5

/** Says what keeps derivation from going on, for `/readyz`: at once where blobs are missing, other faults when they last. */
export function describeTrouble({ trouble }: Pick<DerivationStatus, 'trouble'>): readonly RpcErrorData[] {
  if (trouble === undefined) return []
  const { fault, attempts } = trouble
  const { reason, l1Block, missing } = fault.details
  if (reason === 'BLOBS_MISSING') return [{ reason, message: fault.message, l1Block, missing }]
  return attempts < REPORTED_ATTEMPTS ? [] : [{ reason: 'L1_FAULT', message: fault.message, attempts }]
}
