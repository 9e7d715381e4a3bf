import {
  type Address,
  createWalletClient,
  encodeAbiParameters,
  encodeFunctionData,
  type Hex,
  hashTypedData,
  http,
  nonceManager,
  parseEther,
  publicActions,
  type TransactionReceipt,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  BATCH_WITH_OP_DATA_MODE,
  CALL_COMPONENTS,
  type ConfigSigner,
  encodeOwnerSignature,
  getWalletDeployment,
  type ReplicaRecord,
  replicaActions,
} from '../../client/index.ts'
import {
  keystoreReplicaAbi,
  keystoreWalletAbi,
  keystoreWalletFactoryAbi,
  revertReason,
} from '../../contracts/index.ts'
import type { DevnetChain, DevnetInfo } from '../../devnet/index.ts'
import type { Config } from '../../protocol/index.ts'
import { CliError } from '../CliError.ts'

/** The wallet of one keystore on one chain, and the replica it asks. */
export interface WalletOnChain {
  readonly chain: DevnetChain
  readonly address: Address
  /** Deploys the wallet from the keystore id and gives it some ether. */
  create(): Promise<void>
  /** Has the wallet pay 1 wei, approved by one signer under a config, in a real transaction. */
  pay(signer: ConfigSigner, config: Config): Promise<Payment>
  /** Puts a set-config in force by its own signatures. */
  preconfirm(current: Config, raw: Hex): Promise<TransactionReceipt>
  /** What the replica holds for the wallet. */
  record(): Promise<ReplicaRecord>
}

/** How a payment ended: in a block either way, refused ones as reverted transactions. */
export type Payment = { accepted: true } | { accepted: false; reason: string }

// Fixed, so that transactions that must revert are sent all the same.
const GAS = 1_500_000n
const PAYEE: Address = '0x000000000000000000000000000000000000beef'

const EXECUTE_TYPES = {
  Execute: [
    { name: 'calls', type: 'Call[]' },
    { name: 'nonce', type: 'uint256' },
  ],
  Call: CALL_COMPONENTS,
} as const

/** Opens the wallet of keystore `id` on a chain of the devnet. */
export async function openWallet(info: DevnetInfo, chain: DevnetChain, id: Hex): Promise<WalletOnChain> {
  const { keystoreReplica, walletFactory } = info.contracts.l2
  const account = privateKeyToAccount(info.accounts.user.privateKey, { nonceManager })
  const client = createWalletClient({
    account,
    transport: http(chain.rpcUrl),
    pollingInterval: 100,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(replicaActions({ replica: keystoreReplica }))
  const factory = { address: walletFactory, abi: keystoreWalletFactoryAbi } as const
  const address = await client.readContract({ ...factory, functionName: 'walletOf', args: [id] })

  const send = async (to: Address, data: Hex, value = 0n): Promise<TransactionReceipt> => {
    const hash = await client.sendTransaction({ chain: null, to, data, value, gas: GAS })
    return client.waitForTransactionReceipt({ hash })
  }
  const expectSuccess = (receipt: TransactionReceipt): TransactionReceipt => {
    if (receipt.status === 'success') return receipt
    throw new CliError(`transaction ${receipt.transactionHash} on ${chain.name} reverted`)
  }

  /** Asks again why a transaction reverted, since receipts do not tell. */
  const explain = async (to: Address, data: Hex): Promise<string> => {
    try {
      await client.call({ account, to, data })
    } catch (error) {
      return revertReason(keystoreReplicaAbi, error) ?? 'reverted'
    }
    throw new CliError(`a transaction to ${to} on ${chain.name} reverted, but the same call now succeeds`)
  }

  return {
    chain,
    address,
    async create() {
      const data = getWalletDeployment(walletFactory, id).factoryData
      const receipts = await Promise.all([send(walletFactory, data), send(address, '0x', parseEther('1'))])
      receipts.forEach(expectSuccess)
      const code = await client.getCode({ address })
      if (code === undefined) throw new CliError(`no wallet stands at ${address} on ${chain.name}`)
    },
    async pay(signer, config) {
      const calls = [{ to: PAYEE, value: 1n, data: '0x' }] as const
      const wallet = { address, abi: keystoreWalletAbi } as const
      const typedData = {
        domain: { name: 'Keyroll Wallet', version: '1', chainId: chain.chainId, verifyingContract: address },
        types: EXECUTE_TYPES,
        primaryType: 'Execute',
        message: { calls, nonce: await client.readContract({ ...wallet, functionName: 'nonce' }) },
      } as const
      const signature = await signer.sign({ digest: hashTypedData(typedData), typedData })
      const { scheme, key } = signer
      const opData = encodeOwnerSignature({
        current: config,
        approvals: [{ scheme, key, proof: [], signature }],
      })
      const executionData = encodeAbiParameters(
        [{ type: 'tuple[]', components: CALL_COMPONENTS }, { type: 'bytes' }],
        [calls, opData],
      )
      const data = encodeFunctionData({
        ...wallet,
        functionName: 'execute',
        args: [BATCH_WITH_OP_DATA_MODE, executionData],
      })

      const before = await client.getBalance({ address: PAYEE })
      const { status, transactionHash } = await send(address, data)
      const received = (await client.getBalance({ address: PAYEE })) - before
      if (received !== (status === 'success' ? 1n : 0n)) {
        throw new CliError(`the payee on ${chain.name} got ${received} wei by transaction ${transactionHash}`)
      }
      return status === 'success'
        ? { accepted: true }
        : { accepted: false, reason: await explain(address, data) }
    },
    async preconfirm(current, raw) {
      const hash = await client.preconfirm({ account: address, current, raw })
      return expectSuccess(await client.waitForTransactionReceipt({ hash }))
    },
    record: () => client.getRecord({ id, account: address }),
  }
}
