import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, it, vi } from 'vitest'
import { BLOB_BYTES, encodeBlob } from '../../protocol/index.ts'
import { type BlobClaim, createBlobClaimCheck } from './BlobClaims.ts'
import { commitmentToVersionedHash, createKzg } from './Kzg.ts'

// Loading takes ten seconds of a processor, and there may be little of it.
vi.setConfig({ testTimeout: 300_000 })

const kzg = createKzg()
afterAll(() => kzg.close())

/** The point at infinity, compressed: commitment and proof of the zero polynomial. */
const INFINITY = `0xc0${'00'.repeat(47)}`

it('computes commitment, versioned hash and both kinds of proofs', async () => {
  const zero = new Uint8Array(BLOB_BYTES)
  expect(await kzg.commitment(zero)).toBe(INFINITY)
  expect(await kzg.versionedHash(zero)).toBe(
    '0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014',
  )
  expect(await kzg.proofs(zero, 'blob')).toEqual([INFINITY])
  expect(await kzg.proofs(zero, 'cells')).toEqual(Array(128).fill(INFINITY))

  const blob = encodeBlob(new TextEncoder().encode('keyroll'))
  const commitment = await kzg.commitment(blob)
  if (commitment === undefined) expect.unreachable()
  expect(commitmentToVersionedHash(commitment)).toBe(await kzg.versionedHash(blob))
  const [proof] = (await kzg.proofs(blob, 'blob')) ?? []
  expect(proof).toMatch(/^0x[0-9a-f]{96}$/)
  expect(new Set(await kzg.proofs(blob, 'cells')).size).toBe(128)
})

it('bears out the claims about many blobs with one commitment, and none that is false', async () => {
  const blobs = ['one', 'two', 'three'].map((text) => encodeBlob(new TextEncoder().encode(text)))
  const commitments = await Promise.all(blobs.map((blob) => kzg.commitment(blob)))
  const claims = blobs.map((blob, i) => ({ blob, commitment: commitments[i] ?? expect.unreachable() }))
  const asked: Uint8Array[] = []
  const areTrue = createBlobClaimCheck({
    commitment(blob) {
      asked.push(blob)
      return kzg.commitment(blob)
    },
  })
  expect(await areTrue(claims)).toBe(true)
  expect(asked).toHaveLength(1)
  const [first, second, third] = claims as [BlobClaim, BlobClaim, BlobClaim]
  const swapped = [
    { ...first, commitment: second.commitment },
    { ...second, commitment: first.commitment },
    third,
  ]
  expect(await areTrue(swapped)).toBe(false)
})

it('says so when the bytes are no blob', async () => {
  const tooLarge = new Uint8Array(BLOB_BYTES).fill(0xff)
  for (const bytes of [tooLarge, new Uint8Array(31)]) {
    expect(await kzg.commitment(bytes)).toBeUndefined()
    expect(await kzg.versionedHash(bytes)).toBeUndefined()
    expect(await kzg.proofs(bytes, 'blob')).toBeUndefined()
    expect(await kzg.proofs(bytes, 'cells')).toBeUndefined()
  }
})

it('starts another thread after one has failed, and takes the late end of the first for its own', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keyroll-kzg-'))
  const file = join(directory, 'kzg.mjs')
  writeFileSync(file, "export const loadKZG = async () => { throw new Error('no setup') }")
  const fragile = createKzg({ library: pathToFileURL(file).href })
  const blob = new Uint8Array(BLOB_BYTES)
  const again = fragile.commitment(blob).catch((fault: unknown) => {
    expect(fault).toMatchObject({ name: 'TemporaryFault', message: 'the KZG thread failed' })
    // The thread has failed, and not ended yet.
    writeFileSync(file, `export const loadKZG = async () => ({ blobToKZGCommitment: () => '${INFINITY}' })`)
    return fragile.commitment(blob)
  })
  expect(await again).toBe(INFINITY)
  await fragile.close()
  await rm(directory, { recursive: true })
})
