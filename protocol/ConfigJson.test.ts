import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryConfig } from '../test/arbitraries.ts'
import { ConfigJsonError, configFromJson, configToJson } from './ConfigJson.ts'

test('every config survives its JSON', () => {
  fc.assert(
    fc.property(arbitraryConfig, (config) => {
      expect(configFromJson(JSON.parse(JSON.stringify(configToJson(config))))).toEqual(config)
    }),
  )
})

test.each([
  ['nothing', undefined],
  ['a list', []],
  ['no nonce', { nonce: undefined }],
  ['a decimal nonce', { nonce: '7' }],
  ['a nonce of 65 bits', { nonce: '0x10000000000000000' }],
  ['a threshold of 9 bits', { signers: { root: `0x${'11'.repeat(32)}`, threshold: '0x100' } }],
  ['a short root', { guardians: { root: '0x11', threshold: '0x1' } }],
  ['half a byte of data', { data: '0x1' }],
  ['a number for a delay', { recoveryDelay: 5 }],
])('%s is refused', (_name, change) => {
  const authority = { root: `0x${'00'.repeat(32)}`, threshold: '0x0' }
  const good = {
    nonce: '0x1',
    signers: authority,
    guardians: authority,
    recoveryDelay: '0x0',
    maxStaleness: '0x0',
    data: '0x',
  }
  expect(() => configFromJson(good)).not.toThrow()
  const isPartial = typeof change === 'object' && !Array.isArray(change)
  expect(() => configFromJson(isPartial ? { ...good, ...change } : change)).toThrow(ConfigJsonError)
})
