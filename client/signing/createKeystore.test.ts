import { describe, expect, test } from 'vitest'
import { MAX_DATA_BYTES, type Signer } from '../../protocol/index.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import { InvalidConfigError, ThresholdError } from '../errors.ts'
import { createAuthority, createKeystore } from './createKeystore.ts'

const signersOf = (count: number): Signer[] =>
  Array.from({ length: count }, (_, index) => {
    const { scheme, key } = createTestSigner(1, `signer ${index}`)
    return { scheme, key }
  })
const signers = signersOf(1)
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
    expect(() => createKeystore({ signers, guardians: authority, recoveryDelay: 100 })).toThrow(
      ThresholdError,
    )
  })

  const guardians = { signers: signersOf(2) }
  const rollup = { minRecoveryDelay: 100, challengePeriod: 50 }

  test.each([
    ['a recovery delay without guardians', { recoveryDelay: 100 }, 'RECOVERY_DELAY_WITHOUT_GUARDIANS'],
    ['guardians without a recovery delay', { guardians }, 'RECOVERY_DELAY_TOO_SHORT'],
    ['a staleness that no rollup allows', { maxStaleness: 1 }, 'MAX_STALENESS_TOO_SHORT'],
    ["less than the rollup's delay", { guardians, recoveryDelay: 99, rollup }, 'RECOVERY_DELAY_TOO_SHORT'],
    ['less than two challenge periods', { maxStaleness: 99, rollup }, 'MAX_STALENESS_TOO_SHORT'],
    ['longer data than a set-config carries', { data: dataOf(MAX_DATA_BYTES + 1) }, 'DATA_TOO_LONG'],
  ] as const)('with %s', (_name, changes, fault) => {
    const creating = () => createKeystore({ signers, ...changes })
    expect(creating).toThrow(InvalidConfigError)
    expect(creating).toThrow(expect.objectContaining({ fault }))
  })
})

test('what is well-formed is taken to the limits', () => {
  expect(createAuthority({ signers: signersOf(20), threshold: 16 }).threshold).toBe(16)
  const guardians = { signers: signersOf(2), threshold: 2 }
  const rollup = { minRecoveryDelay: 100, challengePeriod: 50 }
  createKeystore({ signers, guardians, recoveryDelay: 100, maxStaleness: 100, rollup })
  createKeystore({ signers, guardians, recoveryDelay: 1, maxStaleness: 2, data: dataOf(MAX_DATA_BYTES) })
  // Guardians may take over at once where the rollup says so.
  createKeystore({ signers, guardians, rollup: { ...rollup, minRecoveryDelay: 0 } })
})
