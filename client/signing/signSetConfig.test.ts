import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { createAuthenticator } from '../../devnet/Authenticator.ts'
import {
  type Config,
  createSignerTree,
  decodeSetConfig,
  fromHex,
  type SetConfig,
  type Signer,
} from '../../protocol/index.ts'
import { InvalidSetConfigError, SignerSetMismatchError } from '../errors.ts'
import type { ConfigSigner } from './ConfigSigner.ts'
import { completeRecovery } from './completeRecovery.ts'
import { createAuthority, createKeystore, createNextConfig } from './createKeystore.ts'
import { signSetConfig } from './signSetConfig.ts'
import { toP256Signer } from './toP256Signer.ts'
import { toSecp256k1Signer } from './toSecp256k1Signer.ts'
import { toWebAuthnSigner } from './toWebAuthnSigner.ts'

const rollup = { l2ChainId: 4_200_001n, minRecoveryDelay: 100, challengePeriod: 50 }

const secp256k1 = () => toSecp256k1Signer(privateKeyToAccount(generatePrivateKey()))

async function webCrypto(): Promise<ConfigSigner> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  return toP256Signer({
    publicKey: new Uint8Array(await crypto.subtle.exportKey('spki', publicKey)),
    sign: (message) => crypto.subtle.sign(algorithm, privateKey, message),
  })
}

function passkey(): ConfigSigner {
  return toWebAuthnSigner(createAuthenticator('https://wallet.example'))
}

const SCHEMES: [string, () => ConfigSigner | Promise<ConfigSigner>][] = [
  ['secp256k1', secp256k1],
  ['P-256 by WebCrypto', webCrypto],
  ['a passkey', passkey],
]

/** The set-config as the rollup decodes it. */
function decoded({ raw }: { raw: `0x${string}` }): SetConfig {
  const result = decodeSetConfig(fromHex(raw), rollup.l2ChainId)
  if (!result.ok) expect.fail(result.reason)
  return result.tx
}

describe.each(SCHEMES)('with %s', (_name, createSigner) => {
  test('a key is rotated to another of its kind', async () => {
    // Devices return high and low s by chance: after eight signatures both have come.
    for (let i = 0; i < 8; i++) {
      const [oldKey, newKey] = [await createSigner(), await createSigner()]
      const { id, initial } = createKeystore({ signers: [oldKey] })
      const next = createNextConfig(initial, { signers: createAuthority({ signers: [newKey] }) })
      const signed = await signSetConfig({
        ...{ rollup, kind: 0, id, current: initial, next },
        authority: [oldKey],
        approvers: [oldKey],
        nextSigners: [newKey],
        openers: [newKey],
      })
      expect(decoded(signed)).toEqual(signed.tx)
      expect(signed.tx.initial).toEqual(initial)
    }
  })

  test('a key that stays is opened without a second signature', async () => {
    const [key, added] = [await createSigner(), secp256k1()]
    const { id, initial } = createKeystore({ signers: [key] })
    const signers = [key, added]
    const next = createNextConfig(initial, { signers: createAuthority({ signers, threshold: 2 }) })
    const { tx } = await signSetConfig({
      ...{ rollup, kind: 0, id, current: initial, next },
      authority: [key],
      approvers: [key],
      nextSigners: signers,
    })
    expect(tx.openings).toHaveLength(2)
    expect(tx.openings.find((opening) => opening.key === key.key)?.signature).toBe('0x')
  })
})

/** A signer that notes whether it was asked. */
function watched(signer: ConfigSigner) {
  const asked: unknown[] = []
  const sign: ConfigSigner['sign'] = (request) => {
    asked.push(request)
    return signer.sign(request)
  }
  return { scheme: signer.scheme, key: signer.key, sign, asked }
}

describe('before anybody is asked to sign', () => {
  const [a, b] = [watched(secp256k1()), watched(secp256k1())]
  const guardian = watched(passkey())
  const { id, initial } = createKeystore({
    signers: [a],
    guardians: { signers: [guardian] },
    recoveryDelay: 100,
    rollup,
  })
  const update = { rollup, kind: 0, id, current: initial, authority: [a], approvers: [a] } as const
  const next = createNextConfig(initial, { data: '0x01' })
  const signers = createAuthority({ signers: [b] })
  const offCurve = { scheme: 2, key: `0x${'01'.repeat(64)}` } as const
  const twofold = [guardian, { ...guardian, scheme: 2 }] as const
  const rootOf = (signers: readonly Signer[]) => createSignerTree(signers).root

  test.each([
    ['too much data', { next: { ...next, data: `0x${'01'.repeat(4097)}` } }, { reason: 'DATA_TOO_LONG' }],
    ['the id of another keystore', { id: `0x${'11'.repeat(32)}` }, { reason: 'INITIAL_MISMATCH' }],
    ['another nonce', { next: { ...next, nonce: 2n } }, { reason: 'NONCE_TOO_HIGH' }],
    [
      'a config that is not well-formed',
      { next: { ...next, recoveryDelay: 99 } },
      { reason: 'CONFIG_NOT_WELL_FORMED' },
    ],
    ['too few approvers', { approvers: [] }, { reason: 'WRONG_APPROVAL_COUNT' }],
    ['an approver that is no signer', { approvers: [b] }, { name: 'SignerTreeError' }],
    ['next signers that are not told', { next: { ...next, signers } }, { name: 'SignerTreeError' }],
    [
      'too few openers',
      { next: { ...next, signers }, nextSigners: [b], openers: [] },
      { reason: 'WRONG_OPENING_COUNT' },
    ],
    [
      'a next signer by whose key nobody can sign',
      {
        next: { ...next, signers: { root: rootOf([a, offCurve]), threshold: 1 } },
        nextSigners: [a, offCurve],
      },
      { name: 'SignerError' },
    ],
    [
      'a next threshold that one key meets only under two schemes',
      { next: { ...next, signers: { root: rootOf(twofold), threshold: 2 } }, nextSigners: twofold },
      { name: 'ThresholdError' },
    ],
    ['guardians that are not told', { kind: 1 }, { name: 'SignerSetMismatchError' }],
    [
      'too few guardians',
      { kind: 1, authority: [guardian], approvers: [] },
      { reason: 'WRONG_APPROVAL_COUNT' },
    ],
  ] as const)('%s is refused', async (_name, changes, error) => {
    const asked = () => [a, b, guardian].flatMap((signer) => signer.asked)
    const before = asked()
    await expect(signSetConfig({ ...update, next, ...changes })).rejects.toMatchObject(error)
    expect(asked()).toEqual(before)
  })
})

test('signatures that are too many bytes together are refused', async () => {
  // Each is well-formed, for a browser may name an origin as long as this.
  const verbose = () => toWebAuthnSigner(createAuthenticator(`https://${'wallet.'.repeat(120)}example`))
  const [authority, nextSigners] = [Array.from({ length: 16 }, verbose), Array.from({ length: 16 }, verbose)]
  const { id, initial } = createKeystore({ signers: authority, threshold: 16 })
  const signers = createAuthority({ signers: nextSigners, threshold: 16 })
  const next = createNextConfig(initial, { signers })
  const update = { rollup, kind: 0, id, current: initial, next, authority, nextSigners } as const
  const signing = signSetConfig({ ...update, approvers: authority, openers: nextSigners })
  await expect(signing).rejects.toMatchObject({ name: 'UndecodableSetConfigError', reason: 'TOO_LONG' })
  // One that signs is enough for the others to be believed.
  const openers = nextSigners.map(({ scheme, key, sign }, index) => ({
    scheme,
    key,
    ...(!index && { sign }),
  }))
  const signed = await signSetConfig({ ...update, approvers: authority, openers })
  expect(decoded(signed)).toEqual(signed.tx)
})

const upper = (hex: Hex) => `0x${hex.slice(2).toUpperCase()}` as const

test('the letter case of keys, roots and ids makes no difference', async () => {
  const shouted = (config: Config): Config => ({
    ...config,
    signers: { ...config.signers, root: upper(config.signers.root) },
    guardians: { ...config.guardians, root: upper(config.guardians.root) },
    data: upper(config.data),
  })
  const [staying, added] = [secp256k1(), secp256k1()]
  const { id, initial } = createKeystore({
    ...{ signers: [staying], guardians: { signers: [added] }, recoveryDelay: 100, rollup },
  })
  const nextSigners = [
    { scheme: 1, key: upper(staying.key) },
    { scheme: 1, key: upper(added.key) },
  ] as const
  const next = createNextConfig(initial, { signers: createAuthority({ signers: nextSigners }) })
  const signing = { rollup, kind: 0, id, authority: [staying], approvers: [staying], nextSigners } as const
  const signed = await signSetConfig({
    ...{ ...signing, current: shouted(initial), next: shouted(next), id: upper(id) },
    openers: [nextSigners[0]],
  })
  expect(decoded(signed)).toEqual(signed.tx)
  const opener = { ...staying, key: upper(staying.key) }
  const plain = { ...signing, current: initial, next, openers: [opener], approvers: [opener] }
  expect(await signSetConfig(plain)).toEqual(signed)
})

describe('signing', () => {
  const [a, b, c] = [secp256k1(), secp256k1(), secp256k1()]
  const guardians = [secp256k1(), secp256k1(), secp256k1()] as const
  const { id, initial } = createKeystore({
    signers: [a, b, c],
    threshold: 2,
    guardians: { signers: guardians, threshold: 2 },
    recoveryDelay: 100,
    rollup,
  })
  const update = { rollup, kind: 0, id, current: initial, authority: [a, b, c] } as const

  test('takes as many approvers as the threshold says, in any order', async () => {
    const next = createNextConfig(initial, { data: '0x01' })
    const { tx } = await signSetConfig({ ...update, next, approvers: [c, a] })
    expect(decoded(await signSetConfig({ ...update, next, approvers: [a, c] })).approvals).toEqual(
      tx.approvals,
    )
    expect(tx.openings).toEqual([])
  })

  test.each([
    ['too few', [a], 'WRONG_APPROVAL_COUNT'],
    ['too many', [a, b, c], 'WRONG_APPROVAL_COUNT'],
    ['the same twice', [a, a], 'APPROVALS_NOT_ASCENDING'],
  ])('refuses %s approvers before anything is sent', async (_name, approvers, reason) => {
    const next = createNextConfig(initial, { data: '0x01' })
    await expect(signSetConfig({ ...update, next, approvers })).rejects.toMatchObject({
      name: 'InvalidSetConfigError',
      reason,
    })
  })

  test('opens a next signer once that stands under two schemes', async () => {
    const fresh = passkey()
    const nextSigners = [a, fresh, { scheme: 2, key: upper(fresh.key) }, b] as const
    const signers = createAuthority({ signers: nextSigners, threshold: 3 })
    const next = createNextConfig(initial, { signers })
    const { tx } = await signSetConfig({ ...update, next, approvers: [a, c], nextSigners })
    expect(new Set(tx.openings.map(({ key }) => key))).toEqual(new Set([a.key, fresh.key, b.key]))
  })

  test('refuses a config that could lock the wallet out', async () => {
    const next = createNextConfig(initial, { recoveryDelay: 99 })
    await expect(signSetConfig({ ...update, next, approvers: [a, b] })).rejects.toThrow(InvalidSetConfigError)
    const signers = [secp256k1()]
    const locked = createNextConfig(initial, { signers: createAuthority({ signers }) })
    const openers = signers.map(({ scheme, key }) => ({ scheme, key }))
    const unsigned = signSetConfig({ ...update, next: locked, approvers: [a, b], nextSigners: openers })
    await expect(unsigned).rejects.toMatchObject({ reason: 'NO_USABLE_SIGNER' })
  })

  test('refuses signers that are not the ones in the config', async () => {
    const next = createNextConfig(initial, { data: '0x01' })
    const incomplete = signSetConfig({ ...update, authority: [a, b], next, approvers: [a, b] })
    await expect(incomplete).rejects.toThrow(SignerSetMismatchError)
  })

  test('lets guardians start a recovery that anybody completes', async () => {
    const newKey = passkey()
    const next: Config = createNextConfig(initial, { signers: createAuthority({ signers: [newKey] }) })
    const { tx } = await signSetConfig({
      ...{ rollup, kind: 1, id, current: initial, next },
      authority: guardians,
      approvers: [guardians[2], guardians[0]],
      nextSigners: [newKey],
      openers: [newKey],
    })
    expect(tx.kind).toBe(1)
    const completion = completeRecovery({ rollup, id, current: initial, next })
    expect(decoded(completion)).toEqual(completion.tx)
    expect(completion.tx).toMatchObject({ kind: 2, initial, next, approvals: [], openings: [] })
  })
})

test('two keystores of the same signers differ by their salt, and are the same without one', () => {
  const signers = [secp256k1()]
  expect(createKeystore({ signers }).id).not.toBe(createKeystore({ signers }).id)
  expect(createKeystore({ signers, data: '0x' }).id).toBe(createKeystore({ signers, data: '0x' }).id)
})
