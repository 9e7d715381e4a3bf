import { describe, expect, it } from 'vitest'
import { createHashedL1 } from '../../test/HashedL1.ts'
import { l1ReceiptsFromJson } from './L1Receipt.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

function setUp() {
  const l1 = createHashedL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
  const batch = (byte: number) => ({ kind: 'batch', data: Uint8Array.of(byte) }) as const
  const header = l1.mine([batch(1), batch(2)])
  const params = [header.hash]
  const json = l1.answer({ host: 'rpc1', method: 'eth_getBlockReceipts', params }) as Record<
    string,
    unknown
  >[]
  return { header, json }
}

describe('l1ReceiptsFromJson', () => {
  it('counts where logs stand, whatever the node says of it', () => {
    const { header, json } = setUp()
    const lies = { logIndex: '0x7', transactionIndex: '0x7' }
    const told = json.map((each) => ({
      ...each,
      ...lies,
      logs: (each.logs as object[]).map((log) => ({ ...log, ...lies })),
    }))
    const logs = l1ReceiptsFromJson(header, told).flatMap((receipt) => receipt.logs)
    expect(logs.map(({ logIndex, transactionIndex }) => [logIndex, transactionIndex])).toEqual([
      [0, 0],
      [1, 1],
    ])
  })

  // A type is one byte of what the root binds: of a larger number only the lowest counts.
  it.each(['0x80', '0x102', `0x1${'00'.repeat(30)}02`])('refuses a receipt of type %s', (type) => {
    const { header, json } = setUp()
    expect(l1ReceiptsFromJson(header, json).map((receipt) => receipt.type)).toEqual([2, 2])
    const told = json.map((each) => ({ ...each, type }))
    expect(() => l1ReceiptsFromJson(header, told)).toThrow(/type/)
    expect(() => l1ReceiptsFromJson(header, told)).toThrow(RefusedAnswerError)
  })
})
