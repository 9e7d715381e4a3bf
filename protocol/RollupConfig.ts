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

/**
 * Parses a rollup config, such as a `rollup.json` file; keys it does not know (OP fork times) are ignored.
 *
 * @throws {RollupConfigError} naming the field that is missing or wrong.
 */
export function parseRollupConfig(json: unknown): RollupConfig {
  const top = new Fields(json, '')
  const genesis = top.object('genesis')
  const config: RollupConfig = {
    genesis: {
      l1: genesis.object('l1').blockId(),
      l2: genesis.object('l2').blockId(),
      l2Time: genesis.quantity('l2_time', 1),
    },
    blockTime: top.quantity('block_time', 1),
    maxSequencerDrift: top.quantity('max_sequencer_drift'),
    seqWindowSize: top.quantity('seq_window_size', 2),
    channelTimeout: top.quantity('channel_timeout', 1),
    l1ChainId: top.quantity('l1_chain_id', 1),
    l2ChainId: top.quantity('l2_chain_id', 1),
    batchInboxAddress: top.address('batch_inbox_address'),
    depositContractAddress: top.address('deposit_contract_address'),
    l1SystemConfigAddress: top.address('l1_system_config_address'),
    outputOracleAddress: top.address('output_oracle_address'),
    challengePeriod: top.seconds('challenge_period', 1),
    minRecoveryDelay: top.seconds('min_recovery_delay', 0),
    submissionInterval: top.quantity('submission_interval', 1),
  }
  if (config.genesis.l2.number !== 0n) {
    throw new RollupConfigError('genesis.l2.number', config.genesis.l2.number, '0')
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

/** Reads the fields of one JSON object, and says which one is wrong. */
class Fields {
  readonly #values: Record<string, unknown>
  readonly #path: string

  constructor(json: unknown, path: string) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new RollupConfigError(path === '' ? 'rollup config' : path, json, 'an object')
    }
    this.#values = { ...json }
    this.#path = path
  }

  object(name: string): Fields {
    return new Fields(this.#values[name], this.#pathOf(name))
  }

  blockId(): BlockId {
    return { hash: this.#hex('hash', 32), number: this.quantity('number') }
  }

  address(name: string): Address {
    return this.#hex(name, 20)
  }

  quantity(name: string, minimum = 0): bigint {
    return BigInt(this.#integer(name, minimum, Number.MAX_SAFE_INTEGER))
  }

  seconds(name: string, minimum: number): number {
    return this.#integer(name, minimum, 2 ** 32 - 1)
  }

  #integer(name: string, minimum: number, maximum: number): number {
    const value = this.#values[name]
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum)
      return value
    throw new RollupConfigError(this.#pathOf(name), value, `a whole number from ${minimum} to ${maximum}`)
  }

  #hex(name: string, length: number): Hex {
    const value = this.#values[name]
    if (typeof value === 'string' && new RegExp(`^0x[0-9a-fA-F]{${length * 2}}$`).test(value)) {
      return value.toLowerCase() as Hex
    }
    throw new RollupConfigError(this.#pathOf(name), value, `0x and ${length} bytes in hex`)
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}

/** Reports a rollup config that is incomplete or wrong. */
export class RollupConfigError extends KeyrollError {
  override readonly name = 'RollupConfigError'
  constructor(field: string, got: unknown, expected: string) {
    super(`${field}: got ${describe(got)}, expected ${expected}`)
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value).slice(0, 100)
}
