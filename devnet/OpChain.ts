import {
  type Address,
  createPublicClient,
  createTestClient,
  type Hex,
  http,
  numberToHex,
  parseEther,
  parseGwei,
  type TransactionReceipt,
} from 'viem'
import type { Anvil } from './anvil.ts'
import { BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE, SYSTEM_ACCOUNT } from './BeaconRoots.ts'
import { DevnetError } from './DevnetError.ts'
import {
  DEPOSITOR_ACCOUNT,
  L1_BLOCK_ADDRESS,
  type L1Attributes,
  l1AttributesCalldata,
  l1BlockCode,
} from './L1Block.ts'
import type { OpDeposit } from './OptimismPortal.ts'

/** One block of an OP-like chain, by what L1 gives to it. */
export type OpBlockAttributes = {
  /** Seconds. */
  timestamp: bigint
  l1: L1Attributes
  /** What EIP-4788 answers for this block's timestamp. */
  parentBeaconBlockRoot: Hex
  /** Of the L1 block, in their order. */
  deposits: readonly OpDeposit[]
}

/** An anvil that behaves as an OP Stack chain does towards contracts that read L1. */
export interface OpChain {
  /** On L1: the chain's OptimismPortal, whose deposits it takes. */
  readonly portal: Address | undefined
  /** Mines one block that starts with the L1 attributes and the beacon root, then takes deposits and pending transactions. */
  mine(attributes: OpBlockAttributes): Promise<void>
  /** Drops the newest `depth` blocks. */
  rollback(depth: number): Promise<void>
  /** Seconds, of the newest block. */
  headTimestamp(): Promise<bigint>
}

// Anvil orders by the highest fee offered, and no user offers as much: the two calls stand first, then the deposits, as they
// do on the real chain. Their tip is small, because it is what anvil suggests to users.
const SYSTEM_CALLS = [
  { from: DEPOSITOR_ACCOUNT, to: L1_BLOCK_ADDRESS, maxFeePerGas: parseGwei('2000000') },
  { from: SYSTEM_ACCOUNT, to: BEACON_ROOTS_ADDRESS, maxFeePerGas: parseGwei('1000000') },
] as const
const DEPOSIT_FEE = parseGwei('900000')
const SYSTEM_TIP = parseGwei('1')
const SYSTEM_CALL_GAS = 200_000n
const SYSTEM_BALANCE = parseEther('1000000000000')
const LOAN = parseEther('1000000')

/** Installs the predeploys on a fresh anvil. It goes on mining by itself until `stopAutomine`. */
export async function createOpChain(
  anvil: Anvil,
  portal?: Address,
): Promise<OpChain & { stopAutomine(): Promise<void> }> {
  const transport = http(anvil.url)
  const client = createPublicClient({ transport, cacheTime: 0 })
  const test = createTestClient({ mode: 'anvil', transport })

  await test.setCode({ address: L1_BLOCK_ADDRESS, bytecode: l1BlockCode() })
  await test.setCode({ address: BEACON_ROOTS_ADDRESS, bytecode: BEACON_ROOTS_CODE })
  for (const { from } of SYSTEM_CALLS) {
    await test.setBalance({ address: from, value: SYSTEM_BALANCE })
    await test.impersonateAccount({ address: from })
  }

  /** Deposits are paid for on L1: what anvil charges their senders is lent to them, and taken back afterwards. */
  const send = async ({ from, to, mint, value, gas, data }: OpDeposit, place: number): Promise<Hex> => {
    const balance = await client.getBalance({ address: from })
    await test.setBalance({ address: from, value: balance + mint + LOAN })
    const call = {
      ...{ from, ...(to && { to }), data, value: numberToHex(value), gas: numberToHex(gas) },
      maxFeePerGas: numberToHex(DEPOSIT_FEE - BigInt(place)),
      maxPriorityFeePerGas: numberToHex(SYSTEM_TIP),
    }
    await test.impersonateAccount({ address: from })
    const hash: Hex = await test.request({ method: 'eth_sendUnsignedTransaction', params: [call] } as never)
    await test.stopImpersonatingAccount({ address: from })
    return hash
  }
  const settle = async ({ from, gasUsed, effectiveGasPrice }: TransactionReceipt) => {
    const balance = await client.getBalance({ address: from })
    await test.setBalance({ address: from, value: balance - LOAN + gasUsed * effectiveGasPrice })
  }

  return {
    portal,
    stopAutomine: () => test.setAutomine(false),
    async mine({ timestamp, l1, parentBeaconBlockRoot, deposits }) {
      const calldata = [l1AttributesCalldata(l1), parentBeaconBlockRoot]
      const hashes: Hex[] = []
      for (const [index, { from, to, maxFeePerGas }] of SYSTEM_CALLS.entries()) {
        const call = {
          from,
          to,
          data: calldata[index],
          maxFeePerGas: numberToHex(maxFeePerGas),
          maxPriorityFeePerGas: numberToHex(SYSTEM_TIP),
          gas: numberToHex(SYSTEM_CALL_GAS),
        }
        hashes.push(await test.request({ method: 'eth_sendUnsignedTransaction', params: [call] } as never))
      }
      const deposited: Hex[] = []
      for (const [place, deposit] of deposits.entries()) deposited.push(await send(deposit, place))
      await test.request({ method: 'evm_mine', params: [numberToHex(timestamp)] } as never)
      for (const [index, hash] of hashes.entries()) {
        const receipt = await client.getTransactionReceipt({ hash })
        if (receipt.status !== 'success' || receipt.transactionIndex !== index) {
          const place = `transaction ${receipt.transactionIndex} of block ${receipt.blockNumber}`
          throw new DevnetError(anvil.name, `system call ${index} is ${place} with status ${receipt.status}`)
        }
      }
      // One that fails has its place in the block all the same.
      for (const hash of deposited) await settle(await client.getTransactionReceipt({ hash }))
    },
    rollback: (depth) => test.request({ method: 'anvil_rollback', params: [depth] } as never),
    headTimestamp: async () => (await client.getBlock()).timestamp,
  }
}
