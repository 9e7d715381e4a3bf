import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type Config, configHash } from '../../protocol/index.ts'
import { CliError } from '../CliError.ts'
import { createRelayer } from '../Relayer.ts'
import { type DemoContext, gas, patience, runStage } from './stages.ts'
import type { WalletOnChain } from './WalletOnChain.ts'

/** What happened on one chain. */
export type ReplicaResult = {
  /** `A` or `B`. */
  chain: string
  source: string
  /** Gas of the whole `updateRoot` transaction, shared by all wallets of the chain. */
  rootGas: number
  /** Gas of the whole `confirm` transaction. */
  confirmGas: number
  /** The config in force, by the replica. */
  configHash: Hex
  /** Whether a finalized output proved it. */
  confirmed: boolean
}

/** Carries a final output and the config that it proves to the replica of a wallet's chain. */
export async function relayToReplica(
  context: DemoContext,
  wallet: WalletOnChain,
  { id, next, outputIndex }: { id: Hex; next: Config; outputIndex: bigint },
): Promise<ReplicaResult> {
  const { info, signal } = context
  const { chain, address: account } = wallet
  const source = chain.source.address
  const suffix = chain.name === 'A' ? 'A' : 'B'
  const relayer = await createRelayer({
    l1Url: info.l1.rpcUrl,
    beaconUrl: info.l1.beaconUrl,
    keyrollUrl: info.node.rpcUrl,
    chainUrl: chain.rpcUrl,
    replica: info.contracts.l2.keystoreReplica,
    account: privateKeyToAccount(info.accounts.relayer.privateKey),
    timeout: patience(info),
    signal,
  })
  const rootGas = await runStage(context, `root${suffix}`, async () => {
    const receipt = await relayer.updateRoot({ source, outputIndex, final: true })
    // Nothing, if somebody else has told the chain.
    const gasUsed = receipt?.gasUsed ?? 0n
    return {
      value: Number(gasUsed),
      detail: `${gas(gasUsed)}, once for all wallets, by ${chain.source.kind}`,
    }
  })
  return runStage(context, `confirm${suffix}`, async () => {
    const { gasUsed } = await relayer.confirm({ id, account, source, outputIndex })
    const { configHash: inForce, confirmedNonce } = await wallet.record()
    const confirmed = confirmedNonce === next.nonce
    if (!confirmed || inForce !== configHash(next)) {
      throw new CliError(`the replica on ${chain.name} holds ${inForce} at nonce ${confirmedNonce}`)
    }
    const value = {
      ...{ chain: chain.name, source: chain.source.kind, rootGas, confirmGas: Number(gasUsed) },
      ...{ configHash: inForce, confirmed },
    }
    return { value, detail: `${gas(gasUsed)}, nonce ${confirmedNonce}` }
  })
}
