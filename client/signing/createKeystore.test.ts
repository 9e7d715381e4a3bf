import { type Hex, zeroAddress } from 'viem'
import { describe, expect, test } from 'vitest'
import { InvalidHexError, MAX_DATA_BYTES, type Signer } from '../../protocol/index.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import { InvalidConfigError, RollupMissingError, SignerError, ThresholdError } from '../errors.ts'
import { createAuthority, createKeystore } from './createKeystore.ts'

const signersOf = (count: number): Signer[] =>
  Array.from({ length: count }, (_, index) => {
    const { scheme, key } = createTestSigner(1, `signer ${index}`)
    return { scheme, key }
  })
const signers = signersOf(1)
const rollup = { minRecoveryDelay: 100, challengePeriod: 50 }
const dataOf = (length: number) => `0x${'07'.repeat(length)}` as const

describe('a keystore that nobody could ever update is not created', () => {
  test.each([
    ['of nobody', 1, 0],
    ['above the number of signers', 1, 2],
    ['above the most approvals that count', 20, 17],
    ['that is no whole number', 2, 1.5],
    ['that is no number', 2, Number.NaN],
  ])('with a threshold %s', (_name, count, threshold) => {
    const authority = { signers: signersOf(count), threshold }
    expect(() => createAuthority(authority)).toThrow(ThresholdError)
    expect(() => createKeystore(authority)).toThrow(ThresholdError)
    const guarded = { signers, guardians: authority, recoveryDelay: 100, rollup }
    expect(() => createKeystore(guarded)).toThrow(ThresholdError)
  })

  test('with a threshold that one key meets only under two schemes', () => {
    const { key } = createTestSigner(2, 'twofold')
    const twofold: Signer[] = [
      { scheme: 2, key },
      { scheme: 3, key: `0x${key.slice(2).toUpperCase()}` },
    ]
    expect(() => createAuthority({ signers: twofold, threshold: 2 })).toThrow(ThresholdError)
    const guarded = { signers, guardians: { signers: twofold, threshold: 2 }, recoveryDelay: 100, rollup }
    expect(() => createKeystore(guarded)).toThrow(ThresholdError)
    expect(createAuthority({ signers: [...twofold, ...signers], threshold: 2 }).threshold).toBe(2)
  })

  const point = createTestSigner(2, 'spoilt').key
  const offCurve: Hex = `0x${point.slice(2, -2)}${point.endsWith('00') ? '01' : '00'}`

  test.each([
    ['a P-256 key off the curve', { scheme: 2, key: offCurve }],
    ['a passkey off the curve', { scheme: 3, key: offCurve }],
    ['a P-256 key of zeros', { scheme: 2, key: `0x${'00'.repeat(64)}` }],
    ['the zero address', { scheme: 1, key: zeroAddress }],
    ['a scheme that does not exist', { scheme: 9, key: point }],
  ] as const)('with %s among its keys', (_name, unusable) => {
    // Callers without types get as far.
    const authority = { signers: [...signers, unusable as Signer] }
    expect(() => createAuthority(authority)).toThrow(SignerError)
    expect(() => createKeystore(authority)).toThrow(SignerError)
    const guarded = { signers, guardians: authority, recoveryDelay: 100, rollup }
    expect(() => createKeystore(guarded)).toThrow(SignerError)
  })

  test('with a key that is not of its width', () => {
    const authority = { signers: [{ scheme: 1, key: point }] } as const
    expect(() => createAuthority(authority)).toThrow(InvalidHexError)
  })

  const guardians = { signers: signersOf(2) }

  test.each([
    ['guardians', { guardians, recoveryDelay: 100_000_000 }],
    ['a staleness', { maxStaleness: 100_000_000 }],
  ])('with %s that no rollup was asked about', (_name, delays) => {
    // @ts-expect-error Types demand the rollup too.
    expect(() => createKeystore({ signers, ...delays })).toThrow(RollupMissingError)
  })

  test.each([
    ['a recovery delay without guardians', { recoveryDelay: 100 }, 'RECOVERY_DELAY_WITHOUT_GUARDIANS'],
    ['guardians without a recovery delay', { guardians }, 'RECOVERY_DELAY_TOO_SHORT'],
    ["less than the rollup's delay", { guardians, recoveryDelay: 99 }, 'RECOVERY_DELAY_TOO_SHORT'],
    ['less than two challenge periods', { maxStaleness: 99 }, 'MAX_STALENESS_TOO_SHORT'],
    ['longer data than a set-config carries', { data: dataOf(MAX_DATA_BYTES + 1) }, 'DATA_TOO_LONG'],
  ] as const)('with %s', (_name, changes, fault) => {
    const creating = () => createKeystore({ signers, rollup, ...changes })
    expect(creating).toThrow(InvalidConfigError)
    expect(creating).toThrow(expect.objectContaining({ fault }))
  })
})

test('what is well-formed is taken to the limits', () => {
  expect(createAuthority({ signers: signersOf(20), threshold: 16 }).threshold).toBe(16)
  const guardians = { signers: signersOf(2), threshold: 2 }
  const data = dataOf(MAX_DATA_BYTES)
  createKeystore({ signers, guardians, recoveryDelay: 100, maxStaleness: 100, data, rollup })
  // Guardians may take over at once where the rollup says so.
  createKeystore({ signers, guardians, rollup: { ...rollup, minRecoveryDelay: 0 } })
})
