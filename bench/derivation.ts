import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { bytesToHex, createWalletClient, type Hex, http, publicActions } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createVerifier } from '../derivation/index.ts'
import { devnetAccounts } from '../devnet/accounts.ts'
import { startAnvil } from '../devnet/anvil.ts'
import { deployRollup, drawChainId } from '../devnet/index.ts'
import { type ChainStore, createLogger, createNativeVerifier } from '../node/index.ts'
import { encodeBatcherData, type RollupConfig, ZERO_HASH } from '../protocol/index.ts'
import { buildBlocks, openBenchChain } from './chain.ts'
import { createBenchKeystore, createBenchSigner, rotate } from './keystores.ts'
import { type Benchmark, BenchmarkError, compared } from './report.ts'

const SMOKE_COUNT = 500
const COUNT = 20_000
const SIGNATURES_PER_ROTATION = 2
const TIMEOUT_MS = 600_000

/**
 * Set-configs per second that a verifier derives from an L1 RPC (anvil, calldata), from an empty database to the safe
 * head, with every signature verified and every block written durably. The rotations are P-256, each of another
 * keystore. The peer is raw verification of as many signatures on one core in the same run.
 */
export const benchmarkDerivation: Benchmark = async ({ smoke }) => {
  const count = smoke ? SMOKE_COUNT : COUNT
  const directory = await mkdtemp(join(tmpdir(), 'keyroll-bench-'))
  const anvil = await startAnvil({
    name: 'l1',
    chainId: 900,
    port: 0,
    logDirectory: directory,
    slotsInAnEpoch: 1,
  })
  try {
    const { rollup, blocks } = await postChain(anvil.url, count)
    const verifier = await createVerifier({
      rollup,
      dataDirectory: join(directory, 'verifier'),
      l1: { urls: [anvil.url] },
      rpc: { host: '127.0.0.1', port: 0 },
      logger: createLogger({ level: 'silent' }),
      version: 'bench',
      pollIntervalMs: 20,
    })
    const start = performance.now()
    await untilSafe(verifier.store, blocks)
    const seconds = (performance.now() - start) / 1_000
    await verifier.close()
    const bound = verificationsPerSecond(smoke) / SIGNATURES_PER_ROTATION
    return [
      compared('derivation.setConfigs', count / seconds, 'per s', 'P-256 verification, one core', bound),
    ]
  } finally {
    await anvil.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Deploys a rollup and posts a chain of `count` rotations to its inbox, a full block per L1 transaction. */
async function postChain(l1Url: string, count: number): Promise<{ rollup: RollupConfig; blocks: bigint }> {
  const accounts = devnetAccounts()
  const client = (key: Hex) =>
    createWalletClient({
      account: privateKeyToAccount(key),
      transport: http(l1Url),
      pollingInterval: 20,
    }).extend(publicActions)
  const { rollup } = await deployRollup(client(accounts.deployer.privateKey), {
    owner: accounts.deployer.address,
    batcher: accounts.batcher.address,
    promiseSigner: accounts.promiseSigner.address,
    proposer: accounts.proposer.address,
    challenger: accounts.challenger.address,
    l2ChainId: drawChainId(),
    blockTime: 1n,
    challengePeriod: 604_800,
    minRecoveryDelay: 86_400,
    submissionInterval: 1_000_000n,
    permissionlessDelay: 259_200n,
    maxSequencerDrift: 1_800n,
    seqWindowSize: 3_600n,
    channelTimeout: 300n,
  })
  const chain = await openBenchChain(rollup)
  try {
    const l1Origin = { ...rollup.genesis.l1, parentBeaconBlockRoot: ZERO_HASH }
    const head = await buildBlocks(chain, rollup, rotations(count, rollup.l2ChainId), l1Origin)
    const batcher = client(accounts.batcher.privateKey)
    for (let number = 1n; number <= head.number; number++) {
      const block = chain.store.blockByNumber(number)
      if (block === undefined) throw new BenchmarkError(`block ${number} was not built`)
      const { parentHash, timestamp } = block.header
      const { number: epochNumber, hash: epochHash } = l1Origin
      const data = encodeBatcherData([
        { parentHash, epochNumber, epochHash, timestamp, transactions: block.transactions },
      ])
      const hash = await batcher.sendTransaction({
        chain: null,
        to: rollup.batchInboxAddress,
        data: bytesToHex(data),
      })
      await batcher.waitForTransactionReceipt({ hash })
    }
    return { rollup, blocks: head.number }
  } finally {
    await chain.close()
  }
}

function* rotations(count: number, chainId: bigint): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) yield rotate(createBenchKeystore(2), chainId).raw
}

async function untilSafe(store: ChainStore, number: bigint): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS
  while (store.heads().safe.number < number) {
    if (performance.now() > deadline) {
      throw new BenchmarkError(
        `the safe head is ${store.heads().safe.number} after ${TIMEOUT_MS} ms, expected ${number}`,
      )
    }
    await wait(5)
  }
}

function verificationsPerSecond(smoke: boolean): number {
  const verify = createNativeVerifier()
  const digest: Hex = `0x${'5a'.repeat(32)}`
  const samples = Array.from({ length: smoke ? 100 : 2_000 }, () => {
    const signer = createBenchSigner(2)
    return { signer, signature: signer.sign(digest) }
  })
  const start = performance.now()
  for (const { signer, signature } of samples) {
    if (!verify(2, signer.key, digest, signature)) throw new BenchmarkError('a good signature was refused')
  }
  return (samples.length * 1_000) / (performance.now() - start)
}
