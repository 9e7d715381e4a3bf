import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Address, type Hex, numberToHex, serializeTransaction, toEventSelector, toRlp } from 'viem'
import { commitmentToVersionedHash } from '../node/index.ts'
import {
  fromHex,
  keccakHex,
  type L1Origin,
  logsToBloom,
  orderedTrieRoot,
  sha256,
  toHex,
  ZERO_HASH,
} from '../protocol/index.ts'

/** What one transaction to the inbox carries: calldata, or blobs with their commitments. */
export type Submission = { data: Uint8Array } | { blobs: readonly { blob: Uint8Array; commitment: Hex }[] }

/**
 * An L1 with real hashes: an execution node and a beacon node of which the derivation has to verify everything. Real ones are other
 * machines, so these do as little as can be while they are asked: answers are bytes, made when their block was mined. Long ones lie on
 * disk.
 */
export interface BenchL1 {
  readonly chainId: bigint
  readonly inbox: Address
  /** The newest block. */
  head(): L1Origin & { timestamp: bigint }
  /** Bytes of calldata or blobs so far. */
  bytes(): number
  /** Mines a block, 12 seconds after the one before. */
  mine(submissions: readonly Submission[]): Promise<void>
  /** Serves both nodes under one URL until `close`. */
  serve(): Promise<{ url: string; close: () => Promise<void> }>
}

/** Seconds between two blocks. */
export const L1_BLOCK_TIME = 12n

/** Longer answers lie on disk. */
const SHORT_BYTES = 16_384
const GENESIS_TIME = 1_800_000_000n
const CHAIN_ID = 900n
const INBOX: Address = '0xff00000000000000000000000000000000000900'
const BATCH_SUBMITTED = toEventSelector('BatchSubmitted(uint256,bytes32,bytes32)')
/** How beacon nodes give blobs to those who ask for it: one behind the other. */
const SSZ = 'application/octet-stream'
const JSON_TYPE = 'application/json'
const ZERO_ADDRESS: Address = `0x${'00'.repeat(20)}`
const EMPTY_UNCLES = keccakHex(Uint8Array.of(0xc0))
const EMPTY_ROOT = keccakHex(Uint8Array.of(0x80))

/** Makes an L1 in a directory, with a block 0 that is empty. */
export async function createBenchL1(directory: string): Promise<BenchL1> {
  let next = 0n
  let bytes = 0
  let submitted = 0n
  let head: L1Origin & { timestamp: bigint } = {
    number: -1n,
    hash: ZERO_HASH,
    parentBeaconBlockRoot: ZERO_HASH,
    timestamp: 0n,
  }
  const numberOf = new Map<string, bigint>()
  const short = new Map<string, Buffer>()
  const nameOf = (number: bigint, part: Part) => `${number}.${part}.json`

  async function mine(submissions: readonly Submission[]): Promise<void> {
    const number = next++
    const timestamp = GENESIS_TIME + number * L1_BLOCK_TIME
    const transactions = submissions.map((submission) => sign(submission, submitted++))
    const { header, hash, receipts } = seal(number, timestamp, head.hash, transactions)
    const place = { blockHash: hash, blockNumber: numberToHex(number) }
    const blobs = submissions.flatMap((each) => ('blobs' in each ? each.blobs : []))
    const parts: Record<Part, unknown> = {
      header: { ...header, transactions: transactions.map((each) => each.json.hash) },
      block: { ...header, transactions: transactions.map(({ json }) => ({ ...json, ...place })) },
      receipts: receipts.map((receipt) => ({ ...receipt, ...place })),
      blobs: Buffer.concat(blobs.map(({ blob }) => blob)),
      beacon: {
        data: { message: { body: { blob_kzg_commitments: blobs.map(({ commitment }) => commitment) } } },
      },
    }
    for (const [part, content] of Object.entries(parts) as [Part, unknown][]) {
      const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
      const name = nameOf(number, part)
      if (bytes.length <= SHORT_BYTES) short.set(name, bytes)
      else await writeFile(join(directory, name), bytes)
    }
    for (const each of submissions) bytes += sizeOf(each)
    numberOf.set(hash, number)
    head = { number, hash, parentBeaconBlockRoot: ZERO_HASH, timestamp }
  }

  /** At once, though it blocks: nobody else asks, and it takes less CPU. */
  function read(number: bigint, part: Part): Buffer {
    const name = nameOf(number, part)
    return short.get(name) ?? readFileSync(join(directory, name))
  }

  function answer(method: string, [id, full]: readonly unknown[]): Buffer | string {
    if (method === 'eth_chainId') return JSON.stringify(numberToHex(CHAIN_ID))
    const tags = ['latest', 'safe', 'finalized']
    const wanted = method.endsWith('ByNumber')
      ? tags.includes(String(id))
        ? head.number
        : BigInt(String(id))
      : numberOf.get(String(id))
    if (wanted === undefined || wanted > head.number) return 'null'
    if (method === 'eth_getBlockReceipts') return read(wanted, 'receipts')
    return read(wanted, full === true ? 'block' : 'header')
  }

  function answerGet(url: string): Buffer | string {
    const { pathname } = new URL(url, 'http://l1')
    if (pathname === '/eth/v1/beacon/genesis') return `{"data":{"genesis_time":"${GENESIS_TIME}"}}`
    if (pathname === '/eth/v1/config/spec') {
      return `{"data":{"SECONDS_PER_SLOT":"${L1_BLOCK_TIME}","DEPOSIT_CHAIN_ID":"${CHAIN_ID}"}}`
    }
    const slot = pathname.split('/').at(-1) ?? ''
    return read(BigInt(slot), pathname.includes('/blobs/') ? 'blobs' : 'beacon')
  }

  function respond(request: IncomingMessage, response: ServerResponse): void {
    let posted = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => {
      posted += part
    })
    request.on('end', () => {
      try {
        if (request.method !== 'POST') {
          // Only nodes that take SSZ ask it.
          const url = request.url ?? '/'
          return send(response, url.includes('/blobs/') ? SSZ : JSON_TYPE, [answerGet(url)])
        }
        const { id, method, params } = JSON.parse(posted) as { id: number; method: string; params: unknown[] }
        send(response, JSON_TYPE, [`{"jsonrpc":"2.0","id":${id},"result":`, answer(method, params), '}'])
      } catch (error) {
        response.writeHead(500).end(String(error))
      }
    })
  }

  await mine([])
  return {
    chainId: CHAIN_ID,
    inbox: INBOX,
    head: () => head,
    bytes: () => bytes,
    mine,
    async serve() {
      const server = createServer(respond)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      return {
        url: `http://127.0.0.1:${port}`,
        close: () =>
          new Promise<void>((resolve) => {
            server.closeAllConnections()
            server.close(() => resolve())
          }),
      }
    },
  }
}

type Part = 'header' | 'block' | 'receipts' | 'blobs' | 'beacon'
type Signed = { raw: Hex; json: { hash: Hex; type: Hex } }

function sizeOf(submission: Submission): number {
  if ('data' in submission) return submission.data.length
  return submission.blobs.reduce((sum, { blob }) => sum + blob.length, 0)
}

function send(response: ServerResponse, type: string, parts: readonly (Buffer | string)[]): void {
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0)
  response.writeHead(200, { 'content-type': type, 'content-length': length })
  for (const part of parts) response.write(part)
  response.end()
}

/** Makes the batcher's transaction; nobody looks at its signature. */
function sign(submission: Submission, place: bigint): Signed {
  const input = 'data' in submission ? toHex(submission.data) : '0x'
  const blobVersionedHashes =
    'blobs' in submission
      ? submission.blobs.map(({ commitment }) => commitmentToVersionedHash(commitment))
      : []
  const isBlob = blobVersionedHashes.length > 0
  const [r, s] = [keccakHex(Buffer.from(`r${place}`)), keccakHex(Buffer.from(`s${place}`))]
  const common = {
    chainId: Number(CHAIN_ID),
    nonce: Number(place),
    maxPriorityFeePerGas: 1n,
    maxFeePerGas: 2n,
    gas: 6_000_000n,
    to: INBOX,
    value: 0n,
    data: input,
  }
  const signature = { r, s, yParity: 0 }
  const raw = isBlob
    ? serializeTransaction(
        { type: 'eip4844', ...common, maxFeePerBlobGas: 1n, blobVersionedHashes },
        signature,
      )
    : serializeTransaction({ type: 'eip1559', ...common }, signature)
  const json = {
    hash: keccakHex(fromHex(raw)),
    type: isBlob ? '0x3' : '0x2',
    chainId: numberToHex(CHAIN_ID),
    nonce: numberToHex(place),
    maxPriorityFeePerGas: '0x1',
    maxFeePerGas: '0x2',
    gas: numberToHex(common.gas),
    to: INBOX,
    value: '0x0',
    input,
    accessList: [],
    ...(isBlob && { maxFeePerBlobGas: '0x1', blobVersionedHashes }),
    r,
    s,
    yParity: '0x0',
    v: '0x0',
  } as const
  return { raw, json }
}

function seal(number: bigint, timestamp: bigint, parentHash: Hex, transactions: readonly Signed[]) {
  const logs = transactions.map(() => ({ address: INBOX, topics: [BATCH_SUBMITTED], data: ZERO_HASH }))
  const receipts = transactions.map(({ json }, i) => {
    const log = logs[i] as (typeof logs)[number]
    const cumulativeGasUsed = numberToHex(21_000 * (i + 1))
    const logsBloom = logsToBloom([log])
    return {
      type: json.type,
      status: '0x1',
      cumulativeGasUsed,
      logsBloom,
      transactionHash: json.hash,
      transactionIndex: numberToHex(i),
      logs: [log],
    } as const
  })
  const receiptItems = receipts.map(({ type, cumulativeGasUsed, logsBloom, logs: [log] }) => {
    const fields = toRlp([
      '0x01',
      evenHex(cumulativeGasUsed),
      logsBloom,
      [[log.address, log.topics, log.data]],
    ])
    return fromHex(`${evenHex(type)}${fields.slice(2)}`)
  })
  const fields = {
    parentHash,
    sha3Uncles: EMPTY_UNCLES,
    miner: ZERO_ADDRESS,
    stateRoot: ZERO_HASH,
    transactionsRoot: orderedTrieRoot(transactions.map(({ raw }) => fromHex(raw))),
    receiptsRoot: orderedTrieRoot(receiptItems),
    logsBloom: logsToBloom(logs),
    difficulty: '0x0',
    number: numberToHex(number),
    gasLimit: '0x3938700',
    gasUsed: numberToHex(21_000 * transactions.length),
    timestamp: numberToHex(timestamp),
    extraData: '0x',
    mixHash: ZERO_HASH,
    nonce: '0x0000000000000000',
    baseFeePerGas: '0x1',
    withdrawalsRoot: EMPTY_ROOT,
    blobGasUsed: '0x0',
    excessBlobGas: '0x0',
    parentBeaconBlockRoot: ZERO_HASH,
    requestsHash: toHex(sha256(new Uint8Array())),
  } as const
  const items = Object.values(fields).map((value) => (value === '0x0' ? '0x' : evenHex(value)))
  const hash = keccakHex(fromHex(toRlp(items)))
  return { header: { ...fields, hash }, hash, receipts }
}

/** Writes a quantity as bytes. */
function evenHex(value: Hex): Hex {
  return value.length % 2 === 0 ? value : `0x0${value.slice(2)}`
}
