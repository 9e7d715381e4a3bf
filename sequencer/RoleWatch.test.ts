import type { Address } from 'viem'
import { describe, expect, it } from 'vitest'
import { createLogger } from '../node/index.ts'
import { createRoleWatch } from './RoleWatch.ts'

const mine: Address = `0x${'a1'.repeat(20)}`
const other: Address = `0x${'b2'.repeat(20)}`

describe('RoleWatch', () => {
  it('tells the roles in which somebody else is named, and forgets it when that changes', async () => {
    const named = { batcher: other, proposer: mine }
    const watch = createRoleWatch({
      contracts: { batcher: async () => named.batcher, proposer: async () => named.proposer },
      accounts: { batcher: mine, proposer: mine },
      intervalMs: 1,
      logger: createLogger({ level: 'silent' }),
    })
    expect(watch.missing()).toEqual([])
    await watch.refresh()
    expect(watch.missing()).toEqual(['batcher'])
    named.proposer = other
    named.batcher = mine
    await watch.refresh()
    expect(watch.missing()).toEqual(['proposer'])
  })

  it('asks nothing about roles whose key runs elsewhere', async () => {
    const never = () => expect.unreachable()
    const watch = createRoleWatch({
      contracts: { batcher: never, proposer: never },
      accounts: { batcher: undefined, proposer: undefined },
      intervalMs: 1,
      logger: createLogger({ level: 'silent' }),
    })
    await watch.refresh()
    expect(watch.missing()).toEqual([])
  })
})
