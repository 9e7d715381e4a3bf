import type { Address, Client } from 'viem'

/** Whom a prover asks, and the replica it proves to. It believes none of them: every answer is checked. */
export type ProverContext = {
  /** An L1 node that answers `eth_getProof` for the blocks that sources vouch for. */
  l1: Client
  /** A node of the chain on which the replica stands. */
  l2: Client
  /** A Keyroll node. */
  keyroll: Client
  /** A beacon API of L1, for sources that start from beacon roots. */
  beaconUrl: string | undefined
  replica: Address
}
