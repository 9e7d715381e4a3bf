import { describe, expect, it } from 'vitest'
import { CriticalFault, type L1Client, type L1Receipt, TemporaryFault } from '../node/index.ts'
import { depositFromBytes, userDepositSourceHash } from '../protocol/index.ts'
import { createFakeL1, FAKE_L1_ADDRESSES, type FakeL1Action } from '../test/FakeL1.ts'
import { readDeposits } from './deposits.ts'

const portal = FAKE_L1_ADDRESSES.depositContractAddress
const deposit = (n: number): FakeL1Action => ({
  kind: 'deposit',
  from: `0x${'01'.repeat(20)}`,
  data: Uint8Array.of(n),
})
const batch: FakeL1Action = { kind: 'batch', data: Uint8Array.of(0) }

function setUp(
  actions: readonly FakeL1Action[],
  change: (receipts: readonly L1Receipt[]) => readonly L1Receipt[],
) {
  const l1 = createFakeL1({ chainId: 1n, number: 100n, timestamp: 1_000n })
  const header = l1.mine(actions)
  let asked = 0
  const client: Pick<L1Client, 'mayHaveLogs' | 'receipts'> = {
    ...l1.client,
    async receipts(of) {
      asked++
      return change(await l1.client.receipts(of))
    },
  }
  return { header, read: () => readDeposits(client, header, portal), asked: () => asked }
}

const contents = (raws: readonly Uint8Array[]) => raws.map((raw) => depositFromBytes(raw).data[0])

describe('the deposits of an L1 block', () => {
  it('are all of its transactions’, in the order of L1', async () => {
    const { read, header } = setUp([deposit(1), batch, deposit(2), deposit(3)], (receipts) => receipts)
    const raws = await read()
    expect(contents(raws)).toEqual([1, 2, 3])
    expect(raws.map((raw) => depositFromBytes(raw).sourceHash)).toEqual(
      [0n, 1n, 2n].map((index) => userDepositSourceHash(header.hash, index)),
    )
  })

  it('are found beside each other in one transaction', async () => {
    const { read } = setUp([deposit(1), deposit(2)], (receipts) => {
      const [first] = receipts as [L1Receipt]
      return [{ ...first, logs: receipts.flatMap(({ logs }) => logs) }]
    })
    expect(contents(await read())).toEqual([1, 2])
  })

  it('are not what a reverted transaction would have deposited', async () => {
    const { read } = setUp([deposit(1), deposit(2)], (receipts) =>
      receipts.map((receipt, i) => (i === 0 ? { ...receipt, status: 0 } : receipt)),
    )
    expect(contents(await read())).toEqual([2])
  })

  it('are not logs of other contracts that look the same', async () => {
    const { read } = setUp([deposit(1), deposit(2)], (receipts) =>
      receipts.map((receipt, i) =>
        i === 1
          ? receipt
          : { ...receipt, logs: receipt.logs.map((log) => ({ ...log, address: `0x${'ee'.repeat(20)}` })) },
      ),
    )
    expect(contents(await read())).toEqual([2])
  })

  it('are none, without asking for receipts, when the bloom has nothing of the portal', async () => {
    const { read, asked } = setUp([batch], (receipts) => receipts)
    expect(await read()).toEqual([])
    expect(asked()).toBe(0)
  })

  it.each<[string, (receipt: L1Receipt) => L1Receipt]>([
    ['no place in the chain', (receipt) => ({ ...receipt, logs: receipt.logs.slice(0, 1) })],
    ['a place that comes first', (receipt) => ({ ...receipt, logs: receipt.logs.toReversed() })],
    [
      'another version',
      (receipt) => ({
        ...receipt,
        logs: receipt.logs.map((log, i) =>
          i === 0 ? { ...log, topics: log.topics.with(3, `0x${'00'.repeat(31)}01`) } : log,
        ),
      }),
    ],
  ])('halt derivation when the portal gives one %s: then it is no portal', async (_name, change) => {
    await expect(setUp([deposit(1)], (receipts) => receipts.map(change)).read()).rejects.toThrow(
      CriticalFault,
    )
  })

  it('are asked for again when L1 fails', async () => {
    const failing = setUp([deposit(1)], () => {
      throw new TemporaryFault('the L1 node is down')
    })
    await expect(failing.read()).rejects.toThrow(TemporaryFault)
  })
})
