import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import native from '@crate-crypto/node-eth-kzg'
import type { Hex } from 'viem'
import { afterAll, expect, it, vi } from 'vitest'
import { BLOB_BYTES, concat, encodeBlob, fromHex, toHex } from '../../protocol/index.ts'
import realBlob from '../../test/vectors/blob_field_element_proofs.json' with { type: 'json' }
import openings from '../../test/vectors/kzg_verify_proof.json' with { type: 'json' }
import { createLogger, type Logger } from '../Logger.ts'
import { type BlobClaim, createBlobClaimCheck } from './BlobClaims.ts'
import { commitmentToVersionedHash, createKzg, isBlob, type KzgLibrary } from './Kzg.ts'

// WebAssembly takes ten seconds of a processor to load, and there may be little of it.
vi.setConfig({ testTimeout: 300_000 })

const NATIVE: KzgLibrary = { kind: 'native', module: import.meta.resolve('@crate-crypto/node-eth-kzg') }
const WASM: KzgLibrary = { kind: 'wasm', module: import.meta.resolve('kzg-wasm') }
const kzg = createKzg({ libraries: [NATIVE] })
const kzgInWasm = createKzg({ libraries: [WASM] })
const directory = mkdtempSync(join(tmpdir(), 'keyroll-kzg-'))
afterAll(async () => {
  await Promise.all([kzg.close(), kzgInWasm.close()])
  rmSync(directory, { recursive: true })
})

/** Writes a module, and gives its address. */
function moduleOf(name: string, source: string): string {
  const file = join(directory, name)
  writeFileSync(file, source)
  return pathToFileURL(file).href
}

/** The point at infinity, compressed: commitment and proof of the zero polynomial. */
const INFINITY = `0xc0${'00'.repeat(47)}`
/** The blob whose second element is one, and its commitment. */
const ONE = new Uint8Array(BLOB_BYTES).fill(1, 63, 64)
const OF_ONE =
  '0x837567ad073e42266951a9a54750919280a2ac835a73c158407c3a2b1904cf0d17b7195a393c71a18ad029cbd9cf79ee'
/** The largest field element of BLS12-381. */
const ORDER_LESS_ONE = fromHex('0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000')

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

it('gives the same points by either library', async () => {
  const random = new Uint8Array(randomBytes(BLOB_BYTES)).map((byte, i) => (i % 32 === 0 ? byte & 0x3f : byte))
  const largest = new Uint8Array(BLOB_BYTES).map((_, i) => ORDER_LESS_ONE[i % 32] as number)
  const text = encodeBlob(new TextEncoder().encode('keyroll'))
  for (const blob of [random, largest, text, new Uint8Array(BLOB_BYTES)]) {
    expect(await kzg.commitment(blob)).toBe((await kzgInWasm.commitment(blob)) ?? expect.unreachable())
    expect(await kzg.proofs(blob, 'blob')).toEqual(await kzgInWasm.proofs(blob, 'blob'))
    expect(await kzg.proofs(blob, 'cells')).toEqual(await kzgInWasm.proofs(blob, 'cells'))
  }
})

it('computes proofs that a verifier accepts of this blob alone, which judges openings as the vectors do', async () => {
  const verifier = native.DasContextJs.create({ usePrecomp: false })
  const { commitment: ofRealBlob, cases: ofRealElements } = realBlob
  const real = ofRealElements.map(({ fe_index, z, y, proof, verified }) => ({
    name: `element ${fe_index}`,
    commitment: ofRealBlob,
    z,
    y,
    proof,
    output: verified,
  }))
  for (const { name, commitment, z, y, proof, output } of [...openings.cases, ...real]) {
    const [ofBlob, at, value, by] = [commitment, z, y, proof].map((each) => fromHex(each as Hex))
    const verify = () => verifier.verifyKzgProof(bytesOf(ofBlob), bytesOf(at), bytesOf(value), bytesOf(by))
    if (output === null) expect(verify, name).toThrow()
    else expect(verify(), name).toBe(output)
  }
  const [blob, other] = ['one', 'two'].map((text) => encodeBlob(new TextEncoder().encode(text.repeat(9_000))))
  if (blob === undefined || other === undefined) return expect.unreachable()
  const cells = verifier.computeCells(blob)
  // So they are the blob's: its own elements come before what was made of them.
  expect(concat(...cells.slice(0, cells.length / 2))).toEqual(blob)
  // By the library that the verifier is not.
  const commitment = fromHex((await kzgInWasm.commitment(blob)) ?? expect.unreachable())
  const [proof] = ((await kzgInWasm.proofs(blob, 'blob')) ?? []).map((each) => fromHex(each))
  expect(verifier.verifyBlobKzgProof(blob, commitment, bytesOf(proof))).toBe(true)
  expect(verifier.verifyBlobKzgProof(other, commitment, bytesOf(proof))).toBe(false)
  const proofs = ((await kzgInWasm.proofs(blob, 'cells')) ?? []).map((each) => fromHex(each))
  const areProven = (ofCells: readonly Uint8Array[]) =>
    verifier.verifyCellKzgProofBatch(
      ofCells.map(() => commitment),
      [...ofCells.keys()],
      [...ofCells],
      proofs,
    )
  expect(areProven(cells)).toBe(true)
  expect(areProven(verifier.computeCells(other))).toBe(false)
  // What is posted is computed by the other one.
  expect(await kzg.proofs(blob, 'blob')).toEqual([toHex(bytesOf(proof))])
  expect(await kzg.proofs(blob, 'cells')).toEqual(proofs.map((each) => toHex(each)))
})

it('commits as the vectors of c-kzg-4844 to blobs of one value, the only ones that an infinite proof opens', async () => {
  const ofOneValue = openings.cases.filter(({ proof, output }) => proof === INFINITY && output === true)
  const values = new Map(ofOneValue.map(({ y, commitment }) => [y, commitment]))
  // Zero, two and the largest.
  expect(values.size).toBe(3)
  for (const [y, commitment] of values) {
    const blob = blobOf(y)
    for (const each of [kzg, kzgInWasm]) expect(await each.commitment(blob)).toBe(commitment)
    expect(await createBlobClaimCheck(kzg)([{ blob, commitment: commitment as Hex }])).toBe(true)
  }
})

it('names a blob of Unichain as L1 does', () => {
  const [versionedHash] = /0x[0-9a-f]{64}/.exec(realBlob.blob) ?? expect.unreachable()
  expect(commitmentToVersionedHash(realBlob.commitment as Hex)).toBe(versionedHash)
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
  const tooLarge = [0, 32, BLOB_BYTES - 32].map((at) => {
    const bytes = new Uint8Array(BLOB_BYTES)
    bytes.set(ORDER_LESS_ONE, at)
    bytes[at + 31] = 0x01
    return bytes
  })
  const lengths = [0, 31, BLOB_BYTES - 1, BLOB_BYTES + 1, 2 * BLOB_BYTES].map((n) => new Uint8Array(n))
  for (const bytes of [...tooLarge, new Uint8Array(BLOB_BYTES).fill(0xff), ...lengths]) {
    for (const each of [kzg, kzgInWasm]) {
      expect(await each.commitment(bytes)).toBeUndefined()
      expect(await each.versionedHash(bytes)).toBeUndefined()
      expect(await each.proofs(bytes, 'blob')).toBeUndefined()
      expect(await each.proofs(bytes, 'cells')).toBeUndefined()
    }
  }
})

it('takes for field elements what the vectors of c-kzg-4844 do', () => {
  for (const { name, z, y } of openings.cases) {
    expect(isBlob(blobOf(z)), name).toBe(!name.startsWith('invalid_z'))
    expect(isBlob(blobOf(y)), name).toBe(!name.startsWith('invalid_y'))
  }
})

it('asks the fastest library that there is', async () => {
  const warn = vi.fn<Logger['warn']>()
  const found = createKzg({ logger: { ...createLogger({ level: 'silent' }), warn } })
  expect(await found.commitment(new Uint8Array(BLOB_BYTES))).toBe(INFINITY)
  expect(warn).not.toHaveBeenCalled()
  await found.close()
})

it('passes over a library that cannot be loaded here, or computes something else, and says so once', async () => {
  const absent: KzgLibrary = {
    kind: 'native',
    module: moduleOf('absent.mjs', "throw new Error('no binary for this system\\nand so on')"),
  }
  const odd: KzgLibrary = { kind: 'native', module: moduleOf('odd.mjs', 'throw null') }
  const wrong: KzgLibrary = {
    kind: 'wasm',
    module: moduleOf(
      'wrong.mjs',
      `export const loadKZG = async () => ({ blobToKZGCommitment: () => '${INFINITY}' })`,
    ),
  }
  const right: KzgLibrary = {
    kind: 'wasm',
    module: moduleOf(
      'right.mjs',
      `export const loadKZG = async () => ({ blobToKZGCommitment: () => '${OF_ONE}' })`,
    ),
  }
  const warn = vi.fn<Logger['warn']>()
  const reasons = [
    'native: no binary for this system',
    'native: null',
    `wasm: got a wrong commitment, ${INFINITY}`,
  ]
  const fallen = createKzg({
    logger: { ...createLogger({ level: 'silent' }), warn },
    libraries: [absent, odd, wrong, right],
  })
  const blob = new Uint8Array(BLOB_BYTES)
  expect(await fallen.commitment(ONE)).toBe(OF_ONE)
  expect(await fallen.commitment(ONE)).toBe(OF_ONE)
  expect(warn.mock.calls).toEqual([
    [{ kind: 'wasm', reasons }, expect.stringContaining('cannot be loaded here')],
  ])
  await fallen.close()

  const none = createKzg({ libraries: [absent, odd, wrong] })
  const fault: unknown = await none.commitment(blob).catch((error: unknown) => error)
  expect(fault).toMatchObject({ name: 'TemporaryFault', message: 'the KZG thread failed' })
  const message = `no KZG library can be loaded (${reasons.join('; ')})`
  expect((fault as Error).cause).toMatchObject({ message })
  await none.close()
})

it('starts another thread after one has failed, and takes the late end of the first for its own', async () => {
  const module = moduleOf('late.mjs', "export const loadKZG = async () => { throw new Error('no setup') }")
  const fragile = createKzg({ libraries: [{ kind: 'wasm', module }] })
  const blob = new Uint8Array(BLOB_BYTES)
  const again = fragile.commitment(blob).catch((fault: unknown) => {
    expect(fault).toMatchObject({ name: 'TemporaryFault', message: 'the KZG thread failed' })
    // The thread has failed, and not ended yet.
    moduleOf('late.mjs', `export const loadKZG = async () => ({ blobToKZGCommitment: () => '${OF_ONE}' })`)
    return fragile.commitment(blob)
  })
  expect(await again).toBe(OF_ONE)
  await fragile.close()
})

it('takes a failure of the library for no word about the blob', async () => {
  const module = moduleOf(
    'failing.mjs',
    `export const loadKZG = async () => ({
      blobToKZGCommitment: (blob) => {
        if (/^0x0{126}010*$/.test(blob)) return '${OF_ONE}'
        throw new Error('out of memory')
      },
    })`,
  )
  const failing = createKzg({ libraries: [{ kind: 'wasm', module }] })
  const fault: unknown = await failing
    .commitment(encodeBlob(Uint8Array.of(1)))
    .catch((error: unknown) => error)
  expect(fault).toMatchObject({ name: 'TemporaryFault', message: 'the KZG thread failed' })
  expect((fault as Error).cause).toMatchObject({ message: 'out of memory' })
  expect(await failing.commitment(ONE)).toBe(OF_ONE)
  await failing.close()
})

it('starts no thread once it is closed', async () => {
  const module = moduleOf(
    'counted.mjs',
    `import { appendFileSync } from 'node:fs'
    appendFileSync(new URL('starts', import.meta.url), '.')
    let calls = 0
    export const loadKZG = async () => ({
      blobToKZGCommitment: () => {
        // The first is what shows at its start that it computes; the third has no end.
        for (calls++; calls > 2; );
        return '${OF_ONE}'
      },
    })`,
  )
  const closing = createKzg({ libraries: [{ kind: 'wasm', module }] })
  expect(await closing.commitment(ONE)).toBe(OF_ONE)
  const asked = [closing.commitment(ONE)]
  const closed = closing.close()
  asked.push(closing.versionedHash(ONE))
  for (const answer of await Promise.allSettled(asked)) {
    const reason: unknown = expect.objectContaining({
      name: 'TemporaryFault',
      message: 'the KZG thread was ended',
    })
    expect(answer).toEqual({ status: 'rejected', reason })
  }
  await closed
  const unused = createKzg({ libraries: [{ kind: 'wasm', module }] })
  await unused.close()
  for (const ended of [closing, unused]) {
    await expect(ended.commitment(ONE)).rejects.toMatchObject({ message: 'the KZG thread was ended' })
    expect(await ended.commitment(ONE.subarray(1))).toBeUndefined()
  }
  expect(readFileSync(join(directory, 'starts'), 'utf8')).toBe('.')
})

/** Repeats an element, however long. */
function blobOf(element: string): Uint8Array {
  return concat(...Array<Uint8Array>(BLOB_BYTES / 32).fill(fromHex(element as Hex)))
}

function bytesOf(bytes: Uint8Array | undefined): Uint8Array {
  return bytes ?? expect.unreachable()
}
