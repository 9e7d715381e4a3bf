import { describe, expect, it } from 'vitest'
import { type BlobProofKind, CriticalFault, TemporaryFault } from '../../node/index.ts'
import { BLOB_BYTES, decodeRlp, encodeRlp, fromHex, toHex } from '../../protocol/index.ts'
import { fakeKzg } from '../../test/FakeKzg.ts'
import { type BlobProofOption, createBlobSidecars, EMPTY_BLOB, NotABlobError } from './BlobSidecars.ts'

const body = [Uint8Array.of(7), Uint8Array.of(8)]
const signed = toHex(Uint8Array.of(3, ...encodeRlp(body)))
const blobs = [1, 2].map((byte) => new Uint8Array(BLOB_BYTES).fill(byte))

/** Which proofs the wrapped form has, and how many. */
function shapeOf(wrapped: `0x${string}`) {
  const fields = decodeRlp(fromHex(wrapped).subarray(1))
  if (fields instanceof Uint8Array) return expect.unreachable()
  const hasVersion = fields[1] instanceof Uint8Array
  const [inBlobs, commitments, proofs] = (hasVersion ? fields.slice(2) : fields.slice(1)).map(
    (list) => list.length,
  )
  return { version: hasVersion ? fields[1] : undefined, body: fields[0], inBlobs, commitments, proofs }
}

const sidecarsOf = (said: () => Promise<BlobProofKind>, option: BlobProofOption = 'auto') =>
  createBlobSidecars({ kzg: fakeKzg, sender: { blobProofKind: said }, option })

describe('BlobSidecars', () => {
  it('puts blobs, commitments and the proofs that L1 wants beside what was signed', async () => {
    let said: BlobProofKind = 'blob'
    const sidecars = sidecarsOf(async () => said)
    const tracked = await sidecars.commit(blobs)
    const common = { body, inBlobs: 2, commitments: 2 }
    expect(shapeOf(await sidecars.wrap(signed, tracked))).toEqual({
      ...common,
      version: undefined,
      proofs: 2,
    })
    said = 'cells'
    expect(shapeOf(await sidecars.wrap(signed, tracked))).toEqual({
      ...common,
      version: Uint8Array.of(1),
      proofs: 256,
    })
  })

  it('tries the form of Osaka where L1 cannot tell, and the other once that was refused', async () => {
    const sidecars = sidecarsOf(() => Promise.reject(new TemporaryFault('no answer')))
    const tracked = await sidecars.commit(blobs)
    expect(shapeOf(await sidecars.wrap(signed, tracked)).proofs).toBe(256)
    sidecars.refused()
    expect(shapeOf(await sidecars.wrap(signed, tracked)).proofs).toBe(2)
  })

  it('computes proofs once', async () => {
    let count = 0
    const kzg = {
      ...fakeKzg,
      proofs: (blob: Uint8Array, kind: BlobProofKind) => {
        count++
        return fakeKzg.proofs(blob, kind)
      },
    }
    const sidecars = createBlobSidecars({
      kzg,
      sender: { blobProofKind: async () => 'cells' },
      option: 'auto',
    })
    const tracked = await sidecars.commit(blobs)
    await sidecars.wrap(signed, tracked)
    await sidecars.wrap(signed, tracked)
    expect(count).toBe(2)
  })

  it('needs no KZG for the empty blob, and says so when another one does', async () => {
    const without = createBlobSidecars({
      kzg: undefined,
      sender: { blobProofKind: async () => 'cells' },
      option: 'auto',
    })
    expect(shapeOf(await without.wrap(signed, [EMPTY_BLOB]))).toMatchObject({ proofs: 128 })
    expect(await without.commit([])).toEqual([])
    await expect(without.commit(blobs)).rejects.toBeInstanceOf(CriticalFault)
  })

  it('refuses bytes that are no blob', async () => {
    const sidecars = createBlobSidecars({
      kzg: { commitment: async () => undefined, proofs: async () => undefined },
      sender: { blobProofKind: async () => 'cells' },
      option: 'auto',
    })
    await expect(sidecars.commit(blobs)).rejects.toBeInstanceOf(NotABlobError)
  })
})
