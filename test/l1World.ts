import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWalletClient, type Hex, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { type DevnetAccount, devnetAccounts, type Role } from '../devnet/accounts.ts'
import { type AnvilOptions, startAnvil } from '../devnet/anvil.ts'
import { deployRollup, drawChainId, type RollupParameters } from '../devnet/deployRollup.ts'
import type { RollupConfig } from '../protocol/index.ts'

/** An anvil with the contracts of a rollup on it, and a directory for a test's files. */
export interface L1World {
  readonly url: string
  readonly rollup: RollupConfig
  readonly accounts: Record<Role, DevnetAccount>
  readonly directory: string
  /** Makes a client that sends from an account. */
  walletOf(key: Hex): ReturnType<typeof createWallet>
  /** Ends anvil and removes the directory. */
  stop(): Promise<void>
}

/** Starts one, which mines a block for each transaction; the rollup is a fast one, and another each time. */
export async function startL1World({
  anvil: anvilOptions = {},
  parameters = {},
}: {
  anvil?: Partial<AnvilOptions>
  parameters?: Partial<RollupParameters>
} = {}): Promise<L1World> {
  const directory = await mkdtemp(join(tmpdir(), 'keyroll-world-'))
  const anvil = await startAnvil({
    name: 'l1',
    chainId: 900,
    port: 0,
    logDirectory: directory,
    ...anvilOptions,
  })
  const accounts = devnetAccounts()
  const { rollup } = await deployRollup(createWallet(anvil.url, accounts.deployer.privateKey), {
    owner: accounts.deployer.address,
    batcher: accounts.batcher.address,
    promiseSigner: accounts.promiseSigner.address,
    proposer: accounts.proposer.address,
    challenger: accounts.challenger.address,
    l2ChainId: drawChainId(),
    blockTime: 1n,
    challengePeriod: 5,
    minRecoveryDelay: 2,
    submissionInterval: 3n,
    permissionlessDelay: 1_000n,
    maxSequencerDrift: 100n,
    seqWindowSize: 40n,
    channelTimeout: 20n,
    ...parameters,
  })
  return {
    url: anvil.url,
    rollup,
    accounts,
    directory,
    walletOf: (key) => createWallet(anvil.url, key),
    async stop() {
      await anvil.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function createWallet(url: string, key: Hex) {
  return createWalletClient({
    account: privateKeyToAccount(key),
    transport: http(url),
    pollingInterval: 20,
  }).extend(publicActions)
}
