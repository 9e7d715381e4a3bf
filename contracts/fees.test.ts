import { createClient, custom, numberToHex } from 'viem'
import { describe, expect, it } from 'vitest'
import { FeeCeilingError } from './errors.ts'
import { chooseFees, DEFAULT_FEE_LIMITS, type FeeLimits } from './fees.ts'

const gwei = 1_000_000_000n

/** A client of a node that says what the base fee is, and which tip is usual. */
function nodeSaying({ baseFee, tip }: { baseFee: bigint | null; tip: bigint }) {
  const request = async ({ method }: { method: string }) =>
    method === 'eth_maxPriorityFeePerGas'
      ? numberToHex(tip)
      : { number: '0x1', transactions: [], baseFeePerGas: baseFee === null ? null : numberToHex(baseFee) }
  return createClient({ transport: custom({ request }) })
}

const feesOf = (said: { baseFee: bigint | null; tip: bigint }, limits?: FeeLimits) =>
  chooseFees(nodeSaying(said), limits)

describe('chooseFees', () => {
  it('takes the usual tip, and a cap that lets the base fee double', async () => {
    const fees = { maxFeePerGas: 42n * gwei, maxPriorityFeePerGas: 2n * gwei }
    expect(await feesOf({ baseFee: 20n * gwei, tip: 2n * gwei })).toEqual(fees)
  })

  it('pays no tip above its limit, whatever the node calls usual', async () => {
    const fees = { maxFeePerGas: 52n * gwei, maxPriorityFeePerGas: 50n * gwei }
    expect(await feesOf({ baseFee: gwei, tip: 1_000_000n * gwei })).toEqual(fees)
  })

  it('never names a cap above its limit, nor a tip above its cap', async () => {
    expect(await feesOf({ baseFee: 400n * gwei, tip: gwei })).toMatchObject({
      maxFeePerGas: DEFAULT_FEE_LIMITS.maxFeePerGas,
    })
    const limits = { maxFeePerGas: 3n * gwei, maxPriorityFeePerGas: 5n * gwei }
    expect(await feesOf({ baseFee: 2n * gwei, tip: 9n * gwei }, limits)).toEqual({
      maxFeePerGas: 3n * gwei,
      maxPriorityFeePerGas: 3n * gwei,
    })
  })

  it('refuses a base fee above the limit, at which a transaction would only block the account', async () => {
    const choosing = feesOf({ baseFee: 501n * gwei, tip: gwei })
    await expect(choosing).rejects.toThrow(FeeCeilingError)
    await expect(choosing).rejects.toThrow('asks for 501 gwei per gas, expected at most 500')
    await expect(choosing).rejects.toThrow('this transaction was not sent')
  })

  it('refuses a chain without base fees', async () => {
    await expect(feesOf({ baseFee: null, tip: gwei })).rejects.toThrow('EIP-1559')
  })
})
