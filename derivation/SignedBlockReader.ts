import type { Address, Hex } from 'viem'
import {
  type Block,
  blockFromRlp,
  decodeExtraData,
  fromHex,
  isUnsafeBlockSigned,
  KeyrollError,
  type SignatureVerifier,
} from '../protocol/index.ts'

/** A block that the promise signer has signed; nothing else about it is known to be right. */
export type VouchedBlock = { block: Block; signature: Hex; signer: Address }

/** Why something that a sequencer sent is not a signed block. */
export type SignedBlockFlaw = 'MALFORMED' | 'TOO_LARGE' | 'WRONG_SIGNER' | 'BAD_SIGNATURE'

/** What became of something that a sequencer sent. */
export type ReadSignedBlock = { ok: true; vouched: VouchedBlock } | { ok: false; flaw: SignedBlockFlaw }

/**
 * The largest block there can be: 126,000 bytes of set-configs, and deposits whose gas fills an L1 block of 200 million gas
 * (protocol.md §5.2).
 */
const MAX_BLOCK_RLP_BYTES = 6_000_000

/** Reads what `keyroll_getSignedBlock` answers, trusting nothing: the signature must be of `named`, over this very block (protocol.md §9). */
export function readSignedBlock(
  json: unknown,
  { chainId, named, verify }: { chainId: bigint; named: Address; verify: SignatureVerifier },
): ReadSignedBlock {
  if (typeof json !== 'object' || json === null || !('block' in json)) return { ok: false, flaw: 'MALFORMED' }
  const { block: blockHex } = json
  const signature = hexOf('signature' in json ? json.signature : undefined, 65)
  const signer = hexOf('signer' in json ? json.signer : undefined, 20)
  if (typeof blockHex !== 'string' || signature === undefined || signer === undefined) {
    return { ok: false, flaw: 'MALFORMED' }
  }
  if (blockHex.length > 2 + 2 * MAX_BLOCK_RLP_BYTES) return { ok: false, flaw: 'TOO_LARGE' }
  if (signer !== named) return { ok: false, flaw: 'WRONG_SIGNER' }
  const block = decode(blockHex)
  if (block === undefined) return { ok: false, flaw: 'MALFORMED' }
  const { hash: blockHash, header } = block
  if (
    !isUnsafeBlockSigned(chainId, { blockHash, blockNumber: header.number }, { signature, signer }, verify)
  ) {
    return { ok: false, flaw: 'BAD_SIGNATURE' }
  }
  return { ok: true, vouched: { block, signature, signer } }
}

function hexOf(value: unknown, bytes: number): Hex | undefined {
  if (typeof value !== 'string' || value.length !== 2 + 2 * bytes) return undefined
  return /^0x[0-9a-fA-F]*$/.test(value) ? (value.toLowerCase() as Hex) : undefined
}

function decode(hex: string): Block | undefined {
  try {
    const block = blockFromRlp(fromHex(hex as Hex))
    // Every block of this chain says where it stands: without that there is nothing to check it against.
    decodeExtraData(block.header.extraData)
    return block
  } catch (error) {
    if (error instanceof KeyrollError) return undefined
    throw error
  }
}
