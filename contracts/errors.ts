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

/** Reports a deployment that could not be sent, reverted or left no code. */
export class DeploymentFailedError extends Error {
  override readonly name = 'DeploymentFailedError'
  constructor(contract: string, address: Address, transactionHash: Hash | undefined, options?: ErrorOptions) {
    const transaction =
      transactionHash === undefined ? 'which could not be sent' : `transaction ${transactionHash}`
    super(
      `${contract} was not created at ${address} (${transaction}): ` +
        'its constructor refuses the arguments, the gas did not suffice, or see the cause',
      options,
    )
  }
}

/** Reports a chain on which a transaction would cost more than its sender wants to pay; amounts are wei per gas. */
export class FeeCeilingError extends Error {
  override readonly name = 'FeeCeilingError'
  constructor(baseFee: bigint, maxFeePerGas: bigint) {
    super(
      `The chain asks for ${formatGwei(baseFee)} gwei per gas, expected at most ${formatGwei(maxFeePerGas)}; ` +
        'nothing was sent: wait, raise the ceiling (--max-fee), or ask another node if that is not the price',
    )
  }
}
