import type { Account, Chain, Client, Transport } from 'viem'

/** A client of a chain that can send transactions. */
export type SendingClient = Client<Transport, Chain | undefined, Account>

/** What every transaction takes besides its call. */
export type TransactionOptions = {
  /** As a node estimates it by default, and three tenths more, since some nodes estimate too little. */
  gas?: bigint
}
