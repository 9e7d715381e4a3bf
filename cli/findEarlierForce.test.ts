import { type Address, createClient, custom, encodeEventTopics, type Hex, hexToBigInt, pad } from 'viem'
import { describe, expect, it } from 'vitest'
import { keystorePortalAbi } from '../contracts/index.ts'
import { KEYSTORE_ADDRESS } from '../protocol/index.ts'
import { findEarlierForce } from './findEarlierForce.ts'

const PORTAL: Address = `0x${'aa'.repeat(20)}`
const HEAD = 5_000n

type Range = { from: bigint; to: bigint }
type Held = { block: bigint; raw: Hex }

/** Looks on an L1 that holds deposits, and notes for which blocks it is asked. */
async function findOn(held: readonly Held[], raw: Hex, seqWindowSize = 1_200n) {
  const asked: Range[] = []
  const l1 = createClient({
    transport: custom({
      request: async ({ method, params }) => {
        if (method === 'eth_blockNumber') return toQuantity(HEAD)
        const { address, topics, fromBlock, toBlock } = params[0]
        expect(address).toBe(PORTAL)
        const range = { from: hexToBigInt(fromBlock), to: hexToBigInt(toBlock) }
        asked.push(range)
        return held
          .filter(({ block }) => block >= range.from && block <= range.to)
          .map((each) => logOf(each, topics))
      },
    }),
  })
  const rollup = { depositContractAddress: PORTAL, seqWindowSize }
  return { found: await findEarlierForce(l1, { rollup, raw }), asked }
}

const toQuantity = (number: bigint): Hex => `0x${number.toString(16)}`

function logOf({ block, raw }: Held, asked: readonly (Hex | null)[]) {
  const args = { from: PORTAL, to: KEYSTORE_ADDRESS, version: 0n }
  const topics = encodeEventTopics({ abi: keystorePortalAbi, eventName: 'TransactionDeposited', args })
  expect(asked.slice(0, 3)).toEqual([topics[0], null, topics[2]])
  const length = raw.length / 2 - 1
  // opaqueData, a `bytes`: 73 bytes of amounts and flags, and the set-config.
  const opaque = `${'00'.repeat(73)}${raw.slice(2)}`
  const data = [32n, BigInt(73 + length)].map((word) => word.toString(16).padStart(64, '0')).join('')
  return {
    address: PORTAL,
    topics,
    data: `0x${data}${opaque}${'00'.repeat(32 - ((73 + length) % 32))}`,
    blockNumber: toQuantity(block),
    transactionHash: pad(toQuantity(block)),
    logIndex: '0x0',
    removed: false,
  }
}

describe('findEarlierForce', () => {
  it('finds the newest transaction that deposited the same bytes', async () => {
    const held = [
      { block: 4_300n, raw: '0x4b01' },
      { block: 4_600n, raw: '0x4b01' },
      { block: 4_601n, raw: '0x4b02' },
    ] as const
    expect((await findOn(held, '0x4b01')).found).toMatchObject({ transactionHash: pad(toQuantity(4_600n)) })
    expect((await findOn(held, '0x4b03')).found).toBeUndefined()
  })

  it('asks for the blocks of the sequencing window, a few at once, the newest first', async () => {
    const { found, asked } = await findOn([{ block: 3_799n, raw: '0x4b01' }], '0x4b01')
    expect(found).toBeUndefined()
    expect(asked).toEqual([
      { from: 4_501n, to: 5_000n },
      { from: 4_001n, to: 4_500n },
      { from: 3_800n, to: 4_000n },
    ])
  })

  it('asks for no block before the first, and not for ever', async () => {
    const { asked } = await findOn([], '0x4b01', 6_000n)
    expect(asked.at(-1)?.from).toBe(0n)
    expect((await findOn([], '0x4b01', 2n ** 60n)).asked.length).toBeLessThan(25)
  })
})
