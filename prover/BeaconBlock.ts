import type { Node } from '@chainsafe/persistent-merkle-tree'
import { ssz } from '@lodestar/types'
import type { Hex } from 'viem'
import { toHex } from '../protocol/index.ts'
import { toAnswer } from './ask.ts'
import { LaggingError, UnansweredError, UnknownForkError, WrongAnswerError } from './errors.ts'

/** A beacon block as an SSZ tree. */
export type BeaconBlock = { slot: bigint; tree: Node }

/** Turns a signed block, in the two forms of the beacon API, into the tree of its message. */
type BlockDecoder = { fromSsz(bytes: Uint8Array): BeaconBlock; fromJson(json: unknown): BeaconBlock }

const DECODERS = new Map<unknown, BlockDecoder>([
  ['deneb', createDecoder(ssz.deneb.SignedBeaconBlock, ssz.deneb.BeaconBlock)],
  ['electra', createDecoder(ssz.electra.SignedBeaconBlock, ssz.electra.BeaconBlock)],
  ['fulu', createDecoder(ssz.fulu.SignedBeaconBlock, ssz.fulu.BeaconBlock)],
  ['gloas', createDecoder(ssz.gloas.SignedBeaconBlock, ssz.gloas.BeaconBlock)],
])

const REQUEST_TIMEOUT_MS = 30_000

/**
 * Reads the beacon block with this root from a beacon API, in SSZ or JSON, whichever it serves.
 *
 * @throws {LaggingError} when the beacon node does not have it (yet).
 * @throws {WrongAnswerError} when the answer is not a block, or not the block with this root.
 * @throws {UnknownForkError} when the block is of a fork unknown here.
 * @throws {UnansweredError}
 */
export async function getBeaconBlock(beaconUrl: string, root: Hex): Promise<BeaconBlock> {
  const path = `eth/v2/beacon/blocks/${root}`
  const answer = await request(beaconUrl, path)
  if (answer.status === 404) throw new LaggingError('beacon node', `it does not know block ${root}`)
  if (answer.status !== 200) throw new UnansweredError('beacon node', `${path} (status ${answer.status})`)

  const block = decodeBlock(answer, root)
  const actual = toHex(block.tree.root)
  if (actual !== root.toLowerCase()) {
    throw new WrongAnswerError('beacon node', `the block ${root} has the root ${actual}`)
  }
  return block
}

type HttpAnswer = { status: number; headers: Headers; body: Uint8Array }

async function request(beaconUrl: string, path: string): Promise<HttpAnswer> {
  try {
    const { url, headers } = splitCredentials(`${beaconUrl.replace(/\/$/, '')}/${path}`)
    const answer = await fetch(url, {
      headers: { ...headers, accept: 'application/octet-stream;q=1.0,application/json;q=0.9' },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    const body = new Uint8Array(await answer.arrayBuffer())
    return { status: answer.status, headers: answer.headers, body }
  } catch (cause) {
    // What leads to the API may hold a key.
    throw new UnansweredError('beacon node', path, { cause })
  }
}

/** Takes user and password out of a URL, which `fetch` refuses, for the header of basic authentication that sends them. */
function splitCredentials(given: string): { url: URL; headers: Readonly<Record<string, string>> } {
  const url = new URL(given)
  const { username, password } = url
  if (username === '' && password === '') return { url, headers: {} }
  url.username = ''
  url.password = ''
  const credentials = new TextEncoder().encode(`${percentDecoded(username)}:${percentDecoded(password)}`)
  return { url, headers: { authorization: `Basic ${btoa(String.fromCharCode(...credentials))}` } }
}

/** Decodes what is percent-encoded; what is no code stays as it is written. */
function percentDecoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function decodeBlock({ headers, body }: HttpAnswer, root: Hex): BeaconBlock {
  try {
    const isSsz = headers.get('content-type')?.startsWith('application/octet-stream') ?? false
    const fork = headers.get('eth-consensus-version')
    if (isSsz) return decoderOf(fork).fromSsz(body)
    const json = toAnswer('beacon node', `block ${root}`, JSON.parse(new TextDecoder().decode(body)))
    return decoderOf(fork ?? json.raw('version')).fromJson(json.raw('data'))
  } catch (cause) {
    if (cause instanceof UnknownForkError || cause instanceof WrongAnswerError) throw cause
    throw new WrongAnswerError('beacon node', `what it sent for ${root} is no beacon block`, { cause })
  }
}

function decoderOf(fork: unknown): BlockDecoder {
  const decoder = DECODERS.get(fork)
  if (decoder !== undefined) return decoder
  throw new UnknownForkError(
    `got a beacon block of fork ${fork}, expected ${[...DECODERS.keys()].join(', ')}`,
  )
}

function createDecoder<message extends { slot: number }>(
  signedBlock: {
    deserialize(bytes: Uint8Array): { message: message }
    fromJson(json: unknown): { message: message }
  },
  block: { value_toTree(value: message): Node },
): BlockDecoder {
  const toBeaconBlock = ({ message }: { message: message }) => ({
    slot: BigInt(message.slot),
    tree: block.value_toTree(message),
  })
  return {
    fromSsz: (bytes) => toBeaconBlock(signedBlock.deserialize(bytes)),
    fromJson: (json) => toBeaconBlock(signedBlock.fromJson(json)),
  }
}
