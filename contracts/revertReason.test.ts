import { BaseError, encodeErrorResult, parseAbi, RawContractError } from 'viem'
import { describe, expect, it } from 'vitest'
import { revertReason } from './revertReason.ts'

const ABI = parseAbi([
  'error BadSignature(uint256 index)',
  'error RootUnknown(address source, uint256 index)',
])

const revertedWith = (data: `0x${string}`) =>
  new BaseError('call failed', { cause: new RawContractError({ data, message: 'execution reverted' }) })

describe('revertReason', () => {
  it('finds the custom error behind a failed call', () => {
    const data = encodeErrorResult({ abi: ABI, errorName: 'BadSignature', args: [1n] })
    expect(revertReason(ABI, revertedWith(data))).toBe('BadSignature(1)')
  })

  it('finds it in an RPC error that carries the data itself', () => {
    const data = encodeErrorResult({
      abi: ABI,
      errorName: 'RootUnknown',
      args: ['0x00000000000000000000000000000000000000aa', 7n],
    })
    const cause = Object.assign(new Error('execution reverted'), { code: 3, data })
    expect(revertReason(ABI, new BaseError('call failed', { cause }))).toMatch(
      /^RootUnknown\(0x0{38}[aA]{2}, 7\)$/,
    )
  })

  it('knows nothing of other errors', () => {
    expect(revertReason(ABI, revertedWith('0xdeadbeef'))).toBeUndefined()
    expect(revertReason(ABI, revertedWith('0x'))).toBeUndefined()
    expect(revertReason(ABI, new Error('offline'))).toBeUndefined()
  })
})
