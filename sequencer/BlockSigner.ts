import type { Hex } from 'viem'
import type { ChainStore, Engine, FindSignature } from '../node/index.ts'
import type { PromiseSigner } from './pool/PromiseSigner.ts'
import type { SigningPermit } from './pool/SigningPermit.ts'

/**
 * Makes the signer of this sequencer's unsafe blocks (protocol.md §9): it signs what this sequencer built and what still stands
 * in its chain, and only while promises may be signed.
 */
export function createBlockSigner({
  engine,
  store,
  signer,
  permit,
}: {
  engine: Pick<Engine, 'subscribe'>
  store: Pick<ChainStore, 'heads' | 'blockByNumber'>
  signer: PromiseSigner
  permit: Pick<SigningPermit, 'whyNot'>
}): FindSignature {
  const built = new Map<bigint, Hex>()
  // Nobody but this sequencer's builder leaves blocks above the safe head: what derivation writes is safe at once.
  for (let number = store.heads().safe.number + 1n; number <= store.heads().unsafe.number; number++) {
    const block = store.blockByNumber(number)
    if (block !== undefined) built.set(number, block.hash)
  }

  engine.subscribe((event) => {
    if (event.type === 'unsafe') {
      const { number, hash } = event.ref
      // A derived block is told as a new one too, and may stand where one of ours stood.
      if (number > store.heads().safe.number) built.set(number, hash)
      else built.delete(number)
    } else if (event.type === 'rewound') {
      for (const number of built.keys()) if (number > event.unsafe.number) built.delete(number)
    } else if (event.type === 'finalized') {
      for (const number of built.keys()) if (number <= event.ref.number) built.delete(number)
    }
  })

  return ({ header: { number }, hash }) => {
    if (built.get(number) !== hash || permit.whyNot() !== undefined) return undefined
    return { signature: signer.signBlock({ blockHash: hash, blockNumber: number }), signer: signer.address }
  }
}
