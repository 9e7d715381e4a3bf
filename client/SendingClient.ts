import type { Account, Chain, Client, Transport } from 'viem'

/** A client of a chain that can send transactions. */
export type SendingClient = Client<Transport, Chain | undefined, Account>

/** What every transaction takes besides its call. */
export type TransactionOptions = { /** Estimated by default. */ gas?: bigint }

/** The part of viem's transaction parameters that every action fills in alike. */
export function sendingFrom(client: SendingClient, { gas }: TransactionOptions) {
  return { account: client.account, chain: client.chain ?? null, ...(gas !== undefined && { gas }) }
}
