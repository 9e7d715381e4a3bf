import { hashStruct, keccak256 } from 'viem'
import {
  type Config,
  configToRlp,
  NO_AUTHORITY,
  setConfigTypedData,
  toHex,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { flattenConfig, hashOf } from './shared.ts'

const largest: Config = {
  nonce: 2n ** 64n - 1n,
  signers: { root: `0x${'ff'.repeat(32)}`, threshold: 255 },
  guardians: { root: `0x${'ff'.repeat(32)}`, threshold: 255 },
  recoveryDelay: 2 ** 32 - 1,
  maxStaleness: 2 ** 32 - 1,
  data: '0x',
}
const plain: Config = {
  nonce: 0n,
  signers: { root: hashOf('signers'), threshold: 1 },
  guardians: NO_AUTHORITY,
  recoveryDelay: 0,
  maxStaleness: 0,
  data: '0x',
}

const cases: [name: string, config: Config][] = [
  ['an initial config without guardians', plain],
  ['every number zero', { ...plain, signers: { root: ZERO_HASH, threshold: 0 } }],
  ['every number at the top of its type', largest],
  ['guardians, delays and data', { ...largest, nonce: 7n, data: '0x6b6579726f6c6c' }],
  ['the same with another nonce', { ...largest, nonce: 8n, data: '0x6b6579726f6c6c' }],
  ['signers and guardians exchanged', { ...plain, signers: NO_AUTHORITY, guardians: plain.signers }],
  ['delays exchanged: 1 and 2', { ...plain, recoveryDelay: 1, maxStaleness: 2 }],
  ['delays exchanged: 2 and 1', { ...plain, recoveryDelay: 2, maxStaleness: 1 }],
  ...[
    '00',
    '7f',
    '80',
    'ab'.repeat(31),
    'ab'.repeat(32),
    'ab'.repeat(33),
    'ab'.repeat(55),
    'ab'.repeat(56),
  ].map((data): [string, Config] => [
    `data of ${data.length / 2} bytes, ${data.slice(0, 2)}`,
    { ...plain, data: `0x${data}` },
  ]),
  ['data of 256 bytes', { ...plain, data: `0x${'cd'.repeat(256)}` }],
  ['data of 4096 bytes', { ...plain, data: `0x${'cd'.repeat(4096)}` }],
]

/** Builds config_hash.json: configs, their RLP, and their hashes as viem computes them. */
export function configHashVectors() {
  return {
    count: cases.length,
    cases: cases.map(([name, config]) => ({
      name,
      ...flattenConfig(config),
      data: config.data,
      dataHash: keccak256(config.data),
      rlp: toHex(configToRlp(config)),
      configHash: viemConfigHash(config),
    })),
  }
}

function viemConfigHash(config: Config) {
  const { types } = setConfigTypedData({
    chainId: 1n,
    kind: 0,
    id: ZERO_HASH,
    previous: ZERO_HASH,
    next: config,
  })
  return hashStruct({ data: config, primaryType: 'Config', types })
}
