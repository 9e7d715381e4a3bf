import { randomBytes } from 'node:crypto'
import { type Address, bytesToHex, createClient, createWalletClient, getAddress, type Hex, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { waitForTransactionReceipt } from 'viem/actions'
import { createRelayer } from '../cli/Relayer.ts'
import { keyrollActions, preconfirm } from '../client/index.ts'
import type { DevnetInfo } from '../devnet/index.ts'
import type { Scheme } from '../protocol/index.ts'
import { withDevnet } from './devnet.ts'
import { createBenchKeystore, rotate } from './keystores.ts'
import { type Benchmark, BenchmarkError, measurement } from './report.ts'

const TIMEOUT_MS = 120_000

/**
 * Gas of whole transactions on a devnet, calldata and intrinsic gas included, as the receipts say: `updateRoot` and the
 * first `confirm` by each source, and `preconfirm` of a rotation to a new key that proves itself. The devnet's tries are
 * shallow: what deep proofs cost is not shown here.
 */
export const benchmarkGas: Benchmark = () =>
  withDevnet(async ({ info }) => {
    const secp256k1 = await preconfirmGas(info, 1)
    const webauthn = await preconfirmGas(info, 3)
    const carried = await carry(info)
    return [
      ...carried,
      measurement('gas.preconfirm.secp256k1', secp256k1, 'gas'),
      measurement('gas.preconfirm.webauthn', webauthn, 'gas'),
    ]
  })

async function preconfirmGas(info: DevnetInfo, scheme: Scheme): Promise<number> {
  const keystore = createBenchKeystore(scheme)
  const { raw } = rotate(keystore, BigInt(info.rollup.l2ChainId))
  const client = createWalletClient({
    account: privateKeyToAccount(info.accounts.relayer.privateKey),
    transport: http(chainOf(info, 'A').rpcUrl),
    pollingInterval: 100,
  })
  const replica = info.contracts.l2.keystoreReplica
  const hash = await preconfirm(client, {
    replica,
    account: drawAddress(),
    current: keystore.initial,
    raw: bytesToHex(raw),
    gas: 5_000_000n,
  })
  const receipt = await waitForTransactionReceipt(client, { hash })
  if (receipt.status !== 'success')
    throw new BenchmarkError(`preconfirm of scheme ${scheme} reverted: ${hash}`)
  return Number(receipt.gasUsed)
}

/** Sends one rotation and carries the output that holds it to both replicas. */
async function carry(info: DevnetInfo) {
  const { raw, after } = rotate(createBenchKeystore(2), BigInt(info.rollup.l2ChainId))
  const node = createClient({ transport: http(info.node.rpcUrl) }).extend(keyrollActions())
  const sequencer = createClient({ transport: http(info.sequencer.rpcUrl) }).extend(keyrollActions())
  const { promise } = await sequencer.sendConfig({ raw: bytesToHex(raw) })
  const { output } = await node.waitForStatus({
    transactionHash: promise.txHash,
    stage: 'proposed',
    timeout: TIMEOUT_MS,
  })
  if (output === undefined) throw new BenchmarkError('the output of the rotation is not known')
  const onA = await carryTo(info, 'A', after.id, output.index)
  const onB = await carryTo(info, 'B', after.id, output.index)
  return [
    measurement('gas.updateRoot', onA.updateRoot, 'gas'),
    measurement('gas.confirm', onA.confirm, 'gas'),
    measurement('gas.updateRoot.eip4788', onB.updateRoot, 'gas'),
  ]
}

async function carryTo(info: DevnetInfo, name: 'A' | 'B', id: Hex, outputIndex: bigint) {
  const chain = chainOf(info, name)
  const source = chain.source.address
  const relayer = createRelayer({
    l1Url: info.l1.rpcUrl,
    beaconUrl: info.l1.beaconUrl,
    keyrollUrl: info.node.rpcUrl,
    chainUrl: chain.rpcUrl,
    replica: info.contracts.l2.keystoreReplica,
    account: privateKeyToAccount(info.accounts.relayer.privateKey),
    timeout: TIMEOUT_MS,
    signal: new AbortController().signal,
  })
  const root = await relayer.updateRoot({ source, outputIndex, final: true })
  const confirmed = await relayer.confirm({ id, account: drawAddress(), source, outputIndex })
  return { updateRoot: Number(root.gasUsed), confirm: Number(confirmed.gasUsed) }
}

function chainOf({ chains }: DevnetInfo, name: 'A' | 'B') {
  const chain = chains.find((candidate) => candidate.name === name)
  if (chain === undefined) throw new BenchmarkError(`the devnet has no chain ${name}`)
  return chain
}

/** Any account will do: a replica keeps records for accounts that do not exist yet. */
function drawAddress(): Address {
  return getAddress(bytesToHex(randomBytes(20)))
}
