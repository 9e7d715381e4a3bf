import { randomBytes } from 'node:crypto'
import { bytesToHex, serializeTransaction } from 'viem'
import { encodeBatcherData, MAX_BLOCK_BYTES, type Scheme } from '../protocol/index.ts'
import { createBenchKeystore, rotate } from './keystores.ts'
import { type Benchmark, measurement } from './report.ts'

const CHAIN_ID = 777_001n
const SCHEMES: [Scheme, string][] = [
  [1, 'secp256k1'],
  [2, 'p256'],
  [3, 'webauthn'],
]
const SMOKE_COUNT = 10

/**
 * Bytes on L1 per set-config: the whole signed L1 transaction that carries a full block of rotations, divided by their
 * number. Each is an update of a written keystore from one key to another that proves itself; nothing is compressed.
 */
export const benchmarkDa: Benchmark = async ({ smoke }) =>
  SCHEMES.map(([scheme, label]) =>
    measurement(`da.bytes.${label}`, bytesPerSetConfig(scheme, smoke), 'bytes'),
  )

function bytesPerSetConfig(scheme: Scheme, smoke: boolean): number {
  const transactions: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const { raw } = rotate(rotate(createBenchKeystore(scheme), CHAIN_ID).after, CHAIN_ID)
    bytes += raw.length
    if (bytes > MAX_BLOCK_BYTES || (smoke && transactions.length === SMOKE_COUNT)) break
    transactions.push(raw)
  }
  const data = encodeBatcherData([
    {
      parentHash: bytesToHex(randomBytes(32)),
      epochNumber: 23_000_000n,
      epochHash: bytesToHex(randomBytes(32)),
      timestamp: 1_800_000_000n,
      transactions,
    },
  ])
  const transaction = serializeTransaction(
    {
      chainId: 1,
      nonce: 100_000,
      to: '0xff00000000000000000000000000000000000010',
      gas: 5_500_000n,
      maxFeePerGas: 30_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
      data: bytesToHex(data),
    },
    { r: bytesToHex(randomBytes(32)), s: bytesToHex(randomBytes(32)), yParity: 1 },
  )
  return (transaction.length / 2 - 1) / transactions.length
}
