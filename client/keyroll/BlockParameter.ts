import { type Hex, numberToHex } from 'viem'

/** Which Keyroll block to read at. */
export type BlockParameter = bigint | 'latest' | 'safe' | 'finalized'

/** Encodes a block for JSON-RPC. */
export function blockParameterToJson(block: BlockParameter): Hex | 'latest' | 'safe' | 'finalized' {
  return typeof block === 'bigint' ? numberToHex(block) : block
}
