import { expect, test } from 'vitest'
import {
  parseRollupConfig,
  RollupConfigError,
  type RollupConfigJson,
  rollupConfigToJson,
} from './RollupConfig.ts'

const json: RollupConfigJson = {
  genesis: {
    l1: { hash: `0x${'a1'.repeat(32)}`, number: 1000 },
    l2: { hash: `0x${'a2'.repeat(32)}`, number: 0 },
    l2_time: 1_800_000_000,
  },
  block_time: 6,
  max_sequencer_drift: 1800,
  seq_window_size: 3600,
  channel_timeout: 50,
  l1_chain_id: 1,
  l2_chain_id: 19282,
  batch_inbox_address: `0x${'b1'.repeat(20)}`,
  deposit_contract_address: `0x${'b2'.repeat(20)}`,
  l1_system_config_address: `0x${'b3'.repeat(20)}`,
  output_oracle_address: `0x${'b4'.repeat(20)}`,
  challenge_period: 604_800,
  min_recovery_delay: 86_400,
  submission_interval: 600,
}

test('a rollup config survives the way to JSON text and back', () => {
  const config = parseRollupConfig(JSON.parse(JSON.stringify(json)))
  expect(config).toMatchObject({
    blockTime: 6n,
    challengePeriod: 604_800,
    genesis: { l2Time: 1_800_000_000n },
  })
  expect(rollupConfigToJson(config)).toEqual(json)
})

test('keys that only OP tools know are ignored, and addresses may be checksummed', () => {
  const opStack = { ...json, holocene_time: 0, genesis: { ...json.genesis, system_config: { gasLimit: 1 } } }
  const batchInbox = '0xBbBbBbbbBbBbbBBBbBBbBbBBBbBbbbbbbbBbBBBb'
  expect(parseRollupConfig(opStack)).toEqual(parseRollupConfig(json))
  expect(parseRollupConfig({ ...json, batch_inbox_address: batchInbox }).batchInboxAddress).toBe(
    batchInbox.toLowerCase(),
  )
})

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'rollup config: got nothing, expected an object'],
  ['a list', [], 'rollup config: got [], expected an object'],
  ['no genesis', { ...json, genesis: undefined }, 'genesis: got nothing, expected an object'],
  [
    'a genesis without L2 time',
    { ...json, genesis: { ...json.genesis, l2_time: undefined } },
    'genesis.l2_time: got nothing, expected a whole number from 1',
  ],
  [
    'a short genesis hash',
    { ...json, genesis: { ...json.genesis, l1: { hash: '0x12', number: 1 } } },
    'genesis.l1.hash: got "0x12", expected 0x and 32 bytes in hex',
  ],
  [
    'a genesis at another number',
    { ...json, genesis: { ...json.genesis, l2: { ...json.genesis.l2, number: 1 } } },
    'genesis.l2.number: got 1, expected 0',
  ],
  ['a block time of zero', { ...json, block_time: 0 }, 'block_time: got 0'],
  ['a block time as text', { ...json, block_time: '6' }, 'block_time: got "6"'],
  ['a fractional chain id', { ...json, l2_chain_id: 1.5 }, 'l2_chain_id: got 1.5'],
  [
    'a challenge period beyond uint32',
    { ...json, challenge_period: 2 ** 32 },
    'challenge_period: got 4294967296',
  ],
  ['a negative delay', { ...json, min_recovery_delay: -1 }, 'min_recovery_delay: got -1'],
  [
    'an address that is none',
    { ...json, output_oracle_address: '0xzz' },
    'output_oracle_address: got "0xzz"',
  ],
])('%s is refused, and the message names the field', (_, value, message) => {
  expect(() => parseRollupConfig(value)).toThrow(RollupConfigError)
  expect(() => parseRollupConfig(value)).toThrow(message)
})
