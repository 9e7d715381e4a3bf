import { type Address, type Hex, parseAbi, parseEther } from 'viem'
import { getBalance, getBlock, getCode, writeContract } from 'viem/actions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ReplicaWorld, startReplicaWorld } from '../test/replicaWorld.ts'

const ABI = parseAbi([
  'function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes data) payable',
])
const PAYEE: Address = '0x000000000000000000000000000000000000beef'
const ONE = parseEther('1')

let world: ReplicaWorld

beforeAll(async () => {
  world = await startReplicaWorld()
})
afterAll(() => world.stop())

type Deposit = { value?: bigint; data?: Hex; isCreation?: boolean }

/** Deposits from an account that has nothing to do on the L2, and mines until the L2 has taken the deposit over. */
async function deposit(to: Address, { value = 0n, data = '0x', isCreation = false }: Deposit) {
  const client = world.as('l1', 'challenger')
  const sending = writeContract(client, {
    ...{ address: world.portals.l2, abi: ABI, functionName: 'depositTransaction' },
    args: [to, value, 300_000n, isCreation, data],
    ...{ value, gas: 2_000_000n, account: client.account, chain: null },
  })
  await world.mined('l1', sending)
}

const balanceOf = (address: Address) => getBalance(world.l2, { address })
const sender = () => world.as('l1', 'challenger').account.address

test('what is deposited arrives, and the sender pays nothing for it on the L2', async () => {
  const before = await balanceOf(sender())
  await deposit(PAYEE, { value: ONE })
  expect(await balanceOf(PAYEE)).toBe(ONE)
  expect(await balanceOf(sender())).toBe(before)
})

test('a deposit that reverts keeps its place in the block, and leaves the sender what was minted', async () => {
  const before = await balanceOf(sender())
  await deposit(world.l2Contracts.keystoreReplica, { value: ONE })
  const { transactions } = await getBlock(world.l2)
  expect(transactions).toHaveLength(3)
  expect(await balanceOf(sender())).toBe(before + ONE)
  expect(await balanceOf(world.l2Contracts.keystoreReplica)).toBe(0n)
})

test('a deposit can create a contract', async () => {
  // Returns the one byte 0x00 as its code.
  await deposit('0x0000000000000000000000000000000000000000', { data: '0x60015ff3', isCreation: true })
  const { transactions } = await getBlock(world.l2, { includeTransactions: true })
  const creation = transactions.at(-1)
  if (creation === undefined) expect.unreachable()
  expect(creation.to).toBeNull()
  const receipt = await world.l2.request({
    method: 'eth_getTransactionReceipt',
    params: [creation.hash],
  })
  const address = receipt?.contractAddress
  if (!address) expect.unreachable()
  expect(await getCode(world.l2, { address })).toBe('0x00')
})
