import type { Hex } from 'viem'
import {
  type ConfigSigner,
  createAuthority,
  createKeystore,
  createNextConfig,
  signSetConfig,
  toWebAuthnSigner,
} from '../../client/index.ts'
import { createAuthenticator } from '../../devnet/index.ts'
import { type Config, configHash, parseRollupConfig } from '../../protocol/index.ts'
import { CliError } from '../CliError.ts'
import { followSetConfig, type SetConfigJourney } from './followSetConfig.ts'
import { type ReplicaResult, relayToReplica } from './relayToReplica.ts'
import { brief, type DemoContext, gas, runStage } from './stages.ts'
import { openWallet, type WalletOnChain } from './WalletOnChain.ts'

/** What the demo found out; numbers that fit are JSON numbers. */
export type DemoResult = { id: Hex; nonce: number; configHash: Hex } & SetConfigJourney & {
    replicas: ReplicaResult[]
  }

/**
 * Takes one rotation the whole way: from a passkey's signature to two wallets on two chains that obey the new passkey.
 *
 * @throws {CliError} when a stage fails; the table shows which.
 */
export async function runDemo(context: DemoContext): Promise<DemoResult> {
  const { info } = context
  const oldKey = createPasskey()
  const newKey = createPasskey()
  const { id, initial } = createKeystore({ signers: [oldKey] })
  const next = createNextConfig(initial, { signers: createAuthority({ signers: [newKey] }) })
  const rotation = await signSetConfig({
    rollup: parseRollupConfig(info.rollup.config),
    kind: 0,
    id,
    current: initial,
    next,
    authority: [oldKey],
    approvers: [oldKey],
    nextSigners: [newKey],
  })

  const wallets = await runStage(context, 'create', async () => {
    const value = await Promise.all(info.chains.map((chain) => openWallet(info, chain, id)))
    await Promise.all(value.map((wallet) => wallet.create()))
    return { value, detail: `id ${brief(id)}, wallet ${brief(value[0]?.address ?? '')} on both` }
  })
  await runStage(context, 'before', () => expectPaid(wallets, oldKey, initial))
  await runStage(context, 'preconfirm', () =>
    preconfirm(wallets, { initial, next, raw: rotation.raw, newKey }),
  )
  const journey = await followSetConfig(context, rotation)
  const outputIndex = BigInt(journey.outputIndex)
  const replicas = await Promise.all(
    wallets.map((wallet) => relayToReplica(context, wallet, { id, next, outputIndex })),
  )
  await runStage(context, 'refused', () => expectRefused(wallets, oldKey, { initial, next }))
  await runStage(context, 'accepted', () => expectPaid(wallets, newKey, next))
  return { id, nonce: Number(next.nonce), configHash: configHash(next), ...journey, replicas }
}

/** A passkey of the demo's imaginary wallet, on a software authenticator. */
function createPasskey(): ConfigSigner {
  return toWebAuthnSigner(createAuthenticator('https://wallet.example'))
}

async function expectPaid(wallets: readonly WalletOnChain[], passkey: ConfigSigner, config: Config) {
  await Promise.all(
    wallets.map(async (wallet) => {
      const payment = await wallet.pay(passkey, config)
      if (payment.accepted) return
      throw new CliError(`the wallet on ${wallet.chain.name} refused its passkey: ${payment.reason}`)
    }),
  )
  return { value: undefined, detail: 'accepted on both' }
}

async function expectRefused(
  wallets: readonly WalletOnChain[],
  passkey: ConfigSigner,
  { initial, next }: { initial: Config; next: Config },
) {
  const reasons = await Promise.all(
    wallets.flatMap((wallet) =>
      // Whether it names the old config or the new one, the old passkey must not pass.
      [initial, next].map(async (config) => {
        const payment = await wallet.pay(passkey, config)
        if (!payment.accepted) return payment.reason.replace(/\(.*$/, '')
        throw new CliError(`the wallet on ${wallet.chain.name} still obeys the old passkey`)
      }),
    ),
  )
  return { value: undefined, detail: [...new Set(reasons)].join(', ') }
}

async function preconfirm(
  [wallet]: readonly WalletOnChain[],
  { initial, next, raw, newKey }: { initial: Config; next: Config; raw: Hex; newKey: ConfigSigner },
) {
  if (!wallet) throw new CliError('the devnet has no chain A')
  const { gasUsed } = await wallet.preconfirm(initial, raw)
  const payment = await wallet.pay(newKey, next)
  if (!payment.accepted) throw new CliError(`preconfirmed, yet the new passkey is refused: ${payment.reason}`)
  return { value: undefined, detail: `${gas(gasUsed)}; the new passkey pays on A already` }
}
