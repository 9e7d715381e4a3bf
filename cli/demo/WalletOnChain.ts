import {
  type Address,
  createWalletClient,
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
import { keystoreReplicaAbi, keystoreWalletAbi, keystoreWalletFactoryAbi } from '../../contracts/index.ts'
import type { DevnetChain, DevnetInfo } from '../../devnet/index.ts'
import { type Config, toShortConfig } from '../../protocol/index.ts'
import { CliError } from '../CliError.ts'
import { revertReason } from '../revertReason.ts'
import type { Passkey } from './Passkey.ts'

/** The wallet of one keystore on one chain, and the replica it asks. */
export interface WalletOnChain {
  readonly chain: DevnetChain
  readonly wallet: Address
  /** Deploys the wallet from the keystore id and gives it some ether. */
  create(): Promise<void>
  /** Has the wallet pay 1 wei, approved by the passkey under a config, in a real transaction. */
  pay(passkey: Passkey, config: Config): Promise<Payment>
  /** Puts a set-config in force by its own signatures. */
  preconfirm(current: Config, raw: Hex): Promise<TransactionReceipt>
  /** What the replica holds in force. */
  configHash(): Promise<Hex>
  confirmedNonce(): Promise<bigint>
}

/** How a payment ended: in a block either way, refused ones as reverted transactions. */
export type Payment = { accepted: true } | { accepted: false; reason: string }

// Fixed, so that transactions that must revert are sent all the same.
const GAS = 1_500_000n
const PAYEE: Address = '0x000000000000000000000000000000000000beef'

/** Opens the wallet of keystore `id` on a chain of the devnet. */
export async function openWallet(info: DevnetInfo, chain: DevnetChain, id: Hex): Promise<WalletOnChain> {
  const { keystoreReplica, walletFactory } = info.contracts.l2
  const account = privateKeyToAccount(info.accounts.user.privateKey, { nonceManager })
  const client = createWalletClient({
    account,
    transport: http(chain.rpcUrl),
    pollingInterval: 100,
    cacheTime: 0,
  }).extend(publicActions)
  const factory = { address: walletFactory, abi: keystoreWalletFactoryAbi } as const
  const replica = { address: keystoreReplica, abi: keystoreReplicaAbi } as const
  const wallet = await client.readContract({ ...factory, functionName: 'walletOf', args: [id] })

  const send = async (to: Address, data: Hex, value = 0n): Promise<TransactionReceipt> => {
    const hash = await client.sendTransaction({ chain: null, to, data, value, gas: GAS })
    return client.waitForTransactionReceipt({ hash })
  }
  const sendGood = async (...args: Parameters<typeof send>): Promise<TransactionReceipt> => {
    const receipt = await send(...args)
    if (receipt.status === 'success') return receipt
    throw new CliError(`transaction ${receipt.transactionHash} on ${chain.name} reverted`)
  }

  return {
    chain,
    wallet,
    async create() {
      const data = encodeFunctionData({ ...factory, functionName: 'createWallet', args: [id] })
      await Promise.all([sendGood(walletFactory, data), sendGood(wallet, '0x', parseEther('1'))])
      const code = await client.getCode({ address: wallet })
      if (code === undefined) throw new CliError(`no wallet stands at ${wallet} on ${chain.name}`)
    },
    async pay(passkey, config) {
      const call = { target: PAYEE, value: 1n, data: '0x' } as const
      const nonce = await client.readContract({
        address: wallet,
        abi: keystoreWalletAbi,
        functionName: 'nonce',
      })
      const digest = hashTypedData({
        domain: { name: 'Keyroll Wallet', version: '1', chainId: chain.chainId, verifyingContract: wallet },
        types: EXECUTE_TYPES,
        primaryType: 'Execute',
        message: { ...call, nonce },
      })
      const approval = { ...passkey.signer, proof: [], signature: passkey.sign(digest) }
      const data = encodeFunctionData({
        abi: keystoreWalletAbi,
        functionName: 'execute',
        args: [call.target, call.value, call.data, toShortConfig(config), [approval]],
      })
      const before = await client.getBalance({ address: PAYEE })
      const { status, transactionHash } = await send(wallet, data)
      const received = (await client.getBalance({ address: PAYEE })) - before
      if (received !== (status === 'success' ? 1n : 0n)) {
        throw new CliError(`the payee on ${chain.name} got ${received} wei by transaction ${transactionHash}`)
      }
      if (status === 'success') return { accepted: true }
      return { accepted: false, reason: await explain(wallet, data) }
    },
    preconfirm: (current, raw) =>
      sendGood(
        keystoreReplica,
        encodeFunctionData({
          ...replica,
          functionName: 'preconfirm',
          args: [wallet, toShortConfig(current), raw],
        }),
      ),
    configHash: () => client.readContract({ ...replica, functionName: 'configHash', args: [id, wallet] }),
    async confirmedNonce() {
      const record = await client.readContract({ ...replica, functionName: 'record', args: [id, wallet] })
      return record.confirmedNonce
    },
  }

  async function explain(to: Address, data: Hex): Promise<string> {
    try {
      await client.call({ account, to, data })
    } catch (error) {
      return revertReason(keystoreReplicaAbi, error) ?? 'reverted'
    }
    throw new CliError(`a transaction to ${to} on ${chain.name} reverted, but the same call now succeeds`)
  }
}

const EXECUTE_TYPES = {
  Execute: [
    { name: 'target', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'data', type: 'bytes' },
    { name: 'nonce', type: 'uint256' },
  ],
} as const
