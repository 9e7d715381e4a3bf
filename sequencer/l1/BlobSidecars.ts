import type { Hex } from 'viem'
import { type BlobProofKind, CriticalFault, type Kzg, TemporaryFault } from '../../node/index.ts'
import {
  BLOB_BYTES,
  concat,
  decodeRlp,
  encodeRlp,
  fromHex,
  KeyrollError,
  toHex,
} from '../../protocol/index.ts'
import type { L1Sender } from './L1Sender.ts'
import type { TrackedBlob } from './TrackedTransaction.ts'

/** Puts blobs, commitments and proofs beside signed blob transactions, in the form that L1 wants now. */
export interface BlobSidecars {
  /**
   * Commits to blobs.
   *
   * @throws {NotABlobError} when bytes are no blob.
   * @throws {CriticalFault} when there is no KZG to commit with.
   * @throws {TemporaryFault} when the KZG thread fails.
   */
  commit(blobs: readonly Uint8Array[]): Promise<readonly TrackedBlob[]>
  /**
   * Makes the form in which a signed blob transaction travels (EIP-4844 and EIP-7594, networking).
   *
   * @throws {TemporaryFault} when the KZG thread fails.
   */
  wrap(signed: Hex, blobs: readonly TrackedBlob[]): Promise<Hex>
  /** Hears that L1 refused the proofs of the last wrapped transaction: from now on it gets the other kind. */
  refused(): void
}

/** Which proofs to send: `auto` asks L1, and believes its refusals more than its answer. */
export type BlobProofOption = BlobProofKind | 'auto'

const BLOB_TYPE = 0x03
/** EIP-7594. */
const WRAPPER_VERSION = 1

const INFINITY: Hex = `0xc0${'00'.repeat(47)}`
const CELLS_PER_BLOB = 128

/** The blob of zeros: commitment and proofs of the zero polynomial are the point at infinity, and need no computing. */
export const EMPTY_BLOB: TrackedBlob = { blob: new Uint8Array(BLOB_BYTES), commitment: INFINITY }

/** Makes sidecars with proofs of the asked kind; what was computed for a blob is kept as long as the blob. */
export function createBlobSidecars({
  kzg,
  sender,
  option,
}: {
  /** Without it there are no blobs but the empty one. */
  kzg: Pick<Kzg, 'commitment' | 'proofs'> | undefined
  sender: Pick<L1Sender, 'blobProofKind'>
  option: BlobProofOption
}): BlobSidecars {
  const known: Record<BlobProofKind, WeakMap<Uint8Array, readonly Hex[]>> = {
    blob: new WeakMap([[EMPTY_BLOB.blob, [INFINITY]]]),
    cells: new WeakMap([[EMPTY_BLOB.blob, Array<Hex>(CELLS_PER_BLOB).fill(INFINITY)]]),
  }
  let last: BlobProofKind = 'cells'
  let learned: BlobProofKind | undefined

  function required(): Pick<Kzg, 'commitment' | 'proofs'> {
    if (kzg !== undefined) return kzg
    throw new CriticalFault('got blobs to post, and no KZG to commit to them with')
  }

  async function proofsOf(blob: Uint8Array, kind: BlobProofKind): Promise<readonly Hex[]> {
    const proofs = known[kind].get(blob) ?? (await required().proofs(blob, kind))
    if (proofs === undefined) throw new NotABlobError(blob.length)
    known[kind].set(blob, proofs)
    return proofs
  }

  /** A node that cannot tell may still take the transaction, or say what is wrong with it. */
  async function askOr(otherwise: BlobProofKind): Promise<BlobProofKind> {
    try {
      return await sender.blobProofKind()
    } catch (fault) {
      if (fault instanceof TemporaryFault) return otherwise
      throw fault
    }
  }

  return {
    commit: (blobs) =>
      Promise.all(
        blobs.map(async (blob) => {
          const commitment = await required().commitment(blob)
          if (commitment === undefined) throw new NotABlobError(blob.length)
          return { blob, commitment }
        }),
      ),
    async wrap(signed, blobs) {
      last = option === 'auto' ? (learned ?? (await askOr(last))) : option
      const proofs: Uint8Array[] = []
      for (const { blob } of blobs) {
        proofs.push(...(await proofsOf(blob, last)).map((proof) => fromHex(proof, 48)))
      }
      const sidecar = [
        blobs.map(({ blob }) => blob),
        blobs.map(({ commitment }) => fromHex(commitment, 48)),
        proofs,
      ]
      const version = last === 'cells' ? [Uint8Array.of(WRAPPER_VERSION)] : []
      const body = decodeRlp(fromHex(signed).subarray(1))
      return toHex(concat(Uint8Array.of(BLOB_TYPE), encodeRlp([body, ...version, ...sidecar])))
    },
    refused() {
      learned = last === 'cells' ? 'blob' : 'cells'
    },
  }
}

/** Reports bytes to be posted as a blob that are none. */
export class NotABlobError extends KeyrollError {
  override readonly name = 'NotABlobError'
  constructor(length: number) {
    super(`got ${length} bytes that are no blob, expected 4096 field elements below the modulus of BLS12-381`)
  }
}
