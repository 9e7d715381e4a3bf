import fc from 'fast-check'
import {
  type Approval,
  type Authority,
  type Config,
  configHash,
  encodeWebAuthnSignature,
  type Scheme,
  type SetConfig,
  type Signer,
  toHex,
} from '../protocol/index.ts'

/** Any byte string within these lengths, as hex. */
export function arbitraryHex(minLength: number, maxLength = minLength) {
  return fc.uint8Array({ minLength, maxLength }).map(toHex)
}

/** Any 32 bytes. */
export const arbitraryHash = arbitraryHex(32)

/** Any integer of Solidity's uint64. */
export const arbitraryUint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

/** Any scheme. */
export const arbitraryScheme = fc.constantFrom<Scheme>(1, 2, 3)

/** Any signer whose key has its scheme's width. */
export const arbitrarySigner: fc.Arbitrary<Signer> = arbitraryScheme.chain((scheme) =>
  fc.record({ scheme: fc.constant(scheme), key: arbitraryHex(scheme === 1 ? 20 : 64) }),
)

const arbitraryUint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const arbitraryAuthority: fc.Arbitrary<Authority> = fc.record({
  root: arbitraryHash,
  threshold: fc.integer({ min: 0, max: 255 }),
})

/** Any config whose fields fit their types, well-formed or not. */
export const arbitraryConfig: fc.Arbitrary<Config> = fc.record({
  nonce: arbitraryUint64,
  signers: arbitraryAuthority,
  guardians: arbitraryAuthority,
  recoveryDelay: arbitraryUint32,
  maxStaleness: arbitraryUint32,
  data: arbitraryHex(0, 4096),
})

function arbitrarySignature(scheme: Scheme) {
  if (scheme === 1) return arbitraryHex(65)
  if (scheme === 2) return arbitraryHex(64)
  return fc
    .record({
      authenticatorData: arbitraryHex(37, 512),
      clientDataTail: arbitraryHex(1, 1024),
      rs: arbitraryHex(64),
    })
    .map(encodeWebAuthnSignature)
}

const arbitraryApproval: fc.Arbitrary<Approval> = arbitrarySigner.chain(({ scheme, key }) =>
  fc.record({
    scheme: fc.constant(scheme),
    key: fc.constant(key),
    proof: fc.array(arbitraryHash, { maxLength: 22 }),
    signature: arbitrarySignature(scheme),
  }),
)
const arbitraryOpening: fc.Arbitrary<Approval> = fc
  .tuple(arbitraryApproval, fc.boolean())
  .map(([approval, isSigned]) => (isSigned ? approval : { ...approval, signature: '0x' }))

/** Any decodable set-config of the rollup with this chain id, valid or not. */
export function arbitrarySetConfig(chainId: bigint): fc.Arbitrary<SetConfig> {
  return fc
    .record({
      kind: fc.constantFrom(0 as const, 1 as const, 2 as const),
      id: arbitraryHash,
      initial: fc.option(arbitraryConfig, { nil: undefined }),
      next: arbitraryConfig,
      approvals: fc.array(arbitraryApproval, { maxLength: 4 }),
      openings: fc.array(arbitraryOpening, { maxLength: 4 }),
    })
    .map(({ initial, next, ...rest }): SetConfig => {
      if (initial === undefined) {
        const nonce = next.nonce < 2n ? 2n : next.nonce
        return { ...rest, chainId, initial, next: { ...next, nonce } }
      }
      const first = { ...initial, nonce: 0n }
      return { ...rest, chainId, id: configHash(first), initial: first, next: { ...next, nonce: 1n } }
    })
}
