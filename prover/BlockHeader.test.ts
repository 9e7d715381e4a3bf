import { createClient, custom, type Hex, hexToBigInt, numberToHex } from 'viem'
import { expect, test } from 'vitest'
import { decodeRlp, fromHex, rlpToBytes, rlpToList, toHex } from '../protocol/index.ts'
import sepolia from '../test/vectors/proof_l1_sepolia_9567705.json' with { type: 'json' }
import { getBlockHeader } from './BlockHeader.ts'
import { WrongAnswerError } from './errors.ts'

const NAMES = [
  ['parentHash', 'sha3Uncles', 'miner', 'stateRoot', 'transactionsRoot', 'receiptsRoot', 'logsBloom'],
  ['difficulty', 'number', 'gasLimit', 'gasUsed', 'timestamp', 'extraData', 'mixHash', 'nonce'],
  ['baseFeePerGas', 'withdrawalsRoot', 'blobGasUsed', 'excessBlobGas', 'parentBeaconBlockRoot'],
  ['requestsHash'],
].flat()
const QUANTITIES = new Set(
  'difficulty number gasLimit gasUsed timestamp baseFeePerGas blobGasUsed excessBlobGas'.split(' '),
)

/** The JSON of the Sepolia block, as an L1 node sends it. */
const block: Record<string, Hex> = Object.fromEntries(
  rlpToList(decodeRlp(fromHex(sepolia.rlpBlockHeader as Hex))).map((item, index) => {
    const name = NAMES[index] ?? ''
    const value = toHex(rlpToBytes(item))
    return [name, QUANTITIES.has(name) ? numberToHex(value === '0x' ? 0n : hexToBigInt(value)) : value]
  }),
)

const clientAnswering = (json: unknown) =>
  createClient({ transport: custom({ request: async () => json }, { retryCount: 0 }) })

test('the header of a real L1 block is rebuilt byte by byte', async () => {
  const header = await getBlockHeader('L1 node', clientAnswering(block), sepolia.blockHash as Hex)
  expect(toHex(header.rlp)).toBe(sepolia.rlpBlockHeader)
  expect(header.stateRoot).toBe(sepolia.stateRoot)
  expect(header.number).toBe(hexToBigInt(sepolia.blockNumber as Hex))
})

test.each(['number', 'timestamp'])('a header whose %s is above 64 bits is refused', async (name) => {
  const changed = { ...block, [name]: `0x1${'00'.repeat(8)}` }
  await expect(
    getBlockHeader('L1 node', clientAnswering(changed), sepolia.blockHash as Hex),
  ).rejects.toMatchObject({ name: 'WrongAnswerError', party: 'L1 node' })
})

test.each(Object.keys(block))('a header without its %s is refused', async (name) => {
  const { [name]: _, ...rest } = block
  await expect(getBlockHeader('L1 node', clientAnswering(rest), sepolia.blockHash as Hex)).rejects.toThrow(
    WrongAnswerError,
  )
})
