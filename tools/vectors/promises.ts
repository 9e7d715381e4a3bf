import { hashTypedData } from 'viem'
import { type ConfigPromise, promiseTypedData } from '../../protocol/index.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import { CHAIN_ID, hashOf } from './shared.ts'

const promise: ConfigPromise = {
  id: hashOf('id'),
  kind: 0,
  nonce: 7n,
  configHash: hashOf('config'),
  txHash: hashOf('transaction'),
  byBlock: 1_000n,
}

const cases: [name: string, chainId: bigint, promise: ConfigPromise][] = [
  ['an update', CHAIN_ID, promise],
  ['the same on another rollup', 1n, promise],
  ['a started recovery', CHAIN_ID, { ...promise, kind: 1 }],
  ['a completed recovery', CHAIN_ID, { ...promise, kind: 2 }],
  ['another config at the same nonce', CHAIN_ID, { ...promise, configHash: hashOf('another config') }],
  ['every number zero', CHAIN_ID, { ...promise, nonce: 0n, byBlock: 0n }],
  [
    'every number at the top of its type',
    CHAIN_ID,
    { ...promise, nonce: 2n ** 64n - 1n, byBlock: 2n ** 64n - 1n },
  ],
]

/** Builds promises.json: what the promise signer signs, as viem computes it, and its signature. */
export function promiseVectors() {
  const { key: signer, sign } = createTestSigner(1, 'promise signer')
  return {
    count: cases.length,
    cases: cases.map(([name, chainId, promise]) => {
      const digest = hashTypedData(promiseTypedData(chainId, promise))
      return {
        name,
        chainId: chainId.toString(),
        id: promise.id,
        kind: promise.kind.toString(),
        nonce: promise.nonce.toString(),
        configHash: promise.configHash,
        txHash: promise.txHash,
        byBlock: promise.byBlock.toString(),
        digest,
        signer,
        signature: sign(digest),
      }
    }),
  }
}
