import { readFile } from 'node:fs/promises'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { createNativeVerifier } from '../node/index.ts'
import {
  type Config,
  configFromRlp,
  configHash,
  configToRlp,
  createGenesis,
  createSignerTree,
  decodeExtraData,
  decodeRlp,
  decodeSetConfig,
  fromHex,
  type Header,
  headerFromRlp,
  type InvalidReason,
  isPromiseSigned,
  isUnsafeBlockSigned,
  keccak,
  keccakHex,
  promiseDigest,
  receiptFromBytes,
  rlpToBytes,
  rlpToList,
  rootFromProof,
  type Scheme,
  type SetConfigKind,
  setConfigDigest,
  setConfigToBytes,
  signerLeaf,
  slotToKey,
  stateTransition,
  storageValueFromRlp,
  TrieProofError,
  toHex,
  trieFromRoot,
  unsafeBlockDigest,
  validateSetConfig,
  verifySignature,
  verifyTrieProof,
} from '../protocol/index.ts'
import { vectorFiles } from '../tools/vectors/index.ts'
import { createNodeMap } from './nodeMap.ts'

const read = (name: string) => readFile(new URL(`./vectors/keyroll/${name}`, import.meta.url), 'utf8')

test.each(Object.entries(vectorFiles))('%s is what tools/generateVectors.ts makes', async (name, build) => {
  expect(await read(name)).toBe(`${JSON.stringify(build(), undefined, 1)}\n`)
})

type FlatConfig = Record<
  'nonce' | 'signersThreshold' | 'guardiansThreshold' | 'recoveryDelay' | 'maxStaleness',
  string
> &
  Record<'signersRoot' | 'guardiansRoot' | 'data', Hex>

const toConfig = (flat: FlatConfig): Config => ({
  nonce: BigInt(flat.nonce),
  signers: { root: flat.signersRoot, threshold: Number(flat.signersThreshold) },
  guardians: { root: flat.guardiansRoot, threshold: Number(flat.guardiansThreshold) },
  recoveryDelay: Number(flat.recoveryDelay),
  maxStaleness: Number(flat.maxStaleness),
  data: flat.data,
})

describe('config_hash.json', async () => {
  type Case = FlatConfig & { name: string; dataHash: Hex; rlp: Hex; configHash: Hex }
  const { cases }: { cases: Case[] } = JSON.parse(await read('config_hash.json'))
  test.each(cases)('$name', (vector) => {
    const config = toConfig(vector)
    const { data, ...rest } = config
    expect(keccakHex(fromHex(data))).toBe(vector.dataHash)
    expect(configHash(config)).toBe(vector.configHash)
    expect(configHash({ ...rest, dataHash: vector.dataHash })).toBe(vector.configHash)
    expect(configFromRlp(fromHex(vector.rlp))).toEqual(config)
    expect(configToRlp(config)).toEqual(fromHex(vector.rlp))
  })
})

describe('digests.json', async () => {
  type Case = {
    name: string
    chainId: string
    kind: string
    id: Hex
    previous: Hex
    nextHash: Hex
    digest: Hex
  }
  const { cases }: { cases: Case[] } = JSON.parse(await read('digests.json'))
  test.each(cases)('$name', ({ chainId, kind, id, previous, nextHash, digest }) => {
    const message = {
      chainId: BigInt(chainId),
      kind: kind === '0' ? 0 : 1,
      id,
      previous,
      next: nextHash,
    } as const
    expect(setConfigDigest(message)).toBe(digest)
  })
})

describe('signer_trees.json', async () => {
  type Tree = { name: string; schemes: string[]; keys: Hex[]; root: Hex }
  type Proof = { name: string; scheme: string; key: Hex; leaf: Hex; proof: Hex[]; root: Hex; valid: boolean }
  const vectors: { trees: Tree[]; proofs: Proof[] } = JSON.parse(await read('signer_trees.json'))
  test.each(vectors.trees)('$name', ({ schemes, keys, root }) => {
    const signers = schemes.map((scheme, i) => ({ scheme: Number(scheme) as Scheme, key: keys[i] as Hex }))
    expect(createSignerTree(signers).root).toBe(root)
  })
  test.each(vectors.proofs)('$name', ({ scheme, key, leaf, proof, root, valid }) => {
    expect(signerLeaf({ scheme: Number(scheme) as Scheme, key })).toBe(leaf)
    expect(rootFromProof(leaf, proof) === root).toBe(valid)
  })
})

describe('signatures.json', async () => {
  type Case = { name: string; scheme: string; key: Hex; digest: Hex; signature: Hex; valid: boolean }
  const { cases }: { cases: Case[] } = JSON.parse(await read('signatures.json'))
  const verifyNatively = createNativeVerifier()
  test.each(cases)('$name', ({ scheme, key, digest, signature, valid }) => {
    expect(verifySignature(Number(scheme) as Scheme, key, digest, signature)).toBe(valid)
    expect(verifyNatively(Number(scheme) as Scheme, key, digest, signature)).toBe(valid)
  })
})

describe('setconfig_codec.json', async () => {
  type Entry = { scheme: string; key: Hex; proof: Hex[]; signature: Hex }
  type Valid = {
    name: string
    chainId: string
    raw: Hex
    hash: Hex
    id: Hex
    kind: string
    hasInitial: boolean
    initialHash: Hex
    next: FlatConfig
    nextHash: Hex
    approvals: Entry[]
    openings: Entry[]
  }
  type Malformed = { name: string; chainId: string; raw: Hex; reason: string }
  const vectors: { valid: Valid[]; malformed: Malformed[] } = JSON.parse(await read('setconfig_codec.json'))
  const toApproval = ({ scheme, ...rest }: Entry) => ({ scheme: Number(scheme), ...rest })

  test.each(vectors.valid)('decodes $name', (vector) => {
    const raw = fromHex(vector.raw)
    const decoded = decodeSetConfig(raw, BigInt(vector.chainId))
    if (!decoded.ok) throw new Error(`refused: ${decoded.reason}`)
    const { tx, hash } = decoded
    expect(hash).toBe(vector.hash)
    expect(setConfigToBytes(tx)).toEqual(raw)
    expect(tx.initial === undefined).toBe(!vector.hasInitial)
    if (tx.initial !== undefined) expect(configHash(tx.initial)).toBe(vector.initialHash)
    expect(configHash(tx.next)).toBe(vector.nextHash)
    expect(tx).toMatchObject({
      chainId: BigInt(vector.chainId),
      id: vector.id,
      kind: Number(vector.kind),
      next: toConfig(vector.next),
      approvals: vector.approvals.map(toApproval),
      openings: vector.openings.map(toApproval),
    })
  })
  test.each(vectors.malformed)('refuses $name: $reason', ({ raw, chainId, reason }) => {
    expect(decodeSetConfig(fromHex(raw), BigInt(chainId))).toEqual({ ok: false, reason })
  })
})

describe('setconfig_validity.json', async () => {
  type Case = {
    name: string
    chainId: string
    minRecoveryDelay: string
    challengePeriod: string
    timestamp: string
    current: Omit<FlatConfig, 'data'> & { dataHash: Hex }
    hasRecovery: boolean
    recoveryConfigHash: Hex
    recoveryNonce: string
    recoveryReadyAt: string
    raw: Hex
    valid: boolean
    reason: string
    headHash: Hex
    nextHash: Hex
  }
  const { cases }: { cases: Case[] } = JSON.parse(await read('setconfig_validity.json'))
  test.each(cases)('$name: $reason', (vector) => {
    const { data: _, ...fields } = toConfig({ ...vector.current, data: '0x' })
    const current = { ...fields, dataHash: vector.current.dataHash }
    const decoded = decodeSetConfig(fromHex(vector.raw), BigInt(vector.chainId))
    if (!decoded.ok) throw new Error(`refused: ${decoded.reason}`)
    expect(configHash(current)).toBe(vector.headHash)
    expect(configHash(decoded.tx.next)).toBe(vector.nextHash)
    const input = {
      tx: decoded.tx,
      current,
      recovery: vector.hasRecovery
        ? {
            configHash: vector.recoveryConfigHash,
            nonce: BigInt(vector.recoveryNonce),
            readyAt: BigInt(vector.recoveryReadyAt),
          }
        : undefined,
      timestamp: BigInt(vector.timestamp),
      rollup: {
        minRecoveryDelay: Number(vector.minRecoveryDelay),
        challengePeriod: Number(vector.challengePeriod),
      },
      verify: verifySignature,
    }
    const expected = vector.valid ? undefined : vector.reason
    expect(validateSetConfig(input)).toBe(expected)
    const hashes = { current: vector.headHash, next: vector.nextHash }
    expect(validateSetConfig({ ...input, hashes })).toBe(expected)
  })
  test('every reason for being invalid has a case', () => {
    const all = [
      'NONCE_TOO_LOW',
      'NONCE_TOO_HIGH',
      'CONFIG_NOT_WELL_FORMED',
      'RECOVERY_PENDING',
      'NO_RECOVERY_PENDING',
      'RECOVERY_MISMATCH',
      'RECOVERY_NOT_READY',
      'UNEXPECTED_APPROVALS',
      'NO_GUARDIANS',
      'WRONG_APPROVAL_COUNT',
      'APPROVALS_NOT_ASCENDING',
      'NOT_A_SIGNER',
      'BAD_SIGNATURE',
      'UNEXPECTED_OPENINGS',
      'WRONG_OPENING_COUNT',
      'OPENINGS_NOT_ASCENDING',
      'OPENING_NOT_IN_ROOT',
      'BAD_OPENING_SIGNATURE',
      'NO_USABLE_SIGNER',
    ] satisfies InvalidReason[]
    expect(new Set(cases.map(({ reason }) => reason))).toEqual(new Set(['', ...all]))
  })
})

describe('trie_proofs.json', async () => {
  type Storage = { name: string; root: Hex; slot: Hex; proof: Hex[]; exists: boolean; word: Hex }
  type Lookup = { name: string; root: Hex; keyHash: Hex; proof: Hex[]; exists: boolean; value: Hex }
  type Account = { name: string; stateRoot: Hex; account: Hex; storageRoot: Hex; proof: Hex[] }
  type Malformed = { name: string; root: Hex; keyHash: Hex; proof: Hex[] }
  type Vectors = { storage: Storage[]; lookups: Lookup[]; accounts: Account[]; malformed: Malformed[] }
  const vectors: Vectors = JSON.parse(await read('trie_proofs.json'))
  const bytesOf = (proof: Hex[]) => proof.map((node) => fromHex(node))

  test.each(vectors.storage)('shows $name', ({ root, slot, proof, exists, word }) => {
    const value = verifyTrieProof(root, slotToKey(slot), bytesOf(proof))
    expect(value === undefined ? undefined : storageValueFromRlp(value)).toBe(exists ? word : undefined)
  })
  test.each(vectors.lookups)('shows $name', ({ root, keyHash, proof, exists, value }) => {
    const expected = exists ? fromHex(value) : undefined
    expect(verifyTrieProof(root, fromHex(keyHash), bytesOf(proof))).toEqual(expected)
  })
  test.each(vectors.accounts)(
    'shows the account with $name',
    ({ stateRoot, account, storageRoot, proof }) => {
      const value = verifyTrieProof(stateRoot, keccak(fromHex(account)), bytesOf(proof))
      expect(toHex(rlpToBytes(rlpToList(decodeRlp(value as Uint8Array))[2]))).toBe(storageRoot)
    },
  )
  test.each(vectors.malformed)('shows nothing by $name', ({ root, keyHash, proof }) => {
    expect(() => verifyTrieProof(root, fromHex(keyHash), bytesOf(proof))).toThrow(TrieProofError)
  })
})

describe('promises.json', async () => {
  type Case = Record<'name' | 'chainId' | 'kind' | 'nonce' | 'byBlock', string> &
    Record<'id' | 'configHash' | 'txHash' | 'digest' | 'signer' | 'signature', Hex>
  const { cases }: { cases: Case[] } = JSON.parse(await read('promises.json'))
  test.each(cases)('$name', ({ chainId, id, kind, nonce, configHash, txHash, byBlock, ...signed }) => {
    const promise = {
      id,
      kind: Number(kind) as SetConfigKind,
      nonce: BigInt(nonce),
      configHash,
      txHash,
      byBlock: BigInt(byBlock),
    }
    expect(promiseDigest(BigInt(chainId), promise)).toBe(signed.digest)
    expect(isPromiseSigned(BigInt(chainId), { promise, ...signed })).toBe(true)
  })
})

describe('unsafe_block.json', async () => {
  type Case = Record<'name' | 'chainId' | 'blockNumber', string> &
    Record<'blockHash' | 'digest' | 'signer' | 'signature', Hex>
  const { cases }: { cases: Case[] } = JSON.parse(await read('unsafe_block.json'))
  test.each(cases)('$name', ({ chainId, blockHash, blockNumber, ...signed }) => {
    const block = { blockHash, blockNumber: BigInt(blockNumber) }
    expect(unsafeBlockDigest(BigInt(chainId), block)).toBe(signed.digest)
    expect(isUnsafeBlockSigned(BigInt(chainId), block, signed)).toBe(true)
  })
})

describe('blocks.json', async () => {
  type Vectors = Record<'l2ChainId' | 'blockTime' | 'minRecoveryDelay' | 'challengePeriod', string> & {
    blocks: {
      name: string
      hash: Hex
      header: Hex
      stateRoot: Hex
      keystoreRoot: Hex
      transactions: Hex[]
      receipts: Hex[]
      reasons: string[]
    }[]
  }
  const vectors: Vectors = JSON.parse(await read('blocks.json'))
  const nodes = createNodeMap()
  const configs = new Map<Hex, Config>()
  let parent: Header | undefined

  test.each(vectors.blocks)('$name', (vector) => {
    const header = headerFromRlp(fromHex(vector.header))
    const { l1OriginNumber, sequenceNumber } = decodeExtraData(header.extraData)
    const { timestamp, mixHash, parentBeaconBlockRoot } = header
    const l1 = { number: l1OriginNumber, hash: mixHash }
    const result =
      parent === undefined
        ? createGenesis({ genesis: { l1, l2Time: timestamp } })
        : stateTransition({
            rollup: {
              l2ChainId: BigInt(vectors.l2ChainId),
              blockTime: BigInt(vectors.blockTime),
              minRecoveryDelay: Number(vectors.minRecoveryDelay),
              challengePeriod: Number(vectors.challengePeriod),
            },
            parent,
            attributes: {
              timestamp,
              l1Origin: { ...l1, parentBeaconBlockRoot },
              sequenceNumber,
              transactions: vector.transactions.map((raw) => fromHex(raw)),
            },
            reader: {
              trie: (root) => trieFromRoot(root, 0, nodes.read),
              config: (hash) => configs.get(hash),
            },
            verify: verifySignature,
          })
    expect(result.block.header).toEqual(header)
    expect(result.block.hash).toBe(vector.hash)
    expect(header).toMatchObject({ stateRoot: vector.stateRoot, withdrawalsRoot: vector.keystoreRoot })
    expect(result.receipts).toEqual(vector.receipts.map((receipt) => receiptFromBytes(fromHex(receipt))))
    expect(result.reasons.map((reason) => reason ?? '')).toEqual(vector.reasons)
    nodes.add(result.trie)
    for (const [hash, { config }] of result.configs) configs.set(hash, config)
    parent = header
  })
})
