import type { Abi, ContractFunctionName, ContractFunctionParameters, Hash } from 'viem'
import { estimateContractGas, simulateContract, writeContract } from 'viem/actions'
import { chooseFees, completeTerms, type FeeLimits } from '../contracts/index.ts'
import { MAX_TRANSACTION_GAS } from '../protocol/index.ts'
import type { SendingClient, TransactionOptions } from './SendingClient.ts'

/**
 * Some nodes estimate what a call uses in the end. While it runs it needs up to a quarter more, because refunds of a fifth come
 * afterwards (EIP-3529), and a 64th is held back at each call within it (EIP-150).
 */
const GAS_MARGIN_PERCENT = 30n

/**
 * Sends a call of a contract. Nothing is sent when it would revert, unless the gas is given: some nodes take a revert for an
 * answer when they estimate, so that they are asked to make the call too.
 *
 * @param spareGas - What the call may need beyond an estimate in the newest block, because a later one stands where it is made.
 * @throws viem's `ContractFunctionExecutionError` when it would revert.
 * @throws {FeeCeilingError} when the chain asks for more than the limits allow.
 */
export async function sendCall<const abi extends Abi, name extends ContractFunctionName<abi, 'nonpayable'>>(
  client: SendingClient,
  call: ContractFunctionParameters<abi, 'nonpayable', name>,
  options: TransactionOptions,
  spareGas?: bigint,
): Promise<Hash>
export async function sendCall(
  client: SendingClient,
  call: ContractFunctionParameters,
  options: TransactionOptions,
  spareGas = 0n,
): Promise<Hash> {
  const { account, chain = null } = client
  const [gas, fees] = await Promise.all([
    options.gas ?? estimate(client, call, spareGas),
    chooseOwnFees(client, options.feeLimits),
  ])
  const terms = fees && (await completeTerms(client, fees))
  return writeContract(client, { ...call, account, chain, gas, ...terms })
}

async function chooseOwnFees(client: SendingClient, limits: FeeLimits | undefined) {
  return client.account.type === 'local' ? chooseFees(client, limits) : undefined
}

async function estimate(
  client: SendingClient,
  call: ContractFunctionParameters,
  spareGas: bigint,
): Promise<bigint> {
  const { account } = client
  const [used] = await Promise.all([
    // Without the fees that viem would name: not every node estimates a call that does.
    estimateContractGas(client, { ...call, account, prepare: false }),
    simulateContract(client, { ...call, account }),
  ])
  const gas = (used * (100n + GAS_MARGIN_PERCENT)) / 100n + spareGas
  // The margin must not make a call impossible that fits; what does not fit may do so where there is no such bound.
  return gas <= MAX_TRANSACTION_GAS || used > MAX_TRANSACTION_GAS ? gas : MAX_TRANSACTION_GAS
}
