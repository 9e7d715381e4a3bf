import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib'
import { type Hex, parseTransaction } from 'viem'
import { describe, expect, it } from 'vitest'
import {
  BrotliError,
  batchFromBytes,
  concat,
  decodeBatcherData,
  decodeChannel,
  decodeRlp,
  depositFromBytes,
  encodeBatcherData,
  encodeStored,
  framesFromBytes,
  frameToBytes,
  fromHex,
  keccak,
  keccakHex,
  RlpError,
  rlpToBytes,
  toHex,
  userDepositSourceHash,
} from '../protocol/index.ts'
import { vectorFiles } from '../tools/vectors/index.ts'
import brotli from './vectors/brotli.json' with { type: 'json' }
import deposits from './vectors/deposits.json' with { type: 'json' }
import twoFrames from './vectors/frames_brotli_singular.json' with { type: 'json' }
import mainnet from './vectors/op_mainnet_batcher_tx.expected.json' with { type: 'json' }
import sourceHashes from './vectors/source_hashes.json' with { type: 'json' }
import stored from './vectors/stored_blocks.json' with { type: 'json' }

// OP's compressor ends a channel without ending its stream.
const UNFINISHED = { finishFlush: constants.Z_SYNC_FLUSH }
const ROOT = new URL('..', import.meta.url)
const VECTORS = fileURLToPath(new URL('test/vectors/', ROOT))
const hex = (text: string) => fromHex(text.startsWith('0x') ? (text as Hex) : `0x${text}`)
const framed = (data: Uint8Array) =>
  concat(Uint8Array.of(0), frameToBytes({ channelId: `0x${'00'.repeat(16)}`, number: 0, data, isLast: true }))

// What other OP chains may write and this one drops (docs/op-rules.md), shown on their own data.
describe('OP Stack data of rules that were stripped', () => {
  it('a batcher transaction of OP Mainnet is dropped for its zlib channel, and its span batch is none of ours', () => {
    const raw = gunzipSync(readFileSync(new URL('test/vectors/op_mainnet_batcher_tx.bin.gz', ROOT)))
    const calldata = fromHex(parseTransaction(toHex(raw)).data as Hex)
    expect(decodeBatcherData(calldata)).toEqual({ ok: false, reason: 'UNKNOWN_CHANNEL_VERSION' })
    const { expected } = mainnet
    expect(calldata[0]).toBe(expected.version_byte)
    const [frame] = framesFromBytes(calldata.subarray(1))
    const content = new Uint8Array(inflateSync(frame?.data ?? expect.unreachable(), UNFINISHED))
    expect([content.length, keccakHex(content)]).toEqual([
      expected.decompressed_len,
      expected.decompressed_keccak,
    ])
    const batch = rlpToBytes(decodeRlp(content))
    expect([batch[0], batch.length]).toEqual([expected.batches.last.batch_type, expected.batches.last.length])
    expect(() => batchFromBytes(batch)).toThrow(RlpError)
    // Uncompressed in one frame it would still be a span batch, which is dropped as one that is malformed.
    const decoded = decodeBatcherData(framed(concat(Uint8Array.of(1), encodeStored(content))))
    expect(decoded).toEqual({ ok: true, batches: [batch] })
  })

  it('a channel of two frames is dropped, together and apart', () => {
    const frames = twoFrames.frames.map(({ raw }) => hex(raw))
    expect(decodeBatcherData(concat(Uint8Array.of(0), ...frames))).toEqual({
      ok: false,
      reason: 'NOT_ONE_WHOLE_CHANNEL',
    })
    for (const frame of frames) {
      expect(decodeBatcherData(concat(Uint8Array.of(0), frame)).ok).toBe(false)
    }
  })

  it('compressed brotli is dropped, also in one frame; the batch in it is one when it comes uncompressed', () => {
    const channel = concat(Uint8Array.of(1), hex(twoFrames.channel_data))
    expect(decodeBatcherData(framed(channel))).toEqual({ ok: false, reason: 'NOT_STORED_BROTLI' })
    const batch = new Uint8Array(brotliDecompressSync(hex(twoFrames.channel_data)))
    expect(toHex(batch)).toBe(twoFrames.decompressed)
    expect(decodeBatcherData(encodeBatcherData([batchFromBytes(batch)]))).toEqual({
      ok: true,
      batches: [batch],
    })
  })

  it('brotli streams are read exactly when they are stored', () => {
    const [plain, compressed] = brotli.cases.map((each) => concat(Uint8Array.of(1), hex(each.compressed)))
    expect(() => decodeChannel(compressed ?? expect.unreachable())).toThrow(BrotliError)
    // The content of the first is not RLP, so its channel is dropped after it was read.
    expect(() => decodeChannel(plain ?? expect.unreachable())).toThrow(RlpError)
  })

  it('zlib is dropped even when it stores', () => {
    for (const { zlib_stored: zlib } of stored.cases) {
      if (typeof zlib !== 'string') continue
      expect(decodeBatcherData(framed(hex(zlib)))).toEqual({ ok: false, reason: 'UNKNOWN_CHANNEL_VERSION' })
    }
  })

  it('source hashes of upgrades and L1 attributes are of other domains than those of users', () => {
    const domain = (n: number, inner: Uint8Array) => keccakHex(concat(word(n), keccak(inner)))
    for (const each of sourceHashes.cases) {
      if (each.type === 'user') {
        const { l1BlockHash, logIndex, expected } = each
        expect(userDepositSourceHash(l1BlockHash as Hex, BigInt(logIndex ?? 0))).toBe(expected)
      } else if (each.type === 'l1info') {
        expect(domain(1, concat(hex(each.l1BlockHash ?? ''), word(each.seqNumber ?? 0)))).toBe(each.expected)
      } else {
        expect(domain(2, new TextEncoder().encode(each.intent))).toBe(each.expected)
      }
    }
  })

  it('a deposit of L1 attributes has the layout of every deposit', () => {
    const raw = deposits.cases.find(({ raw_tx: each }) => each !== undefined)?.raw_tx ?? expect.unreachable()
    const { to, isSystemTx } = depositFromBytes(hex(raw))
    expect({ to, isSystemTx }).toEqual({ to: `0x${'42'}${'00'.repeat(18)}15`, isSystemTx: true })
  })
})

// A vector that nobody reads checks nothing. Every file, and every list of cases in it, is named by a test.
describe('the vector files', () => {
  const readers = ['protocol', 'derivation', 'prover', 'node', 'test', 'contracts/test'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, ROOT), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(test\.ts|sol)$/.test(path) && path !== 'opVectors.test.ts')
      .map((path) => readFileSync(new URL(`${folder}/${path}`, ROOT), 'utf8')),
  )
  const files = readdirSync(new URL('test/vectors/', ROOT), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'PROVENANCE.md')
    .map(({ parentPath, name }) => relative(VECTORS, join(parentPath, name)))
  /** Lists of which only a part touches a rule of this chain, and what is not read. */
  const PARTS: Readonly<Record<string, string>> = {
    'config_updates.json unit_cases':
      'updates of fees, gas limits and EIP-1559 parameters, which this chain has none of',
  }

  it.each(files)('%s is read by a test, and so is every list of cases in it', (path) => {
    const name = path.split('/').at(-1) ?? path
    const own = readers.filter((source) => source.includes(name))
    expect(own, name).not.toEqual([])
    if (!name.endsWith('.json')) return
    const json: Record<string, unknown> = JSON.parse(
      readFileSync(new URL(`test/vectors/${path}`, ROOT), 'utf8'),
    )
    const lists = Object.entries(json).filter(
      ([key, value]) => key !== 'source' && Array.isArray(value) && PARTS[`${name} ${key}`] === undefined,
    )
    for (const [key] of lists) {
      expect(
        own.some((source) => new RegExp(`\\b${key}\\b`).test(source)),
        `${name}: ${key}`,
      ).toBe(true)
    }
  })

  it('are those that PROVENANCE.md names, and those that are generated here', () => {
    const rows = readFileSync(join(VECTORS, 'PROVENANCE.md'), 'utf8').matchAll(
      /^\| ([^|]*\.(?:json|gz)) \|/gm,
    )
    const named = [...rows].flatMap(([, cell = '']) => cell.split(', '))
    const generated = Object.keys(vectorFiles).map((name) => `keyroll/${name}`)
    expect([...named, ...generated].sort()).toEqual([...files].sort())
  })

  it('leave out nothing that is there no more', () => {
    for (const part of Object.keys(PARTS)) {
      const [name, key] = part.split(' ') as [string, string]
      const json: Record<string, unknown> = JSON.parse(
        readFileSync(new URL(`test/vectors/${name}`, ROOT), 'utf8'),
      )
      expect(json[key], part).toBeInstanceOf(Array)
    }
  })
})

function word(value: number): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}
