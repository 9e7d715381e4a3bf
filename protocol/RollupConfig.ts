import type { Address, Hex } from 'viem'
import { KeyrollError } from './errors.ts'

/** A block named by hash and number. */
export type BlockId = { hash: Hex; number: bigint }

/**
 * What makes a deployment: everything two nodes must agree on before they read L1 (protocol.md §1).
 *
 * Times are seconds, windows and timeouts L1 blocks, `submissionInterval` L2 blocks.
 */
export type RollupConfig = {
  genesis: { l1: BlockId; l2: BlockId; l2Time: bigint }
  blockTime: bigint
  maxSequencerDrift: bigint
  seqWindowSize: bigint
  channelTimeout: bigint
  l1ChainId: bigint
  l2ChainId: bigint
  batchInboxAddress: Address
  depositContractAddress: Address
  l1SystemConfigAddress: Address
  outputOracleAddress: Address
  challengePeriod: number
  minRecoveryDelay: number
  submissionInterval: bigint
}

/** The JSON of a rollup config: op-node's `rollup.json` names, and Keyroll's own beside them. */
export type RollupConfigJson = {
  genesis: {
    l1: { hash: Hex; number: number }
    l2: { hash: Hex; number: number }
    l2_time: number
  }
  block_time: number
  max_sequencer_drift: number
  seq_window_size: number
  channel_timeout: number
  l1_chain_id: number
  l2_chain_id: number
  batch_inbox_address: Address
  deposit_contract_address: Address
  l1_system_config_address: Address
  output_oracle_address: Address
  challenge_period: number
  min_recovery_delay: number
  submission_interval: number
}

// Delays are compared with the uint32s of a config.
const MAX_SECONDS = 2 ** 32 - 1

/**
 * Parses a rollup config, such as a `rollup.json` file; keys it does not know (OP fork times) are ignored.
 *
 * @throws {RollupConfigError} naming the field that is missing or wrong.
 */
export function parseRollupConfig(json: unknown): RollupConfig {
  const top = toFields(json, '')
  const genesis = toFields(top.values.genesis, 'genesis.')
  const config: RollupConfig = {
    genesis: {
      l1: readBlockId(toFields(genesis.values.l1, 'genesis.l1.')),
      l2: readBlockId(toFields(genesis.values.l2, 'genesis.l2.')),
      l2Time: readQuantity(genesis, 'l2_time', 1),
    },
    blockTime: readQuantity(top, 'block_time', 1),
    maxSequencerDrift: readQuantity(top, 'max_sequencer_drift'),
    seqWindowSize: readQuantity(top, 'seq_window_size', 2),
    channelTimeout: readQuantity(top, 'channel_timeout', 1),
    l1ChainId: readQuantity(top, 'l1_chain_id', 1),
    l2ChainId: readQuantity(top, 'l2_chain_id', 1),
    batchInboxAddress: readHex(top, 'batch_inbox_address', 20),
    depositContractAddress: readHex(top, 'deposit_contract_address', 20),
    l1SystemConfigAddress: readHex(top, 'l1_system_config_address', 20),
    outputOracleAddress: readHex(top, 'output_oracle_address', 20),
    challengePeriod: readInteger(top, 'challenge_period', 1, MAX_SECONDS),
    minRecoveryDelay: readInteger(top, 'min_recovery_delay', 0, MAX_SECONDS),
    submissionInterval: readQuantity(top, 'submission_interval', 1),
  }
  if (config.genesis.l2.number !== 0n) {
    throw new RollupConfigError('genesis.l2.number', Number(config.genesis.l2.number), '0')
  }
  return config
}

/** Turns a rollup config into the JSON that {@link parseRollupConfig} reads. */
export function rollupConfigToJson(config: RollupConfig): RollupConfigJson {
  const { genesis } = config
  return {
    genesis: {
      l1: { hash: genesis.l1.hash, number: Number(genesis.l1.number) },
      l2: { hash: genesis.l2.hash, number: Number(genesis.l2.number) },
      l2_time: Number(genesis.l2Time),
    },
    block_time: Number(config.blockTime),
    max_sequencer_drift: Number(config.maxSequencerDrift),
    seq_window_size: Number(config.seqWindowSize),
    channel_timeout: Number(config.channelTimeout),
    l1_chain_id: Number(config.l1ChainId),
    l2_chain_id: Number(config.l2ChainId),
    batch_inbox_address: config.batchInboxAddress,
    deposit_contract_address: config.depositContractAddress,
    l1_system_config_address: config.l1SystemConfigAddress,
    output_oracle_address: config.outputOracleAddress,
    challenge_period: config.challengePeriod,
    min_recovery_delay: config.minRecoveryDelay,
    submission_interval: Number(config.submissionInterval),
  }
}

/** The fields of one JSON object, and what stands before their names in a message. */
type Fields = { values: Readonly<Record<string, unknown>>; path: string }

function toFields(json: unknown, path: string): Fields {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new RollupConfigError(path === '' ? 'rollup config' : path.slice(0, -1), json, 'an object')
  }
  return { values: { ...json }, path }
}

function readBlockId(fields: Fields): BlockId {
  return { hash: readHex(fields, 'hash', 32), number: readQuantity(fields, 'number') }
}

function readQuantity(fields: Fields, name: string, minimum = 0): bigint {
  return BigInt(readInteger(fields, name, minimum, Number.MAX_SAFE_INTEGER))
}

function readInteger({ values, path }: Fields, name: string, minimum: number, maximum: number): number {
  const value = values[name]
  if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum)
    return value
  throw new RollupConfigError(path + name, value, `a whole number from ${minimum} to ${maximum}`)
}

function readHex({ values, path }: Fields, name: string, length: number): Hex {
  const value = values[name]
  if (typeof value === 'string' && new RegExp(`^0x[0-9a-fA-F]{${length * 2}}$`).test(value)) {
    return value.toLowerCase() as Hex
  }
  throw new RollupConfigError(path + name, value, `0x and ${length} bytes in hex`)
}

/** Reports a rollup config that is incomplete or wrong. */
export class RollupConfigError extends KeyrollError {
  override readonly name = 'RollupConfigError'
  constructor(field: string, got: unknown, expected: string) {
    const what = got === undefined ? 'nothing' : JSON.stringify(got).slice(0, 100)
    super(`${field}: got ${what}, expected ${expected}`)
  }
}
