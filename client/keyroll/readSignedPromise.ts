import type { JsonObject, SetConfigKind, SignedPromise } from '../../protocol/index.ts'
import { WrongNodeAnswerError } from '../errors.ts'

/**
 * Reads the three members that make a signed promise out of a node's answer.
 *
 * @throws {WrongNodeAnswerError}
 */
export function readSignedPromise(method: string, answer: JsonObject): SignedPromise {
  const promise = answer.object('promise')
  return {
    promise: {
      id: promise.hex('id', 32),
      kind: readKind(method, promise.quantity('kind', 8)),
      nonce: promise.quantity('nonce', 64),
      configHash: promise.hex('configHash', 32),
      txHash: promise.hex('txHash', 32),
      byBlock: promise.quantity('byBlock', 64),
    },
    signature: answer.hex('signature', 65),
    signer: answer.hex('signer', 20),
  }
}

function readKind(method: string, kind: bigint): SetConfigKind {
  const known = ([0, 1, 2] as const).find((candidate) => BigInt(candidate) === kind)
  if (known !== undefined) return known
  throw new WrongNodeAnswerError(method, `got a promise of kind ${kind}, expected 0, 1 or 2`)
}
