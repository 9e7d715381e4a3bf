import type { Address, Hex } from 'viem'

/** One call of a batch (ERC-7821). */
export type Call = { to: Address; value: bigint; data: Hex }

/** Components of an ABI-encoded or EIP-712 `Call`. */
export const CALL_COMPONENTS = [
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'data', type: 'bytes' },
] as const

/** ERC-7821 mode of a batch that the EntryPoint or the wallet itself asks for. */
export const BATCH_MODE: Hex = '0x0100000000000000000000000000000000000000000000000000000000000000'

/** ERC-7821 mode of a batch that brings its authorisation along, for anybody to send. */
export const BATCH_WITH_OP_DATA_MODE: Hex =
  '0x0100000000007821000100000000000000000000000000000000000000000000'
