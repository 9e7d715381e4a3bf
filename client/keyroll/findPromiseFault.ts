import { type Address, isAddressEqual } from 'viem'
import {
  configHash,
  promiseDigest,
  type SetConfig,
  type SignedPromise,
  verifySignature,
} from '../../protocol/index.ts'

/** What a promise is checked against. */
export type FindPromiseFaultParameters = {
  signed: SignedPromise
  /** The rollup's chain id. */
  l2ChainId: bigint
  /** The promise signer that the SystemConfig on L1 names. */
  promiseSigner: Address
  /** The set-config that was sent. */
  tx: SetConfig
  /**
   * The last block that the set-config may be promised for: the newest block when it was sent, and as many more as the caller
   * cares to wait. Without it any block will do, and a promise for the end of time is never broken.
   */
  latestByBlock?: bigint
}

/** Why a promise is worth nothing. */
export type PromiseFault = 'WRONG_SIGNER' | 'BAD_SIGNATURE' | 'OTHER_CONFIG' | 'TOO_LATE'

/**
 * Names what is wrong with a promise, or nothing when it binds its signer to the config that was sent (docs/rpc.md).
 *
 * The promised transaction may be another one: for the same config in other bytes the first promise is returned.
 */
export function findPromiseFault(parameters: FindPromiseFaultParameters): PromiseFault | undefined {
  const { signed, l2ChainId, promiseSigner, tx, latestByBlock } = parameters
  const { promise, signature, signer } = signed
  if (!isAddressEqual(signer, promiseSigner)) return 'WRONG_SIGNER'
  if (!verifySignature(1, promiseSigner, promiseDigest(l2ChainId, promise), signature)) return 'BAD_SIGNATURE'
  const { id, nonce } = { id: tx.id.toLowerCase(), nonce: tx.next.nonce }
  const isOurs = promise.id === id && promise.nonce === nonce && promise.configHash === configHash(tx.next)
  // Only a started recovery reserves no nonce; a promise of one is of no use for another kind, and the reverse.
  const isSameSort = (promise.kind === 1) === (tx.kind === 1)
  if (!isOurs || !isSameSort) return 'OTHER_CONFIG'
  return latestByBlock !== undefined && promise.byBlock > latestByBlock ? 'TOO_LATE' : undefined
}
