import { recoverTypedDataAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import { type ConfigPromise, promiseTypedData, unsafeBlockTypedData } from '../../protocol/index.ts'
import { createPromiseSigner } from './PromiseSigner.ts'

describe('PromiseSigner', () => {
  it('signs what EIP-712 libraries recover its address from', async () => {
    const signer = createPromiseSigner(`0x${'42'.repeat(32)}`, 901n)
    for (let nonce = 1n; nonce <= 8n; nonce++) {
      const promise: ConfigPromise = {
        id: `0x${'01'.repeat(32)}`,
        kind: 0,
        nonce,
        configHash: `0x${'02'.repeat(32)}`,
        txHash: `0x${'03'.repeat(32)}`,
        byBlock: 77n,
      }
      const { signature } = signer.sign(promise)
      const address = await recoverTypedDataAddress({ ...promiseTypedData(901n, promise), signature })
      expect(address.toLowerCase()).toBe(signer.address)
    }
  })

  it('signs unsafe blocks likewise', async () => {
    const signer = createPromiseSigner(`0x${'42'.repeat(32)}`, 901n)
    for (let blockNumber = 1n; blockNumber <= 8n; blockNumber++) {
      const block = { blockHash: `0x${'0b'.repeat(32)}`, blockNumber } as const
      const signature = signer.signBlock(block)
      const address = await recoverTypedDataAddress({ ...unsafeBlockTypedData(901n, block), signature })
      expect(address.toLowerCase()).toBe(signer.address)
    }
  })
})
