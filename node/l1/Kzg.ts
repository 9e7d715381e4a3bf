import { Worker } from 'node:worker_threads'
import type { Hex } from 'viem'
import { BLOB_BYTES, compareBytes, fromHex, sha256, toHex } from '../../protocol/index.ts'
import { TemporaryFault } from '../Fault.ts'
import type { Logger } from '../Logger.ts'

/** Which proofs stand beside a blob on its way to L1: one for the blob (EIP-4844), or one for each of its 128 cells (EIP-7594). */
export type BlobProofKind = 'blob' | 'cells'

/** Computes KZG commitments and proofs (EIP-4844, EIP-7594). */
export interface Kzg {
  /** Computes the versioned hash of a blob; undefined when the bytes are no blob (a field element of the modulus or more). */
  versionedHash(blob: Uint8Array): Promise<Hex | undefined>
  /** Computes the commitment of a blob, 48 bytes; undefined when the bytes are no blob. */
  commitment(blob: Uint8Array): Promise<Hex | undefined>
  /** Computes the proofs, 48 bytes each, that L1 nodes want beside a blob; undefined when the bytes are no blob. */
  proofs(blob: Uint8Array, kind: BlobProofKind): Promise<readonly Hex[] | undefined>
  /** Ends the thread. Who waits for an answer, or asks about a blob later, gets a `TemporaryFault`. */
  close(): Promise<void>
}

/** A module that computes, by its address, and how it is asked: as `@crate-crypto/node-eth-kzg` or as `kzg-wasm`. */
export type KzgLibrary = { kind: 'native' | 'wasm'; module: string }

type Task = 'commitment' | BlobProofKind
type Answer = { id: number; points: readonly Hex[] }
/** Which library computes, and why those before it do not. */
type Fallback = { kind: KzgLibrary['kind']; reasons: readonly string[] }

const VERSIONED_HASH_VERSION_KZG = 0x01

/** The modulus of the scalar field of BLS12-381 (EIP-4844, `BLS_MODULUS`). */
const MODULUS = fromHex('0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001')
const FIRST_OF_MODULUS = MODULUS[0] as number

/** The commitment of the blob whose second element is one: a point of the trusted setup. */
const KNOWN_COMMITMENT =
  '0x837567ad073e42266951a9a54750919280a2ac835a73c158407c3a2b1904cf0d17b7195a393c71a18ad029cbd9cf79ee'

const ENDED = 'the KZG thread was ended'

/**
 * Plain JavaScript in a string, because a worker's file would have another name in `dist` than in the sources. A library that
 * answers wrong, where the answer is known, counts as one that cannot be loaded.
 */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const toHex = (bytes) => '0x' + Buffer.from(bytes).toString('hex')
const load = {
  async native(module) {
    const { default: { DasContextJs } } = await import(module)
    const kzg = DasContextJs.create({ usePrecomp: false })
    return {
      commitment: (blob) => [toHex(kzg.blobToKzgCommitment(blob))],
      blob: (blob) => [toHex(kzg.computeBlobKzgProof(blob, kzg.blobToKzgCommitment(blob)))],
      cells: (blob) => kzg.computeCellsAndKzgProofs(blob).proofs.map(toHex),
    }
  },
  async wasm(module) {
    const { loadKZG } = await import(module)
    const kzg = await loadKZG(0)
    const lower = (point) => point.toLowerCase()
    return {
      commitment: (blob) => [lower(kzg.blobToKZGCommitment(toHex(blob)))],
      blob: (blob) => [lower(kzg.computeBlobKZGProof(toHex(blob), kzg.blobToKZGCommitment(toHex(blob))))],
      cells: (blob) => kzg.computeCellsAndKZGProofs(toHex(blob)).proofs.map(lower),
    }
  },
}
const loadFirst = async () => {
  const reasons = []
  for (const { kind, module } of workerData.libraries) {
    try {
      const library = await load[kind](module)
      const [point] = library.commitment(new Uint8Array(${BLOB_BYTES}).fill(1, 63, 64))
      if (point !== '${KNOWN_COMMITMENT}') throw new Error('got a wrong commitment, ' + point)
      if (reasons.length > 0) parentPort.postMessage({ kind, reasons })
      return library
    } catch (error) {
      reasons.push(kind + ': ' + String(error?.message ?? error).split('\\n')[0])
    }
  }
  throw new Error('no KZG library can be loaded (' + reasons.join('; ') + ')')
}
const loaded = loadFirst()
parentPort.on('message', async ({ id, task, blob }) => {
  const library = await loaded
  parentPort.postMessage({ id, points: library[task](blob) })
})
`

type Waiting = { resolve: (points: readonly Hex[]) => void; reject: (fault: Error) => void }
type Thread = { worker: Worker; waiting: Map<number, Waiting> }

const findLibraries = (): readonly KzgLibrary[] => [
  { kind: 'native', module: import.meta.resolve('@crate-crypto/node-eth-kzg') },
  { kind: 'wasm', module: import.meta.resolve('kzg-wasm') },
]

/**
 * Makes a KZG that works in a thread of its own, started with the first blob: loading the trusted setup takes
 * seconds, in which the node must go on answering. A thread that fails is followed by another with the next blob.
 *
 * @param libraries what may compute, the best first; one that cannot be loaded here is passed over, with a warning (ADR 6).
 */
export function createKzg({
  logger,
  libraries = findLibraries(),
}: {
  logger?: Logger | undefined
  libraries?: readonly KzgLibrary[]
} = {}): Kzg {
  let thread: Thread | undefined
  let lastId = 0
  let closed = false

  function start(): Thread {
    const worker = new Worker(WORKER, { eval: true, workerData: { libraries } })
    const started: Thread = { worker, waiting: new Map() }
    const { waiting } = started
    worker.unref()
    worker.on('message', (message: Answer | Fallback) => {
      if ('reasons' in message) {
        logger?.warn(
          message,
          'blobs take longer than they should: the fastest KZG library cannot be loaded here',
        )
        return
      }
      const { id, points } = message
      waiting.get(id)?.resolve(points)
      waiting.delete(id)
      if (waiting.size === 0) worker.unref()
    })
    worker.on('error', (cause) => fail(started, new TemporaryFault('the KZG thread failed', { cause })))
    worker.on('exit', () => fail(started, new TemporaryFault(closed ? ENDED : 'the KZG thread ended')))
    return started
  }

  /** What comes late from one thread says nothing of the next. */
  function fail(failed: Thread, fault: TemporaryFault): void {
    if (thread === failed) thread = undefined
    for (const { reject } of failed.waiting.values()) reject(fault)
    failed.waiting.clear()
  }

  async function ask(task: Task, blob: Uint8Array): Promise<readonly Hex[] | undefined> {
    if (!isBlob(blob)) return undefined
    // Those who look ahead may ask while all ends, and another thread would hold the process up for seconds.
    if (closed) throw new TemporaryFault(ENDED)
    thread ??= start()
    const { worker, waiting } = thread
    const id = ++lastId
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ id, task, blob })
    })
  }

  async function commitment(blob: Uint8Array): Promise<Hex | undefined> {
    return (await ask('commitment', blob))?.[0]
  }

  return {
    async versionedHash(blob) {
      const point = await commitment(blob)
      return point === undefined ? undefined : commitmentToVersionedHash(point)
    },
    commitment,
    proofs: (blob, kind) => ask(kind, blob),
    async close() {
      closed = true
      await thread?.worker.terminate()
    },
  }
}

/** Whether bytes are 4,096 field elements (EIP-4844, `blob_to_polynomial`). */
export function isBlob(bytes: Uint8Array): boolean {
  if (bytes.length !== BLOB_BYTES) return false
  for (let at = 0; at < BLOB_BYTES; at += MODULUS.length) {
    // Most are told by their first byte.
    const mayBeTooLarge = (bytes[at] as number) >= FIRST_OF_MODULUS
    if (mayBeTooLarge && compareBytes(bytes.subarray(at, at + MODULUS.length), MODULUS) >= 0) return false
  }
  return true
}

/** Makes the versioned hash by which L1 names the blob of a commitment (EIP-4844, `kzg_to_versioned_hash`). */
export function commitmentToVersionedHash(commitment: Hex): Hex {
  const hash = sha256(fromHex(commitment, 48))
  hash[0] = VERSIONED_HASH_VERSION_KZG
  return toHex(hash)
}
