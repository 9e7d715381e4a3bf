import type { Hex } from 'viem'
import { asciiToBytes, fromHex, keccak, keccakHex } from './bytes.ts'
import { KEYSTORE_ADDRESS } from './constants.ts'
import { createWords, writeUint64 } from './words.ts'

const DOMAIN_TYPE_HASH = keccak(
  asciiToBytes('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
)
const NAME_HASH = keccak(asciiToBytes('Keyroll'))
const VERSION_HASH = keccak(asciiToBytes('1'))
/** `0x1901`, and memory for the two words after it. */
const PREIMAGE = Uint8Array.of(0x19, 0x01, ...createWords(2))

const separators = new Map<bigint, Uint8Array>()

/** Builds the EIP-712 domain of everything that is signed for a rollup, in the shape that wallets take (protocol.md §3.2). */
export function createDomain(chainId: bigint) {
  return { name: 'Keyroll', version: '1', chainId, verifyingContract: KEYSTORE_ADDRESS } as const
}

/** Computes the EIP-712 digest `keccak(0x1901 ‖ domainSeparator ‖ keccak(struct))` of an encoded struct for a rollup (protocol.md §3.2). */
export function typedDataDigest(chainId: bigint, encodedStruct: Uint8Array): Hex {
  const separator = domainSeparator(chainId)
  const structHash = keccak(encodedStruct)
  PREIMAGE.set(separator, 2)
  PREIMAGE.set(structHash, 34)
  return keccakHex(PREIMAGE)
}

function domainSeparator(chainId: bigint): Uint8Array {
  const known = separators.get(chainId)
  if (known !== undefined) return known
  const words = createWords(5)
  words.set(DOMAIN_TYPE_HASH)
  words.set(NAME_HASH, 32)
  words.set(VERSION_HASH, 64)
  writeUint64(words, 3, chainId)
  words.set(fromHex(KEYSTORE_ADDRESS), 128 + 12)
  const separator = keccak(words)
  separators.set(chainId, separator)
  return separator
}
