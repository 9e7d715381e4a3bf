import type { Address, Hex } from 'viem'
import { blockFromUntrustedRlp, MAX_BLOCK_HEAD_BYTES, rlpExtentAt } from '../../node/index.ts'
import {
  type Block,
  decodeExtraData,
  fromHex,
  type Header,
  headerFromRlp,
  isUnsafeBlockSigned,
  KeyrollError,
  keccakHex,
  type SignatureVerifier,
} from '../../protocol/index.ts'

/** A block whose header the promise signer has signed; nothing else about it is known to be right. */
export type VouchedBlock = { block: Block; signature: Hex; signer: Address }

/** Why something that a sequencer sent is not a signed block. */
export type SignedBlockFlaw = 'MALFORMED' | 'TOO_LARGE' | 'WRONG_SIGNER' | 'BAD_SIGNATURE'

/** What became of something that a sequencer sent. */
export type ReadSignedBlock = { ok: true; vouched: VouchedBlock } | { ok: false; flaw: SignedBlockFlaw }

type SignedHeader = { header: Header; hash: Hex; end: number }

/**
 * Reads what `keyroll_getSignedBlock` answers, trusting nothing: the signature must be of `named`, over this very header
 * (protocol.md §9).
 *
 * What is read before the signature is checked is small; after it the header's `gasUsed` says how much there may be.
 */
export function readSignedBlock(
  json: unknown,
  { chainId, named, verify }: { chainId: bigint; named: Address; verify: SignatureVerifier },
): ReadSignedBlock {
  if (typeof json !== 'object' || json === null || !('block' in json)) return flawed('MALFORMED')
  const { block: hex } = json
  const signature = hexOf('signature' in json ? json.signature : undefined, 65)
  const signer = hexOf('signer' in json ? json.signer : undefined, 20)
  if (typeof hex !== 'string' || signature === undefined || signer === undefined) return flawed('MALFORMED')
  if (signer !== named) return flawed('WRONG_SIGNER')
  const head = attempt(() => readHeader(fromHex(hex.slice(0, 2 + 2 * MAX_BLOCK_HEAD_BYTES) as Hex)))
  if (head === undefined) return flawed('MALFORMED')
  const { header, hash, end } = head
  const signed = { blockHash: hash, blockNumber: header.number }
  if (!isUnsafeBlockSigned(chainId, signed, { signature, signer }, verify)) return flawed('BAD_SIGNATURE')
  // The signature is over the header only: whoever passes it on may have put anything beside it.
  const bytes = Number(header.gasUsed)
  if (hex.length / 2 > end + bytes + bytes / 16 + 16) return flawed('TOO_LARGE')
  const block = attempt(() => blockFromUntrustedRlp(fromHex(hex as Hex)))
  return block === undefined ? flawed('MALFORMED') : { ok: true, vouched: { block, signature, signer } }
}

function flawed(flaw: SignedBlockFlaw): ReadSignedBlock {
  return { ok: false, flaw }
}

function hexOf(value: unknown, bytes: number): Hex | undefined {
  if (typeof value !== 'string' || value.length !== 2 + 2 * bytes) return undefined
  return /^0x[0-9a-fA-F]*$/.test(value) ? (value.toLowerCase() as Hex) : undefined
}

/** Reads the header at the beginning of `rlp([header, [raw, ...]])`; `end` is where it ends. */
function readHeader(bytes: Uint8Array): SignedHeader | undefined {
  const outer = rlpExtentAt(bytes, 0)
  const inner = outer && rlpExtentAt(bytes, outer.start)
  if (outer === undefined || inner === undefined || inner.end > bytes.length) return undefined
  const rlp = bytes.subarray(outer.start, inner.end)
  const header = headerFromRlp(rlp)
  // Every block of this chain says where it stands: without that there is nothing to check it against.
  decodeExtraData(header.extraData)
  return { header, hash: keccakHex(rlp), end: inner.end }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof KeyrollError) return undefined
    throw error
  }
}
