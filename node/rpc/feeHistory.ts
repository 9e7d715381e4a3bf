import { numberToHex } from 'viem'
import type { ChainStore } from '../store/ChainStore.ts'
import { requireBlock } from './findBlock.ts'
import type { RpcMethod } from './RpcDispatcher.ts'
import { invalidParams } from './RpcError.ts'
import {
  blockSelector,
  defineMethod,
  list,
  optionalParam,
  type Parser,
  param,
  quantity,
} from './RpcParams.ts'

const MAX_BLOCKS = 1_024n
const MAX_PERCENTILES = 100

/** Old clients send the count as a number. */
const blockCount: Parser<bigint> = (value, name) => {
  const count =
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? BigInt(value)
      : quantity(value, name)
  if (count >= 1n) return count < MAX_BLOCKS ? count : MAX_BLOCKS
  throw invalidParams('INVALID_QUANTITY', `expected ${name} to be at least 1`, { param: name })
}

const percentile: Parser<number> = (value, name) => {
  if (typeof value === 'number' && value >= 0 && value <= 100) return value
  throw invalidParams('INVALID_PERCENTILE', `expected ${name} to be a number from 0 to 100`, { param: name })
}

/** Makes `eth_feeHistory`: fees are always zero, only how full the blocks were differs. */
export function feeHistory(store: ChainStore): RpcMethod {
  return defineMethod(
    [
      param('blockCount', blockCount),
      param('newestBlock', blockSelector),
      optionalParam('rewardPercentiles', list(percentile, MAX_PERCENTILES), []),
    ],
    async ([asked, selector, percentiles], _context, work) => {
      const newest = requireBlock(store, selector).header.number
      const first = store.base().block.number
      const oldest = asked <= newest - first ? newest - asked + 1n : first
      const gasUsedRatio: number[] = []
      for (let number = oldest; number <= newest; number++) {
        await work.turn()
        const { gasUsed, gasLimit } = requireBlock(store, { number }).header
        gasUsedRatio.push(Number(gasUsed) / Number(gasLimit))
      }
      return {
        oldestBlock: numberToHex(oldest),
        baseFeePerGas: new Array(gasUsedRatio.length + 1).fill('0x0'),
        baseFeePerBlobGas: new Array(gasUsedRatio.length + 1).fill('0x0'),
        gasUsedRatio,
        blobGasUsedRatio: gasUsedRatio.map(() => 0),
        ...(percentiles.length === 0 ? {} : { reward: gasUsedRatio.map(() => percentiles.map(() => '0x0')) }),
      }
    },
  )
}
