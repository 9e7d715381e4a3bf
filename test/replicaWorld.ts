import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Account,
  type Address,
  type Client,
  createTestClient,
  createWalletClient,
  custom,
  type Hex,
  http,
  keccak256,
  numberToHex,
  type Transport,
  toHex,
  zeroAddress,
  zeroHash,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { getBlock, readContract, writeContract } from 'viem/actions'
import { awaitMined } from '../contracts/awaitMined.ts'
import {
  type DeployingClient,
  deployL1,
  deployL2,
  type L1Contracts,
  type L2Contracts,
  outputOracleAbi,
} from '../contracts/index.ts'
import { devnetAccounts, type Role } from '../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../devnet/anvil.ts'
import { createBeaconChain } from '../devnet/BeaconChain.ts'
import { serveBeaconApi } from '../devnet/beaconApi.ts'
import { followParent } from '../devnet/followParent.ts'
import { keepInStep } from '../devnet/keepInStep.ts'
import { createOpChain } from '../devnet/OpChain.ts'
import { deployOptimismPortal } from '../devnet/OptimismPortal.ts'
import {
  type Config,
  configHash,
  configToJson,
  emptyTrie,
  keystoreProof,
  keystorePut,
  stateRootOf,
  type Trie,
  trieRoot,
} from '../protocol/index.ts'

/**
 * L1 with its beacon chain, an OP-like chain, perhaps an L3 on top of it, a replica on each, and a Keyroll chain whose every
 * block the test decides.
 */
export interface ReplicaWorld {
  l1: DeployingClient
  l2: DeployingClient
  /** Only when asked for. */
  l3: DeployingClient | undefined
  /** Of the L2 on L1, and of the L3 on the L2. */
  portals: { l2: Address; l3: Address }
  keyroll: Client
  beaconUrl: string
  l1Contracts: L1Contracts
  l2Contracts: L2Contracts
  rollup: typeof WORLD_ROLLUP
  /** A client of a chain for another of the devnet's accounts. */
  as(chain: 'l1' | 'l2', role: Role): DeployingClient
  /** Mines a block on L1, at least `seconds` later, and the L2 and L3 blocks that follow it. */
  step(seconds?: number): Promise<void>
  /** Mines until the transaction is in a block, and throws when it reverted. */
  mined(chain: 'l1' | 'l2' | 'l3', sending: Promise<Hex>): Promise<void>
  /** Appends a Keyroll block in which these configs are in force, and proposes it. Returns the output's index. */
  propose(configs: readonly { id: Hex; config: Config }[]): Promise<bigint>
  /** Drops the newest L1 blocks, and the outputs proposed in them. The L2 keeps its blocks. */
  reorgL1(depth: number): Promise<void>
  stop(): Promise<void>
}

/** The rollup of a {@link ReplicaWorld}; an output per block, times in seconds. */
export const WORLD_ROLLUP = { l2ChainId: 4_200_777n, challengePeriod: 1000, minRecoveryDelay: 100 } as const

type KeyrollBlock = { keystore: Trie; configs: Map<Hex, Config>; hash: Hex }

export async function startReplicaWorld({ withL3 = false } = {}): Promise<ReplicaWorld> {
  const logDirectory = await mkdtemp(join(tmpdir(), 'keyroll-world-'))
  const accounts = devnetAccounts()
  const start = (name: string, chainId: number) => startAnvil({ name, chainId, port: 0, logDirectory })
  const anvils = { l1: await start('l1', 900), l2: await start('l2', 901) }
  const as = (chain: 'l1' | 'l2', role: Role) => walletOf(anvils[chain], accounts[role].privateKey)
  const [l1, l2] = [as('l1', 'deployer'), as('l2', 'deployer')]

  const genesis = await getBlock(l1)
  const portals = { l2: await deployOptimismPortal(l1), l3: await deployOptimismPortal(l2) }
  const opChain = await createOpChain(anvils.l2, portals.l2)
  const l1Contracts = await deployL1(l1, {
    l1ChainId: 900n,
    owner: accounts.deployer.address,
    batcher: accounts.batcher.address,
    promiseSigner: accounts.promiseSigner.address,
    proposer: accounts.proposer.address,
    challenger: accounts.challenger.address,
    l2ChainId: WORLD_ROLLUP.l2ChainId,
    rotationDelay: BigInt(WORLD_ROLLUP.challengePeriod),
    submissionInterval: 1n,
    l2BlockTime: 1n,
    startingTimestamp: genesis.timestamp - 100_000n,
    challengePeriod: BigInt(WORLD_ROLLUP.challengePeriod),
    permissionlessDelay: 259_200n,
  })
  const l2Parameters = {
    l1ChainId: 900n,
    outputOracle: l1Contracts.outputOracle,
    ...WORLD_ROLLUP,
    schedule: [{ fromSlot: 0n, untilSlot: 1_000_000_000n, index: 6444n }],
    sourceAdmin: zeroAddress,
    staker: zeroAddress,
  }
  const l2Contracts = await deployL2(l2, l2Parameters)
  await deployL2(l1, l2Parameters)
  const l3Anvil = withL3 ? await start('l3', 902) : undefined
  const l3 = l3Anvil && walletOf(l3Anvil, accounts.deployer.privateKey)
  if (l3) await deployL2(l3, l2Parameters)
  const l3Chain = l3Anvil && (await createOpChain(l3Anvil, portals.l3))
  await l3Chain?.stopAutomine()
  const l3Follower = l3Chain && followParent(l3Chain, anvils.l2.url)

  const beacon = await createBeaconChain(anvils.l1.url, await getBlock(l1))
  const api = await serveBeaconApi({ chain: beacon, port: 0 })
  const follower = keepInStep({ l1Url: anvils.l1.url, beacon, chains: [opChain] })
  await opChain.stopAutomine()
  const l1Control = createTestClient({ mode: 'anvil', transport: http(anvils.l1.url) })
  await l1Control.setAutomine(false)

  const step = async (seconds = 12) => {
    await l1Control.increaseTime({ seconds })
    await l1Control.mine({ blocks: 1 })
    await follower.onBlock(await getBlock(l1))
    await l3Follower?.onBlock(await getBlock(l2))
  }
  const clients = { l1, l2, l3: l3 ?? l2 }
  const mined = async (chain: 'l1' | 'l2' | 'l3', sending: Promise<Hex>) => {
    const hash = await sending
    await step()
    const { receipt } = await awaitMined(clients[chain], { hash })
    if (receipt.status !== 'success') throw new WorldError(`transaction ${hash} on ${chain} reverted`)
  }

  const blocks: KeyrollBlock[] = [
    { keystore: emptyTrie(), configs: new Map(), hash: keccak256(toHex('genesis')) },
  ]
  const oracle = { address: l1Contracts.outputOracle, abi: outputOracleAbi }
  return {
    l1,
    l2,
    l3,
    portals,
    keyroll: createKeyrollClient(blocks),
    beaconUrl: api.url,
    l1Contracts,
    l2Contracts,
    rollup: WORLD_ROLLUP,
    as,
    step,
    mined,
    async propose(changes) {
      const parent = blocks.at(-1)
      if (parent === undefined) throw new WorldError('the chain has no genesis')
      const configs = new Map(parent.configs)
      let { keystore } = parent
      for (const { id, config } of changes) {
        configs.set(id, config)
        keystore = keystorePut(keystore, id, configHash(config))
      }
      const block = { keystore, configs, hash: keccak256(toHex(`block ${blocks.length}`)) }
      blocks.push(block)
      const keystoreRoot = trieRoot(keystore)
      const number = BigInt(blocks.length - 1)
      const client = as('l1', 'proposer')
      const args = [stateRootOf(keystoreRoot), keystoreRoot, block.hash, number] as const
      await mined(
        'l1',
        writeContract(client, {
          ...oracle,
          gas: 1_000_000n,
          account: client.account,
          chain: client.chain ?? null,
          functionName: 'proposeL2Output',
          args: [...args, zeroHash, 0n],
        }),
      )
      return number - 1n
    },
    async reorgL1(depth) {
      await l1Control.request({ method: 'anvil_rollback', params: [depth] } as never)
      const { number } = await getBlock(l1)
      beacon.rollback(number)
      const outputs = await readContract(l1, { ...oracle, functionName: 'nextOutputIndex' })
      blocks.length = Number(outputs) + 1
    },
    async stop() {
      await api.close()
      await Promise.all([anvils.l1.stop(), anvils.l2.stop(), l3Anvil?.stop()])
      await rm(logDirectory, { recursive: true })
    },
  }
}

/** Wraps a client's transport, so that a test decides what one party answers. */
export function withAnswers(
  client: Client,
  answer: (method: string, params: readonly unknown[], honest: () => Promise<unknown>) => Promise<unknown>,
): DeployingClient {
  const request = ({ method, params = [] }: { method: string; params?: readonly unknown[] }) =>
    answer(method, params, () => client.request({ method, params } as never))
  return createWalletClient({
    account: privateKeyToAccount(devnetAccounts().user.privateKey),
    transport: custom({ request }, { retryCount: 0 }) as Transport,
  })
}

/** Answers as a Keyroll node does, from what the test decided. */
function createKeyrollClient(blocks: readonly KeyrollBlock[]): Client {
  const request = async ({ method, params }: { method: string; params: readonly (Hex | 'safe')[] }) => {
    const named = params[method === 'eth_getBlockByNumber' ? 0 : 1]
    const number = named === 'safe' ? blocks.length - 1 : Number(named)
    const block = blocks[number]
    if (block === undefined) return null
    const { keystore, configs, hash } = block
    const keystoreRoot = trieRoot(keystore)
    if (method === 'eth_getBlockByNumber') {
      return {
        number: numberToHex(number),
        hash,
        stateRoot: stateRootOf(keystoreRoot),
        withdrawalsRoot: keystoreRoot,
      }
    }
    const id = params[0] as Hex
    const config = configs.get(id)
    return {
      id,
      keystoreRoot,
      config: config === undefined ? null : configToJson(config),
      storageProof: keystoreProof(keystore, id).map((node) => toHex(node)),
    }
  }
  return createWalletClient({ transport: custom({ request }, { retryCount: 0 }) })
}

function walletOf({ url }: Anvil, privateKey: Hex) {
  const account: Account = privateKeyToAccount(privateKey)
  return createWalletClient({ account, transport: http(url), cacheTime: 0, pollingInterval: 20 })
}

class WorldError extends Error {
  override readonly name = 'WorldError'
}
