import { decodeEventLog, type Hex, parseAbi } from 'viem'
import type { ExecutedBlock } from '../../node/index.ts'
import { DEPOSIT_TX_TYPE, toHex } from '../../protocol/index.ts'

/** What a valid transaction did to a keystore. */
export type KeystoreChange = {
  blockNumber: bigint
  /** Of the transaction in the block. */
  index: number
  id: Hex
  nonce: bigint
  configHash: Hex
  /** Set: kinds 0 and 2; started: kind 1. */
  what: 'set' | 'started'
  isDeposit: boolean
}

const ABI = parseAbi([
  'event ConfigSet(bytes32 indexed id, uint64 nonce, bytes32 configHash, bytes config)',
  'event RecoveryStarted(bytes32 indexed id, uint64 nonce, bytes32 configHash, uint64 readyAt, bytes config)',
])

/** Lists what a block changed, by its logs. */
export function keystoreChanges({ block, receipts }: ExecutedBlock): KeystoreChange[] {
  return receipts.flatMap(({ logs }, index) =>
    logs.map(({ topics, data }) => {
      const { eventName, args } = decodeEventLog({
        abi: ABI,
        topics: [...topics] as [Hex, ...Hex[]],
        data: toHex(data),
      })
      return {
        blockNumber: block.header.number,
        index,
        id: args.id,
        nonce: args.nonce,
        configHash: args.configHash,
        what: eventName === 'ConfigSet' ? 'set' : 'started',
        isDeposit: block.transactions[index]?.[0] === DEPOSIT_TX_TYPE,
      } as const
    }),
  )
}
