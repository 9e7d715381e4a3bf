import type { Account, Chain, Client, Transport } from 'viem'
import type { FeeLimits } from '../contracts/index.ts'

/** A client of a chain that can send transactions. */
export type SendingClient = Client<Transport, Chain | undefined, Account>

/** What every transaction takes besides its call. */
export type TransactionOptions = {
  /** As a node estimates it by default, and three tenths more, since some nodes estimate too little. */
  gas?: bigint
  /**
   * The most that it pays per gas, whatever the node calls usual: 500 gwei by default, of which 50 as a tip. An account that does
   * not sign here has its wallet choose.
   */
  feeLimits?: FeeLimits
}
