import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryConfig } from '../test/arbitraries.ts'
import {
  type Config,
  configFromRlp,
  configHash,
  configToRlp,
  findConfigFault,
  isNoAuthority,
  isWellFormed,
  NO_AUTHORITY,
} from './Config.ts'
import { ZERO_HASH } from './constants.ts'
import { RlpError } from './Rlp.ts'

test('every config decodes to what was encoded', () => {
  fc.assert(
    fc.property(arbitraryConfig, (config) => {
      expect(configFromRlp(configToRlp(config))).toEqual(config)
    }),
  )
})

test('changed bytes are refused, or encode back to themselves', () => {
  fc.assert(
    fc.property(arbitraryConfig, fc.nat(), fc.integer({ min: 1, max: 255 }), (config, position, change) => {
      const bytes = configToRlp(config)
      const at = position % bytes.length
      bytes[at] = (bytes[at] as number) ^ change
      let decoded: Config
      try {
        decoded = configFromRlp(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(RlpError)
        return
      }
      expect(configToRlp(decoded)).toEqual(bytes)
    }),
    { numRuns: 500 },
  )
})

test('configs that differ have hashes that differ', () => {
  fc.assert(
    fc.property(arbitraryConfig, arbitraryConfig, (a, b) => {
      const isSame = Buffer.from(configToRlp(a)).equals(configToRlp(b))
      expect(configHash(a) === configHash(b)).toBe(isSame)
    }),
  )
})

const plain: Config = {
  nonce: 0n,
  signers: { root: `0x${'11'.repeat(32)}`, threshold: 1 },
  guardians: NO_AUTHORITY,
  recoveryDelay: 0,
  maxStaleness: 0,
  data: '0x',
}

test.each<[string, Partial<Config>]>([
  ['a nonce beyond uint64', { nonce: 2n ** 64n }],
  ['a negative nonce', { nonce: -1n }],
  ['a threshold beyond uint8', { signers: { ...plain.signers, threshold: 256 } }],
  ['a delay beyond uint32', { recoveryDelay: 2 ** 32 }],
  ['a fractional delay', { maxStaleness: 0.5 }],
])('%s has neither hash nor RLP', (_, changes) => {
  const config = { ...plain, ...changes }
  expect(() => configHash(config)).toThrow(expect.objectContaining({ name: 'IntegerOutOfRangeError' }))
  expect(() => configToRlp(config)).toThrow(expect.objectContaining({ name: 'IntegerOutOfRangeError' }))
})

describe('a well-formed config', () => {
  const parameters = { minRecoveryDelay: 100, challengePeriod: 50 }
  const guardians = { root: plain.signers.root, threshold: 1 }

  test.each<[ReturnType<typeof findConfigFault>, Partial<Config>]>([
    [undefined, {}],
    [undefined, { signers: { ...plain.signers, threshold: 16 } }],
    [undefined, { guardians, recoveryDelay: 100 }],
    [undefined, { guardians: { ...guardians, threshold: 16 }, recoveryDelay: 101 }],
    [undefined, { maxStaleness: 100 }],
    ['SIGNERS_ROOT_ZERO', { signers: { root: ZERO_HASH, threshold: 1 } }],
    ['SIGNERS_THRESHOLD_OUT_OF_RANGE', { signers: { ...plain.signers, threshold: 0 } }],
    ['SIGNERS_THRESHOLD_OUT_OF_RANGE', { signers: { ...plain.signers, threshold: 17 } }],
    ['GUARDIANS_HALF_SET', { guardians: { ...guardians, threshold: 0 }, recoveryDelay: 100 }],
    ['GUARDIANS_HALF_SET', { guardians: { root: ZERO_HASH, threshold: 1 }, recoveryDelay: 100 }],
    ['GUARDIANS_THRESHOLD_OUT_OF_RANGE', { guardians: { ...guardians, threshold: 17 }, recoveryDelay: 100 }],
    ['RECOVERY_DELAY_TOO_SHORT', { guardians, recoveryDelay: 99 }],
    ['RECOVERY_DELAY_WITHOUT_GUARDIANS', { recoveryDelay: 1 }],
    ['MAX_STALENESS_TOO_SHORT', { maxStaleness: 99 }],
  ])('%s: %o', (fault, changes) => {
    const config = { ...plain, ...changes }
    expect(findConfigFault(config, parameters)).toBe(fault)
    expect(isWellFormed(config, parameters)).toBe(fault === undefined)
  })

  test('has no guardians only when both their root and threshold are zero', () => {
    expect(isNoAuthority(NO_AUTHORITY)).toBe(true)
    expect(isNoAuthority({ ...NO_AUTHORITY, threshold: 1 })).toBe(false)
    expect(isNoAuthority(guardians)).toBe(false)
  })
})
