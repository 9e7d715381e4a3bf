import type { Address, Client } from 'viem'

/** Whom a prover asks, and the replica it proves to. It believes none of them: every answer is checked. */
export type ProverContext = {
  /** An L1 node that answers `eth_getProof` for the blocks that sources vouch for. */
  l1: Client
  /** A node of the chain on which the replica stands; for a replica on L1, of L1. */
  l2: Client
  /** For an L3: a node of the OP Stack chain below it that answers `eth_getProof`. */
  parent?: Client | undefined
  /** A Keyroll node. */
  keyroll: Client
  /** A beacon API of L1, for sources that start from beacon roots. */
  beaconUrl: string | undefined
  replica: Address
}
