import type { Hex } from 'viem'
import type { BlockRef } from '../node/index.ts'
import {
  type BlockAttributes,
  type Config,
  configHash,
  createGenesis,
  createSignerTree,
  depositToBytes,
  KEYSTORE_ADDRESS,
  keccakHex,
  NO_AUTHORITY,
  type RollupConfig,
  setConfigDigest,
  setConfigToBytes,
} from '../protocol/index.ts'
import { approve, createTestSigner } from './testSigners.ts'

const address = (byte: string): Hex => `0x${byte.repeat(20)}`

/** Makes a rollup config whose genesis is right. */
export function createTestRollup(l2ChainId = 4_200_001n): RollupConfig {
  const genesis = { l1: { hash: fakeHash('l1 origin 100'), number: 100n }, l2Time: 1_700_000_000n }
  return {
    genesis: { ...genesis, l2: { hash: createGenesis({ genesis }).block.hash, number: 0n } },
    blockTime: 2n,
    maxSequencerDrift: 600n,
    seqWindowSize: 100n,
    channelTimeout: 50n,
    l1ChainId: 31_337n,
    l2ChainId,
    batchInboxAddress: address('a1'),
    depositContractAddress: address('a2'),
    l1SystemConfigAddress: address('a3'),
    outputOracleAddress: address('a4'),
    challengePeriod: 100,
    minRecoveryDelay: 100,
    submissionInterval: 10n,
  }
}

/** Makes a hash out of a name. */
export function fakeHash(name: string): Hex {
  return keccakHex(new TextEncoder().encode(name))
}

/** Makes the attributes of the next block of the head's L1 origin. */
export function attributesOn(
  head: BlockRef,
  rollup: RollupConfig,
  transactions: readonly Uint8Array[] = [],
): BlockAttributes {
  const parentBeaconBlockRoot: Hex = `0x${'00'.repeat(32)}`
  return {
    timestamp: head.timestamp + rollup.blockTime,
    l1Origin: { ...head.l1Origin, parentBeaconBlockRoot },
    sequenceNumber: head.sequenceNumber + 1n,
    transactions,
  }
}

/** Makes the attributes of the first block of the next L1 origin, whose hash comes from a name. */
export function nextOriginOn(
  head: BlockRef,
  rollup: RollupConfig,
  transactions: readonly Uint8Array[] = [],
  fork = 'canonical',
): BlockAttributes {
  const number = head.l1Origin.number + 1n
  return {
    timestamp: head.timestamp + rollup.blockTime,
    l1Origin: {
      number,
      hash: fakeHash(`${fork} l1 origin ${number}`),
      parentBeaconBlockRoot: fakeHash(`${fork} beacon root ${number}`),
    },
    sequenceNumber: 0n,
    transactions,
  }
}

/** A keystore with the configs it gets one after the other, and the raw set-configs that make them so. */
export type TestKeystore = { id: Hex; configs: readonly Config[]; raws: readonly Uint8Array[] }

/** Makes a keystore of one signer out of a name, and `updates` valid updates that change its data. */
export function createTestKeystore(rollup: RollupConfig, name: string, updates: number): TestKeystore {
  const signer = createTestSigner(1, name)
  const { root } = createSignerTree([signer])
  const configs = Array.from(
    { length: updates + 1 },
    (_, nonce): Config => ({
      nonce: BigInt(nonce),
      signers: { root, threshold: 1 },
      guardians: NO_AUTHORITY,
      recoveryDelay: 0,
      maxStaleness: 0,
      data: fakeHash(`${name} ${nonce}`),
    }),
  )
  const [initial] = configs as [Config]
  const id = configHash(initial)
  const raws = configs.slice(1).map((next, i) => {
    const chainId = rollup.l2ChainId
    const previous = configHash(configs[i] as Config)
    const digest = setConfigDigest({ chainId, kind: 0, id, previous, next })
    const approvals = approve([signer], [signer], digest)
    const first = i === 0 ? initial : undefined
    return setConfigToBytes({ chainId, id, kind: 0, initial: first, next, approvals, openings: [] })
  })
  return { id, configs, raws }
}

/** Wraps bytes into a deposit to the Keystore. */
export function createTestDeposit(data: Uint8Array, index: number): Uint8Array {
  return depositToBytes({
    sourceHash: fakeHash(`source ${index}`),
    from: address('b1'),
    to: KEYSTORE_ADDRESS,
    mint: 0n,
    value: 0n,
    gas: 100_000n,
    isSystemTx: false,
    data,
  })
}
