import { type Address, BaseError, formatEther, type Hex } from 'viem'
import {
  type ConfigFault,
  type DecodeReason,
  type InvalidReason,
  KeyrollError,
  MAX_THRESHOLD,
} from '../protocol/index.ts'
import type { SetConfigStage, SetConfigStatus } from './keyroll/SetConfigStatus.ts'

/** Reports that a Keyroll node refused a request; `reason` is for machines (docs/rpc.md). */
export class KeyrollRefusedError extends KeyrollError {
  override readonly name = 'KeyrollRefusedError'
  readonly reason: string
  /** EIP-1474 code. */
  readonly code: number
  readonly data: Readonly<Record<string, unknown>>
  constructor(
    method: string,
    refusal: { code: number; message: string; data: Readonly<Record<string, unknown>> & { reason: string } },
    options?: ErrorOptions,
  ) {
    super(`The node refused ${method} (${refusal.data.reason}): ${refusal.message}`, options)
    this.reason = refusal.data.reason
    this.code = refusal.code
    this.data = refusal.data
  }
}

/** Reports an answer of a Keyroll node that is not what the method promises. */
export class WrongNodeAnswerError extends KeyrollError {
  override readonly name = 'WrongNodeAnswerError'
  constructor(method: string, details: string, options?: ErrorOptions) {
    super(`The node answered ${method} wrongly: ${details}`, options)
  }
}

/** Reports a set-config that did not come as far as awaited in time; the cause is the failure of the last question, if it failed. */
export class StatusTimeoutError extends KeyrollError {
  override readonly name = 'StatusTimeoutError'
  /** The last that the node said; undefined when it never answered. */
  readonly status: SetConfigStatus | undefined
  constructor(
    transactionHash: Hex,
    awaited: SetConfigStage,
    { status, timeout, failure }: { status: SetConfigStatus | undefined; timeout: number } & LastFailure,
  ) {
    super(
      `The set-config ${transactionHash} is ${status?.stage ?? 'of no known stage'} after ${timeout} ms, ` +
        `expected ${awaited}: go on waiting, or force it through the KeystorePortal on L1${describeFailure(failure)}`,
      { cause: failure },
    )
    this.status = status
  }
}

/** Reports a set-config that took no effect, or can take none any more. */
export class SetConfigFailedError extends KeyrollError {
  override readonly name = 'SetConfigFailedError'
  readonly status: SetConfigStatus
  constructor(status: SetConfigStatus) {
    const reason = status.displacedReason ?? status.invalidReason ?? 'no reason given'
    const place =
      status.blockNumber === undefined ? 'displaced' : `without effect in block ${status.blockNumber}`
    super(`The set-config ${status.transactionHash} is ${place}: ${reason}`)
    this.status = status
  }
}

/** Reports a threshold that no approvals of the signers could meet; each of their keys counts once, whatever its schemes. */
export class ThresholdError extends KeyrollError {
  override readonly name = 'ThresholdError'
  constructor(threshold: number, keys: number) {
    const most = Math.min(keys, MAX_THRESHOLD)
    super(`got threshold ${threshold} for ${keys} different keys, expected a whole number from 1 to ${most}`)
  }
}

/** Reports a keystore whose delays cannot be checked, since the rollup that decides about them was not given. */
export class RollupMissingError extends KeyrollError {
  override readonly name = 'RollupMissingError'
  constructor() {
    super('Guardians and a maxStaleness are held to the delays of the rollup: give its config as `rollup`')
  }
}

/** Reports a config that no set-config could ever change, since every one would be refused. */
export class InvalidConfigError extends KeyrollError {
  override readonly name = 'InvalidConfigError'
  readonly fault: ConfigFault | 'DATA_TOO_LONG'
  constructor(fault: ConfigFault | 'DATA_TOO_LONG', details: string) {
    super(`The config would be invalid: ${fault} (${details}); a keystore that begins with it is lost`)
    this.fault = fault
  }
}

/** Reports a set-config that no chain would accept; nothing was sent. */
export class InvalidSetConfigError extends KeyrollError {
  override readonly name = 'InvalidSetConfigError'
  readonly reason: InvalidReason
  constructor(reason: InvalidReason) {
    super(`The set-config would be invalid: ${reason} (protocol.md §3.3)`)
    this.reason = reason
  }
}

/** Reports signers that are not the ones whose root stands in a config. */
export class SignerSetMismatchError extends KeyrollError {
  override readonly name = 'SignerSetMismatchError'
  constructor(which: string, actual: Hex, expected: Hex) {
    super(`The ${which} given have the root ${actual}, expected ${expected}: give all of them, and no other`)
  }
}

/** Reports a signature or key that cannot be used: a device returned it in another form, or nobody could sign by it. */
export class SignerError extends KeyrollError {
  override readonly name = 'SignerError'
}

/** Reports bytes that are no set-config of the rollup; forcing them would burn gas for nothing. */
export class UndecodableSetConfigError extends KeyrollError {
  override readonly name = 'UndecodableSetConfigError'
  readonly reason: DecodeReason
  constructor(reason: DecodeReason, length: number, l2ChainId: bigint) {
    super(
      `The ${length} bytes are no set-config of rollup ${l2ChainId}: ${reason} (protocol.md §3.1); nothing was sent`,
    )
    this.reason = reason
  }
}

/** Reports an L1 that is not the rollup's. */
export class WrongL1Error extends KeyrollError {
  override readonly name = 'WrongL1Error'
  constructor(actual: number, expected: bigint) {
    super(`The L1 node is of chain ${actual}, expected ${expected}: check the URL and the rollup config`)
  }
}

/** Reports that the rollup's portal is not where its config says. */
export class PortalAbsentError extends KeyrollError {
  override readonly name = 'PortalAbsentError'
  constructor(portal: Address, details: string, options?: ErrorOptions) {
    super(`The KeystorePortal is not at ${portal}: ${details}; check the rollup config`, options)
  }
}

/** Reports an account that cannot pay for forcing a set-config; amounts are wei. */
export class InsufficientFundsError extends KeyrollError {
  override readonly name = 'InsufficientFundsError'
  readonly balance: bigint
  readonly cost: bigint
  constructor(account: Address, balance: bigint, cost: bigint) {
    super(
      `The account ${account} has ${formatEther(balance)} ETH on L1, ` +
        `expected at least ${formatEther(cost)} ETH for the gas`,
    )
    this.balance = balance
    this.cost = cost
  }
}

/** Reports that no contract stands where one is expected: what is sent there would be lost. */
export class NotAContractError extends KeyrollError {
  override readonly name = 'NotAContractError'
  constructor(what: string, address: Address) {
    super(`The ${what} is not at ${address}, where no contract stands; nothing was sent`)
  }
}

/** Reports an output that a replica did not get to know in time; the cause is the failure of the last question, if it failed. */
export class RootTimeoutError extends KeyrollError {
  override readonly name = 'RootTimeoutError'
  constructor(
    replica: Address,
    outputIndex: bigint,
    { timeout, failure }: { timeout: number } & LastFailure,
  ) {
    super(
      `The replica ${replica} does not know output ${outputIndex} after ${timeout} ms: go on waiting, or send it ` +
        `again if the portal was another chain's or the gas too little for the deposit${describeFailure(failure)}`,
      { cause: failure },
    )
  }
}

type LastFailure = { failure: Error | undefined }

/** In few words: the rest of viem's message holds the URL, which may hold a key. */
function describeFailure(failure: Error | undefined): string {
  if (failure === undefined) return ''
  const words = failure instanceof BaseError ? failure.shortMessage : failure.message
  return `. The last question failed: ${words}`
}
