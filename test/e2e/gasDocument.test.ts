import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { renderGasDocument } from '../../bench/gas/gasDocument.ts'
import { benchmarkGas } from '../../bench/gas.ts'

const REQUIRED = [
  ...['gas.mpt.accountBaseSepolia', 'gas.mpt.l1Sepolia', 'gas.mpt.exclusion'],
  ...['gas.updateRoot.l1block', 'gas.updateRoot.eip4788'],
  ...['gas.confirm.first', 'gas.confirm.again', 'gas.confirmMany40.each'],
  ...['gas.preconfirm.secp256k1', 'gas.preconfirm.p256', 'gas.preconfirm.webauthn'],
  'gas.validate.overhead',
]

test('docs/gas.md says what the gas benchmark measures; else run npx tsx tools/writeGasDoc.ts', async () => {
  const lines = await benchmarkGas()
  expect(lines.map(({ name }) => name)).toEqual(expect.arrayContaining(REQUIRED))
  expect(await readFile('docs/gas.md', 'utf8')).toBe(renderGasDocument(lines))
})
