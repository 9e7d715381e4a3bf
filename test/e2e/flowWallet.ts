import {
  type Address,
  concat,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  numberToHex,
  parseEventLogs,
} from 'viem'
import { entryPoint08Abi, entryPoint08Address } from 'viem/account-abstraction'
import {
  BATCH_MODE,
  CALL_COMPONENTS,
  type Call,
  type ConfigSigner,
  encodeOwnerSignature,
  getWalletDeployment,
  type ReplicaRecord,
} from '../../client/index.ts'
import { keystoreWalletAbi, keystoreWalletFactoryAbi } from '../../contracts/index.ts'
import { type Config, createSignerTree, type Signer } from '../../protocol/index.ts'
import { type FlowChain, FlowError, type FlowsWorld } from './flowsWorld.ts'

/** What a user operation does, and who approves it. */
export type FlowOperation = {
  calls: readonly Call[]
  /** One of the signers of `current`. */
  signer: ConfigSigner
  /** All of them; the signer alone by default. */
  signers?: readonly Signer[]
  /** The config in force on the chain, or the one that `preconfirm` puts in force. */
  current: Config
  /** A set-config that the operation brings along, and the config in force before it. */
  preconfirm?: { head: Config; raw: Hex }
}

/** The wallet of one keystore on one chain. */
export interface FlowWallet {
  readonly address: Address
  /** Sends a user operation by the EntryPoint, deploying the wallet where it does not stand; the wallet pays. @throws when refused. */
  operate(operation: FlowOperation): Promise<void>
  /** Why the EntryPoint would refuse the operation, in its own words; undefined when it would not. */
  refusal(operation: FlowOperation): Promise<string | undefined>
  /** What the chain's replica believes. */
  record(): Promise<ReplicaRecord>
  balance(): Promise<bigint>
}

const GAS = 12_000_000n
/** AA22: the config is stale. AA23: it is not in force. AA24: the signature is not by a signer. */
const REFUSAL = /AA2[234] [a-z ]+/

/** Opens the wallet of a keystore on a chain; nothing is sent. */
export async function openFlowWallet(
  world: Pick<FlowsWorld, 'factory' | 'newPayer'>,
  chain: FlowChain,
  id: Hex,
): Promise<FlowWallet> {
  const { factory } = world
  const bundler = await world.newPayer(chain)
  const address = await bundler.readContract({
    address: factory,
    abi: keystoreWalletFactoryAbi,
    functionName: 'walletOf',
    args: [id],
  })
  const entryPoint = { address: entryPoint08Address, abi: entryPoint08Abi } as const

  async function handleOps(operation: FlowOperation) {
    const { calls, signer, signers = [signer], current, preconfirm } = operation
    const [nonce, code] = await Promise.all([
      bundler.readContract({ ...entryPoint, functionName: 'getNonce', args: [address, 0n] }),
      bundler.getCode({ address }),
    ])
    const deployment = getWalletDeployment(factory, id)
    const executionData = encodeAbiParameters([{ type: 'tuple[]', components: CALL_COMPONENTS }], [calls])
    const unsigned = {
      sender: address,
      nonce,
      initCode: code === undefined ? concat([deployment.factory, deployment.factoryData]) : ('0x' as Hex),
      callData: encodeFunctionData({
        abi: keystoreWalletAbi,
        functionName: 'execute',
        args: [BATCH_MODE, executionData],
      }),
      accountGasLimits: concat([
        numberToHex(3_000_000n, { size: 16 }),
        numberToHex(4_000_000n, { size: 16 }),
      ]),
      preVerificationGas: 100_000n,
      gasFees: concat([numberToHex(2n, { size: 16 }), numberToHex(2_000_000_000n, { size: 16 })]),
      paymasterAndData: '0x' as Hex,
      signature: '0x' as Hex,
    }
    const digest = await bundler.readContract({
      ...entryPoint,
      functionName: 'getUserOpHash',
      args: [unsigned],
    })
    const { scheme, key } = signer
    // A passkey signs the digest alone; what it stands for is for signers that show it.
    const typedData = { domain: {}, types: {}, primaryType: 'EIP712Domain', message: {} } as const
    const proof = createSignerTree(signers).proofOf(signer)
    const approvals = [{ scheme, key, proof, signature: await signer.sign({ digest, typedData }) }]
    const signature = encodeOwnerSignature({ current, approvals, ...(preconfirm && { preconfirm }) })
    return {
      ...entryPoint,
      functionName: 'handleOps',
      args: [[{ ...unsigned, signature }], bundler.account.address],
      gas: GAS,
    } as const
  }

  return {
    address,
    async operate(operation) {
      const call = await handleOps(operation)
      const { request } = await bundler.simulateContract(call)
      const hash = await bundler.writeContract({ ...request, chain: null })
      const { status, logs } = await bundler.waitForTransactionReceipt({ hash })
      const [event] = parseEventLogs({ abi: entryPoint08Abi, eventName: 'UserOperationEvent', logs })
      if (status === 'success' && event?.args.success === true) return
      throw new FlowError(`the user operation on ${chain.name} failed in transaction ${hash} (${status})`)
    },
    async refusal(operation) {
      const call = await handleOps(operation)
      try {
        await bundler.simulateContract(call)
        return undefined
      } catch (error) {
        const [reason] = (error instanceof Error && REFUSAL.exec(error.message)) || []
        if (reason === undefined) throw error
        return reason.trim()
      }
    },
    record: () => bundler.getRecord({ id, account: address }),
    balance: () => bundler.getBalance({ address }),
  }
}
