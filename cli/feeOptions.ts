import type { Command } from 'commander'
import type { FeeLimits } from '../client/index.ts'
import { option, parseQuantity } from './options.ts'

/** Gwei per gas. */
export type FeeFlags = { maxFee: bigint; maxPriorityFee: bigint }

/** Wei. */
export const GWEI = 1_000_000_000n

/** Adds the flags that bound what a command's transactions pay per gas. */
export function withFeeOptions(command: Command): Command {
  return command
    .addOption(
      option('--max-fee <gwei>', 'most that transactions pay per gas')
        .argParser(parseQuantity)
        .default(500n, '500'),
    )
    .addOption(
      option('--max-priority-fee <gwei>', 'most that transactions tip per gas, whatever the node calls usual')
        .argParser(parseQuantity)
        .default(50n, '50'),
    )
}

/** Reads the flags of {@link withFeeOptions}. */
export function readFeeLimits({ maxFee, maxPriorityFee }: FeeFlags): FeeLimits {
  return { maxFeePerGas: maxFee * GWEI, maxPriorityFeePerGas: maxPriorityFee * GWEI }
}
