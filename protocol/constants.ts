import type { Address, Hex } from 'viem'

/** The Keystore predeploy, the chain's only account (protocol.md §1). */
export const KEYSTORE_ADDRESS: Address = '0x4200000000000000000000000000000000000016'

/** EIP-2718 type of a set-config (protocol.md §1). */
export const SET_CONFIG_TX_TYPE = 0x4b

/** EIP-2718 type of a deposit, as in the OP Stack (protocol.md §1). */
export const DEPOSIT_TX_TYPE = 0x7e

/** Largest raw set-config in bytes, its type byte included (protocol.md §1). */
export const MAX_TRANSACTION_BYTES = 32_768

/** Largest `Config.data` in bytes (protocol.md §1). */
export const MAX_DATA_BYTES = 4_096

/** Largest `Authority.threshold` of a well-formed config (protocol.md §1). */
export const MAX_THRESHOLD = 16

/** Most siblings in a signer proof (protocol.md §1). */
export const MAX_PROOF_LENGTH = 20

/** Most bytes of raw set-configs in one block, deposits not counted (protocol.md §1). */
export const MAX_BLOCK_BYTES = 126_000

/** Header `gasLimit`; one gas is one transaction byte (protocol.md §1). */
export const BLOCK_GAS_LIMIT = 30_000_000n

/** Fewest bytes of WebAuthn authenticatorData (protocol.md §1). */
export const MIN_AUTHENTICATOR_DATA_BYTES = 37

/** Most bytes of WebAuthn authenticatorData (protocol.md §1). */
export const MAX_AUTHENTICATOR_DATA_BYTES = 512

/** Most bytes of WebAuthn client data after the challenge (protocol.md §1). */
export const MAX_CLIENT_DATA_TAIL_BYTES = 1_024

/** Most gas that a transaction may have on L1 and its L2s (EIP-7825). */
export const MAX_TRANSACTION_GAS = 16_777_216n

/** Thirty-two zero bytes: an absent root, hash or slot. */
export const ZERO_HASH: Hex = `0x${'00'.repeat(32)}`
