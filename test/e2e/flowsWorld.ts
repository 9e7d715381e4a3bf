import { fileURLToPath } from 'node:url'
import {
  type Address,
  createClient,
  createWalletClient,
  type Hex,
  http,
  type LocalAccount,
  nonceManager,
  parseEther,
  publicActions,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { createRelayer, type Relayer } from '../../cli/Relayer.ts'
import {
  type ConfigSigner,
  keyrollActions,
  replicaActions,
  type SignedSetConfig,
  signSetConfig,
  toWebAuthnSigner,
} from '../../client/index.ts'
import { deployEntryPoint } from '../../devnet/EntryPoint.ts'
import { createAuthenticator, type DevnetInfo, startDevnet } from '../../devnet/index.ts'
import { type Config, parseRollupConfig, type Signer } from '../../protocol/index.ts'
import { createProver } from '../../prover/index.ts'

/** A chain with a replica. */
export type FlowChain = {
  name: string
  chainId: number
  url: string
  /** The L1 block-hash source that serves it. */
  source: Address
  /** Of an L2: its OptimismPortal on L1. */
  portal?: Address
  /** Of an L3: the chain below it. */
  parentUrl?: string
}

/** A devnet with an EntryPoint and a replica on L1, A and B, as wallets, vendors and relayers use it. */
export type FlowsWorld = Awaited<ReturnType<typeof startFlowsWorld>>

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Milliseconds; what a step may take on a busy machine. */
export const PATIENCE = 150_000

/** Starts the world; L1, A, B and the rollup have a block each second, and outputs are final after five. */
export async function startFlowsWorld() {
  const stopping = new AbortController()
  const devnet = await startDevnet({
    ports: { l1: 0, beacon: 0, chainA: 0, chainB: 0, sequencer: 0, admin: 0, node: 0 },
    chainIds: { l1: 900, chainA: 901, chainB: 902 },
    l1BlockTime: 1,
    blockTime: 1,
    submissionInterval: 2,
    challengePeriod: 5,
    dataAvailability: 'calldata',
    dataDir: undefined,
    out: undefined,
    keyroll: { command: process.execPath, args: ['--import', 'tsx', `${ROOT}cli/main.ts`] },
    onProgress: () => {},
    signal: stopping.signal,
  })
  const { info } = devnet
  const rollup = parseRollupConfig(info.rollup.config)
  const replica = info.contracts.l2.keystoreReplica
  const sequencer = createClient({ transport: http(info.sequencer.rpcUrl) }).extend(keyrollActions())
  const node = createClient({ transport: http(info.node.rpcUrl) }).extend(keyrollActions())

  const clientOf = (chain: FlowChain, account: LocalAccount) =>
    createPayingClient({ url: chain.url, replica, account })

  /** By chain, source and output: one relayed root serves all wallets of a chain. */
  const roots = new Map<string, Promise<unknown>>()
  const relay = async (chain: FlowChain, outputIndex: bigint) =>
    (await newRelayer(chain)).updateRoot({ source: chain.source, outputIndex, final: true })

  // By transactions: balances set by hand would not stand in the state that anvil proves.
  const faucet = privateKeyToAccount(info.accounts.deployer.privateKey, { nonceManager })
  const fund = async (chain: FlowChain, to: Address): Promise<void> => {
    const client = clientOf(chain, faucet)
    const hash = await client.sendTransaction({ to, value: parseEther('10'), gas: 100_000n, chain: null })
    await client.waitForTransactionReceipt({ hash })
  }
  const newAccount = async (...funded: readonly FlowChain[]): Promise<LocalAccount> => {
    const account = privateKeyToAccount(generatePrivateKey())
    await Promise.all(funded.map((chain) => fund(chain, account.address)))
    return account
  }

  const chains = chainsOf(info)
  const newRelayer = async (chain: FlowChain): Promise<Relayer> =>
    createRelayer({
      l1Url: info.l1.rpcUrl,
      beaconUrl: info.l1.beaconUrl,
      parentUrl: chain.parentUrl,
      portal: chain.portal,
      keyrollUrl: info.node.rpcUrl,
      chainUrl: chain.url,
      replica,
      account: await newAccount(chain, chains.l1),
      timeout: PATIENCE,
      signal: stopping.signal,
    })
  await Promise.all([chains.l1, chains.a, chains.b].map((chain) => deployEntryPoint(clientOf(chain, faucet))))

  return {
    info,
    rollup,
    replica,
    factory: info.contracts.l2.walletFactory,
    chains,
    sequencer,
    node,
    clientOf,
    stop: async () => {
      stopping.abort()
      await devnet.stop()
    },
    /** Gives an address ten ether on a chain. */
    fund,
    /** A new account with ether on a chain: a vendor, a bundler, a thief. */
    newPayer: async (chain: FlowChain) => clientOf(chain, await newAccount(chain)),
    /** A new relayer with ether on a chain and on L1. */
    newRelayer,
    /** Waits until an output on L1 has a set-config in it, by the independent node. */
    async outputOf({ transactionHash }: SignedSetConfig): Promise<bigint> {
      const waiting = { timeout: PATIENCE, pollingInterval: 200 }
      const { output } = await node.waitForStatus({ transactionHash, stage: 'proposed', ...waiting })
      if (output === undefined) throw new FlowError('the node says proposed, but not in which output')
      return output.index
    },
    /** Relays a final output to a chain, unless somebody did; a relayer pays. */
    relayRoot(chain: FlowChain, outputIndex: bigint): Promise<unknown> {
      const key = `${chain.name} ${outputIndex}`
      const relaying = roots.get(key) ?? relay(chain, outputIndex)
      roots.set(key, relaying)
      return relaying
    },
    /** Makes the proofs for the replica of a chain. */
    proverOf: (chain: FlowChain) =>
      createProver({
        l1: createClient({ transport: http(info.l1.rpcUrl) }),
        l2: createClient({ transport: http(chain.url) }),
        keyroll: node,
        beaconUrl: info.l1.beaconUrl,
        replica,
      }),
  }
}

/** A client of a chain, of one account that pays for what it sends, with the actions of the replica. */
function createPayingClient({
  url,
  replica,
  account,
}: {
  url: string
  replica: Address
  account: LocalAccount
}) {
  return createWalletClient({ account, transport: http(url), pollingInterval: 100, cacheTime: 0 })
    .extend(publicActions)
    .extend(replicaActions({ replica }))
}

/** A and B with the sources that suit them best, and L1. */
function chainsOf({ l1, chains, contracts }: DevnetInfo) {
  const [a, b] = chains.map(({ name, chainId, rpcUrl, portal, source }) => ({
    ...{ name, chainId, url: rpcUrl, portal, source: source.address },
  }))
  if (a === undefined || b === undefined) throw new FlowError('the devnet has no two chains')
  const onL1 = { chainId: l1.chainId, url: l1.rpcUrl, source: contracts.l2.blockHashSource }
  return { l1: { name: 'L1', ...onL1 }, a, b }
}

/** A passkey on a device of the owner's. */
export function newPasskey(): ConfigSigner {
  return toWebAuthnSigner(createAuthenticator('https://wallet.example'))
}

/** Has one of the signers of a config sign the next one. */
export function signUpdate(
  { rollup }: Pick<FlowsWorld, 'rollup'>,
  update: {
    id: Hex
    current: Config
    next: Config
    by: ConfigSigner
    signers?: readonly Signer[]
    nextSigners: readonly Signer[]
  },
): Promise<SignedSetConfig> {
  const { id, current, next, by, signers = [by], nextSigners } = update
  return signSetConfig({
    ...{ rollup, kind: 0, id, current, next, nextSigners },
    ...{ authority: signers, approvers: [by] },
  })
}

/** A flow that cannot go on. */
export class FlowError extends Error {
  override readonly name = 'FlowError'
}
