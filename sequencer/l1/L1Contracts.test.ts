import { zeroAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import { CriticalFault, TemporaryFault } from '../../node/index.ts'
import { createTestRollup } from '../../test/chainFixtures.ts'
import { createL1Contracts } from './L1Contracts.ts'
import type { L1Nodes } from './L1Nodes.ts'

describe('L1Contracts', () => {
  const contractsOf = (fault: Error) => {
    const nodes: L1Nodes = { ask: () => Promise.reject(fault), tell: () => Promise.reject(fault) }
    return createL1Contracts(nodes, createTestRollup(), async () => zeroAddress)
  }

  it('says of what it got no answer, and asks for the address where there is no contract', async () => {
    const asked = contractsOf(new TemporaryFault('L1 did not answer: the call returned no data')).batcher()
    await expect(asked).rejects.toBeInstanceOf(TemporaryFault)
    await expect(asked).rejects.toThrow(/^SystemConfig.batcher: .*; is the rollup config's address right\?$/)
  })

  it('waits for no L1 that is another chain', async () => {
    const fault = new CriticalFault('got an L1 node of chain 901')
    const contracts = contractsOf(fault)
    for (const asked of [
      contracts.batcher(),
      contracts.proposer(),
      contracts.submissionCount(),
      contracts.nextOutputBlock(),
    ])
      await expect(asked).rejects.toBe(fault)
  })
})
