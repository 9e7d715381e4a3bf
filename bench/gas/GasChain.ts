import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Abi,
  type Address,
  createTestClient,
  createWalletClient,
  type Hex,
  http,
  numberToHex,
  pad,
  publicActions,
  toBytes,
  zeroAddress,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { DEPLOYMENT_PROXY, deployL2, type L2Contracts } from '../../contracts/index.ts'
import { devnetAccounts } from '../../devnet/accounts.ts'
import { startAnvil } from '../../devnet/anvil.ts'
import { BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE } from '../../devnet/BeaconRoots.ts'
import { entryPointCreation } from '../../devnet/EntryPoint.ts'
import { L1_BLOCK_ADDRESS, l1BlockCode } from '../../devnet/L1Block.ts'
import { BenchmarkError } from '../report.ts'
import type { TransactionGas } from './gasLine.ts'
import { IMPLEMENTATION_SLOT, L1_BLOCK_HASH_SLOT, L1_BLOCK_IMPLEMENTATION, proxyCode } from './predeploys.ts'

/** What the replica of a {@link GasChain} is deployed for: a rollup as it would be on mainnet. Times are seconds. */
export const GAS_ROLLUP = {
  l1ChainId: 1n,
  outputOracle: '0x8f3a61dcb1f0c1f3d0a1c8a5be1d3a7f2b9c6e40',
  l2ChainId: 1_263_423_052n,
  challengePeriod: 604_800,
  minRecoveryDelay: 86_400,
  /** From Deneb on beacon blocks name the block hash at 6444. */
  schedule: [{ fromSlot: 8_626_176n, untilSlot: 17_000_000n, index: 6444n }],
  sourceAdmin: zeroAddress,
  staker: zeroAddress,
} as const

/** An OP Stack chain with a replica and an EntryPoint; what it is told costs the same in every run. */
export interface GasChain {
  readonly contracts: L2Contracts
  /**
   * Sends a transaction, and returns what it used.
   *
   * @throws {BenchmarkError} when it reverts.
   */
  send(to: Address, data: Hex, options?: { value?: bigint; from?: Address }): Promise<TransactionGas>
  /** Sends a transaction, and returns what `callee` used when it was called with a selector. */
  sendTraced(to: Address, data: Hex, callee: Address, selector: Hex): Promise<number>
  read(to: Address, abi: Abi, functionName: string, args: readonly unknown[]): Promise<unknown>
  install(address: Address, runtime: Hex): Promise<void>
  store(address: Address, slot: Hex, word: Hex): Promise<void>
  /** Makes this the block that the chain's L1Block names. */
  setL1Block(hash: Hex): Promise<void>
  /** Makes the chain's EIP-4788 contract give this root for a timestamp. */
  setBeaconRoot(timestamp: bigint, root: Hex): Promise<void>
  stop(): Promise<void>
}

const GENESIS_TIME = 1_780_000_000n
/** Wei, of senders that are made up. */
const BALANCE = 10n ** 20n
const BEACON_ROOTS_HISTORY = 8191n
/** The most that one transaction may use since Osaka (EIP-7825). */
const GAS_LIMIT = 16_777_216n

/** Starts a chain by the rules of Osaka, with the calldata floor of EIP-7623. */
export async function startGasChain(): Promise<GasChain> {
  const logDirectory = await mkdtemp(join(tmpdir(), 'keyroll-gas-'))
  const options = { name: 'gas', chainId: 8453, port: 0, genesisTime: GENESIS_TIME }
  const anvil = await startAnvil({ ...options, logDirectory })
  const stop = async () => {
    await anvil.stop()
    await rm(logDirectory, { recursive: true })
  }
  try {
    return { ...(await prepare(anvil.url)), stop }
  } catch (cause) {
    await stop()
    throw cause
  }
}

async function prepare(url: string): Promise<Omit<GasChain, 'stop'>> {
  const account = privateKeyToAccount(devnetAccounts().relayer.privateKey)
  const transport = http(url, { retryCount: 0 })
  const client = createWalletClient({ account, transport, pollingInterval: 20 }).extend(publicActions)
  const test = createTestClient({ mode: 'anvil', transport })

  const install = (address: Address, bytecode: Hex) => test.setCode({ address, bytecode })
  const store = (address: Address, index: Hex, value: Hex) => test.setStorageAt({ address, index, value })
  async function send(to: Address, data: Hex, { value = 0n, from }: { value?: bigint; from?: Address } = {}) {
    if (from !== undefined) {
      await test.impersonateAccount({ address: from })
      await test.setBalance({ address: from, value: BALANCE })
    }
    const hash = await client.sendTransaction({
      ...{ account: from ?? account, chain: null, to, data, value, gas: GAS_LIMIT },
    })
    const receipt = await client.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new BenchmarkError(`transaction ${hash} to ${to} reverted`)
    return receipt
  }

  await install(L1_BLOCK_ADDRESS, proxyCode())
  await install(L1_BLOCK_IMPLEMENTATION, l1BlockCode())
  await store(L1_BLOCK_ADDRESS, IMPLEMENTATION_SLOT, pad(L1_BLOCK_IMPLEMENTATION))
  await install(BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE)
  await send(DEPLOYMENT_PROXY, entryPointCreation())

  return {
    contracts: await deployL2(client, GAS_ROLLUP),
    async send(to, data, options) {
      const { gasUsed } = await send(to, data, options)
      const bytes = toBytes(data)
      const zeroBytes = bytes.filter((byte) => byte === 0).length
      return { gasUsed: Number(gasUsed), zeroBytes, nonzeroBytes: bytes.length - zeroBytes }
    },
    async sendTraced(to, data, callee, selector) {
      const { transactionHash } = await send(to, data)
      const frames = await client.request<TraceRequest>({
        method: 'trace_transaction',
        params: [transactionHash],
      })
      const frame = frames.find(
        ({ action }) =>
          action.to?.toLowerCase() === callee.toLowerCase() && action.input?.startsWith(selector),
      )
      if (frame === undefined) throw new BenchmarkError(`${transactionHash} does not call ${callee}`)
      return Number(frame.result.gasUsed)
    },
    read: (address, abi, functionName, args) => client.readContract({ address, abi, functionName, args }),
    install,
    store,
    setL1Block: (hash) => store(L1_BLOCK_ADDRESS, L1_BLOCK_HASH_SLOT, hash),
    async setBeaconRoot(timestamp, root) {
      const place = timestamp % BEACON_ROOTS_HISTORY
      await store(BEACON_ROOTS_ADDRESS, word(place), word(timestamp))
      await store(BEACON_ROOTS_ADDRESS, word(place + BEACON_ROOTS_HISTORY), root)
    },
  }
}

type TraceRequest = {
  Method: 'trace_transaction'
  Parameters: [hash: Hex]
  ReturnType: { action: { to?: Address; input?: Hex }; result: { gasUsed: Hex } }[]
}

function word(value: bigint): Hex {
  return numberToHex(value, { size: 32 })
}
