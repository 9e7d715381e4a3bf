import { type Address, formatGwei, type Hash, type Hex } from 'viem'

/** Reports a chain without the deterministic deployment proxy. */
export class DeploymentProxyAbsentError extends Error {
  override readonly name = 'DeploymentProxyAbsentError'
  constructor(address: Address, code: Hex | undefined) {
    const found = code === undefined || code === '0x' ? 'nothing' : 'other code'
    super(
      `The deterministic deployment proxy is expected at ${address}, where ${found} stands: ` +
        'deploy it first (https://github.com/Arachnid/deterministic-deployment-proxy)',
    )
  }
}

/** Reports that other code than the contract's own stands at its address: the chain or its RPC is not to be trusted. */
export class CodeDiffersError extends Error {
  override readonly name = 'CodeDiffersError'
  constructor(contract: string, address: Address, actual: Hash, expected: Hash) {
    super(
      `${contract} at ${address}: the code there hashes to ${actual}, expected ${expected} (immutables zeroed)`,
    )
  }
}

/** Reports a contract that does not stand: its transaction could not be sent, reverted, left no code, or is in no block. */
export class DeploymentFailedError extends Error {
  override readonly name = 'DeploymentFailedError'
  constructor(contract: string, address: Address, transactionHash: Hash | undefined, options?: ErrorOptions) {
    const why =
      transactionHash === undefined
        ? '(the node acknowledged no transaction): if the cause is a revert, its constructor refuses the arguments'
        : `(transaction ${transactionHash}): its constructor refuses the arguments, the gas did not suffice, ` +
          'it still waits, or the node is behind'
    super(`${contract} was not created at ${address} ${why}`, options)
  }
}

/** Reports a chain on which a transaction would cost more than its sender wants to pay; amounts are wei per gas. */
export class FeeCeilingError extends Error {
  override readonly name = 'FeeCeilingError'
  readonly baseFee: bigint
  readonly maxFeePerGas: bigint

  /** @param standing - Names of the contracts that were deployed before. */
  constructor(baseFee: bigint, maxFeePerGas: bigint, standing: readonly string[] = []) {
    super(
      `The chain asks for ${formatGwei(baseFee)} gwei per gas, expected at most ${formatGwei(maxFeePerGas)}; ` +
        (standing.length === 0 ? '' : `deployed already: ${standing.join(', ')}; `) +
        'this transaction was not sent: wait, raise the ceiling (--max-fee), or ask another node if that is not the price',
    )
    this.baseFee = baseFee
    this.maxFeePerGas = maxFeePerGas
  }
}
