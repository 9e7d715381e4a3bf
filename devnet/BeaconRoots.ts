import type { Address, Hex } from 'viem'

/** The EIP-4788 contract. */
export const BEACON_ROOTS_ADDRESS: Address = '0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02'

/** The sender of EIP-4788's call at the start of each block. */
export const SYSTEM_ACCOUNT: Address = '0xfffffffffffffffffffffffffffffffffffffffe'

/** The runtime code of EIP-4788. */
export const BEACON_ROOTS_CODE: Hex =
  '0x3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500'
