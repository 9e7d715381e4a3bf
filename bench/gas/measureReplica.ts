import { type Address, encodeFunctionData, type Hex, size } from 'viem'
import { keystoreReplicaAbi, l1BlockSourceAbi } from '../../contracts/index.ts'
import {
  compareBytes,
  configHash,
  slotToKey,
  storageValueToRlp,
  toShortConfig,
} from '../../protocol/index.ts'
import { joinNodes, shareNodes } from '../../prover/index.ts'
import { GAS_ROLLUP, type GasChain } from './GasChain.ts'
import { createGasKeystore, type GasKeystore } from './GasKeystore.ts'
import { type GasMeasurement, type TransactionGas, transactionLine } from './gasLine.ts'
import { createL1State, type L1State } from './L1State.ts'
import { findPartialTrie, type PartialTrie } from './PartialTrie.ts'
import { proveByBeacon } from './proveByBeacon.ts'

/** Keystores of a rollup that is used. */
const KEYSTORES = 1_000_000
/** Nodes of the one proof that is measured alone: more end at the seventh than at any other. */
const CONFIG_NODES = 7
const MANY = 40
const BEACON_TIMESTAMP = 1_779_999_959n

type Replica = { chain: GasChain; source: Address; address: Address }

/**
 * Measures the transactions that carry outputs, and configs proven by them, to a replica. In the end it holds the config of
 * nonce 8 of `single`.
 */
export async function measureReplica(chain: GasChain, single: GasKeystore): Promise<GasMeasurement[]> {
  const { keystoreReplica: address, l1BlockSource: source, beaconRootsSource } = chain.contracts
  const replica = { chain, source, address }
  const many = Array.from({ length: MANY }, (_, i) => createGasKeystore(`one of many ${i}`, 1))
  const [before, after] = [createKeystoreTrie(single, many, 7n), createKeystoreTrie(single, many, 8n)]

  const first = createL1State(GAS_ROLLUP.outputOracle, before.root)
  const byL1Block = await learn(replica, first)
  const beacon = proveByBeacon(first.hash, BEACON_TIMESTAMP, GAS_ROLLUP.schedule[0].index)
  await chain.setBeaconRoot(BEACON_TIMESTAMP, beacon.root)
  const { sourceProof } = beacon
  const byBeacon = await updateRoot(replica, first, beaconRootsSource, sourceProof)
  const checkpoint = await chain.send(
    source,
    encodeFunctionData({ abi: l1BlockSourceAbi, functionName: 'checkpoint' }),
  )

  const confirmed = await confirm(replica, first, single, 7n, before)
  const confirmedMany = await confirmMany(replica, first, many, 7n, before)
  const second = createL1State(GAS_ROLLUP.outputOracle, after.root, 24n)
  await learn(replica, second)
  const confirmedAgain = await confirm(replica, second, single, 8n, after)
  const confirmedManyAgain = await confirmMany(replica, second, many, 8n, after)
  const third = createL1State(GAS_ROLLUP.outputOracle, after.root, 48n)
  await learn(replica, third)
  const refreshed = await confirm(replica, third, single, 8n, after)

  const proof = first.proofBy({ source, sourceProof: '0x' })
  const rootLoad = `${first.nodes.join(' + ')} nodes, header of ${size(proof.header)} bytes`
  const configNodes = before.proofOf(slotToKey(single.id)).length
  const alone = `${configNodes} nodes of a million keystores`
  const together = `${MANY} of a million keystores, each`
  return [
    transactionLine('gas.updateRoot.l1block', byL1Block, rootLoad),
    transactionLine('gas.updateRoot.eip4788', byBeacon, rootLoad),
    transactionLine(
      'gas.receiveOutput',
      await receiveOutput(replica, first),
      'what the message of the bridge does, as a transaction',
    ),
    transactionLine('gas.checkpoint.l1block', checkpoint, 'a block hash stored'),
    transactionLine('gas.confirm.first', confirmed, `${alone}, no record before`),
    transactionLine('gas.confirm.again', confirmedAgain, `${alone}, a new config`),
    transactionLine('gas.confirm.refresh', refreshed, `${alone}, the same config`),
    transactionLine('gas.confirmMany40.each', confirmedMany, `${together}, no record before`, MANY),
    transactionLine('gas.confirmMany40.each.again', confirmedManyAgain, `${together}, a new config`, MANY),
    ...(await measurePreconfirm(replica)),
  ]
}

const SCHEMES = [
  { scheme: 1, name: 'secp256k1' },
  { scheme: 2, name: 'p256' },
  { scheme: 3, name: 'webauthn' },
] as const

/** Measures rotations to a new key that proves itself: the first three of an account, and one of a guarded keystore. */
async function measurePreconfirm(replica: Replica): Promise<GasMeasurement[]> {
  const lines: GasMeasurement[] = []
  for (const { scheme, name } of SCHEMES) {
    const keystore = createGasKeystore(`preconfirmed by ${name}`, scheme, { isGuarded: false })
    const first = await preconfirm(replica, keystore, 1n)
    const second = await preconfirm(replica, keystore, 2n)
    const third = await preconfirm(replica, keystore, 3n)
    const guarded = createGasKeystore(`guarded, preconfirmed by ${name}`, scheme)
    for (const nonce of [1n, 2n]) await preconfirm(replica, guarded, nonce)
    const thirdGuarded = await preconfirm(replica, guarded, 3n)
    const line = `gas.preconfirm.${name}`
    lines.push(
      transactionLine(line, third, 'a rotation of an account with a record'),
      transactionLine(`${line}.guarded`, thirdGuarded, 'the same, with guardians and limited staleness'),
      transactionLine(`${line}.first`, first, 'the first rotation, with the initial config'),
      transactionLine(`${line}.second`, second, 'the second rotation, the first not confirmed'),
    )
  }
  return lines
}

/** Makes the chain's L1Block name the state's block, and the replica learn its output by it. */
async function learn(replica: Replica, state: L1State): Promise<TransactionGas> {
  await replica.chain.setL1Block(state.hash)
  return updateRoot(replica, state, replica.source, '0x')
}

function updateRoot({ chain, address }: Replica, state: L1State, source: Address, sourceProof: Hex) {
  const args = [state.proofBy({ source, sourceProof })] as const
  return chain.send(
    address,
    encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'updateRoot', args }),
  )
}

async function receiveOutput({ chain, address }: Replica, state: L1State): Promise<TransactionGas> {
  const { output } = state.proofBy({ source: address, sourceProof: '0x' })
  const from = await chain.read(address, keystoreReplicaAbi, 'outputBridgeAlias', [])
  const args = [
    output.index,
    output.keystoreRoot,
    output.l2BlockNumber,
    output.l1Timestamp,
    25_874_112n,
  ] as const
  const data = encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'receiveOutput', args })
  return chain.send(address, data, { from: from as Address })
}

function confirm(
  { chain, source, address }: Replica,
  { index }: L1State,
  { id, account, configAt }: GasKeystore,
  nonce: bigint,
  trie: PartialTrie,
) {
  const proof = {
    source,
    outputIndex: index,
    id,
    account,
    storageProof: joinNodes(trie.proofOf(slotToKey(id))),
  }
  const args = [proof, toShortConfig(configAt(nonce))] as const
  return chain.send(address, encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'confirm', args }))
}

function confirmMany(
  { chain, source, address }: Replica,
  { index }: L1State,
  keystores: readonly GasKeystore[],
  nonce: bigint,
  trie: PartialTrie,
) {
  const items = keystores
    .map(({ id, account, configAt }) => ({
      id,
      account,
      config: toShortConfig(configAt(nonce)),
      key: slotToKey(id),
    }))
    .toSorted((a, b) => compareBytes(a.key, b.key))
    .map(({ key, ...item }) => ({ ...item, storageProof: trie.proofOf(key) }))
  const args = [source, index, shareNodes(items)] as const
  return chain.send(
    address,
    encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'confirmMany', args }),
  )
}

function preconfirm(
  { chain, address }: Replica,
  { account, configAt, rotateTo }: GasKeystore,
  nonce: bigint,
) {
  const args = [account, toShortConfig(configAt(nonce - 1n)), rotateTo(nonce)] as const
  return chain.send(
    address,
    encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'preconfirm', args }),
  )
}

function createKeystoreTrie(single: GasKeystore, many: readonly GasKeystore[], nonce: bigint): PartialTrie {
  const entries = [single, ...many].map(({ id, configAt }) => ({
    key: slotToKey(id),
    value: storageValueToRlp(configHash(configAt(nonce))),
  }))
  const isWanted = (trie: PartialTrie) => trie.proofOf(slotToKey(single.id)).length === CONFIG_NODES
  return findPartialTrie('keystores', entries, KEYSTORES - entries.length, isWanted)
}
