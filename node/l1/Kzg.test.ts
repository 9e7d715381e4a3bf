import { afterAll, expect, it } from 'vitest'
import { BLOB_BYTES, encodeBlob } from '../../protocol/index.ts'
import { commitmentToVersionedHash, createKzg } from './Kzg.ts'

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

it('says so when the bytes are no blob', async () => {
  const tooLarge = new Uint8Array(BLOB_BYTES).fill(0xff)
  for (const bytes of [tooLarge, new Uint8Array(31)]) {
    expect(await kzg.commitment(bytes)).toBeUndefined()
    expect(await kzg.versionedHash(bytes)).toBeUndefined()
    expect(await kzg.proofs(bytes, 'blob')).toBeUndefined()
    expect(await kzg.proofs(bytes, 'cells')).toBeUndefined()
  }
})
