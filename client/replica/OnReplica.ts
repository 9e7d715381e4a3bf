import type { Address } from 'viem'

/** Names the replica that an action is for. */
export type OnReplica = { replica: Address }
