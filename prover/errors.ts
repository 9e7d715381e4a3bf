import type { Address, Hex } from 'viem'
import { KeyrollError } from '../protocol/index.ts'

/** Who answered: the nodes of L1, of the replica's chain, of L1's beacon chain, and of the rollup. */
export type Party = 'L1 node' | 'L2 node' | 'beacon node' | 'Keyroll node'

/** Reports an answer that its own hashes or proofs contradict, or that is malformed: the party lies or is broken. */
export class WrongAnswerError extends KeyrollError {
  override readonly name = 'WrongAnswerError'
  readonly party: Party
  constructor(party: Party, details: string, options?: ErrorOptions) {
    super(`The ${party} answered wrongly: ${details}; ask another one`, options)
    this.party = party
  }
}

/** Reports that a party does not have something yet that another one refers to: try again later. */
export class LaggingError extends KeyrollError {
  override readonly name = 'LaggingError'
  readonly party: Party
  constructor(party: Party, details: string, options?: ErrorOptions) {
    super(`The ${party} lags: ${details}; try again later`, options)
    this.party = party
  }
}

/** Reports that a party could not be asked, or refused to answer. */
export class UnansweredError extends KeyrollError {
  override readonly name = 'UnansweredError'
  readonly party: Party
  constructor(party: Party, question: string, options?: ErrorOptions) {
    super(`The ${party} did not answer ${question}: check its URL and its log`, options)
    this.party = party
  }
}

/** Reports an output on L1 that the Keyroll node did not derive: one of the two is wrong. */
export class OutputDisputedError extends KeyrollError {
  override readonly name = 'OutputDisputedError'
  constructor(outputIndex: bigint, proposed: Hex, derived: Hex) {
    super(
      `Output ${outputIndex} was proposed as ${proposed}, but the Keyroll node derived ${derived}: ` +
        'check with a second node, and if it agrees, have the challenger delete the output',
    )
  }
}

/** Reports an output that the replica does not know by this source: prove the output first. */
export class RootUnknownError extends KeyrollError {
  override readonly name = 'RootUnknownError'
  constructor(source: Address, outputIndex: bigint) {
    super(`The replica has no root of output ${outputIndex} by source ${source}: send updateRoot first`)
  }
}

/** Reports a root that is finalized on the replica: it needs no proof and takes none. */
export class RootFinalizedError extends KeyrollError {
  override readonly name = 'RootFinalizedError'
  constructor(source: Address, outputIndex: bigint) {
    super(`The replica's root of output ${outputIndex} by source ${source} is finalized: it never changes`)
  }
}

/** Reports an output that stands on L1, where its absence was to be proven. */
export class OutputStandsError extends KeyrollError {
  override readonly name = 'OutputStandsError'
  constructor(outputIndex: bigint, l1BlockNumber: bigint) {
    super(`Output ${outputIndex} stands in L1 block ${l1BlockNumber}: its absence cannot be proven`)
  }
}

/** Reports a source that is neither of the built-in kinds: only whoever made it knows its proofs. */
export class UnknownSourceError extends KeyrollError {
  override readonly name = 'UnknownSourceError'
  constructor(source: Address) {
    super(`The source ${source} is neither an L1BlockSource nor a BeaconRootsSource: its proofs are unknown`)
  }
}

/** Reports that a source does not vouch any more for what the proof starts from. */
export class NotVouchedError extends KeyrollError {
  override readonly name = 'NotVouchedError'
  constructor(source: Address, blockHash: Hex) {
    super(
      `The source ${source} does not vouch for L1 block ${blockHash}: ` +
        'the chain may have moved on meanwhile; send checkpoint() and prove from what it stored',
    )
  }
}

/** Reports a beacon block of a slot or fork that the source's schedule, or this prover, does not know. */
export class UnknownForkError extends KeyrollError {
  override readonly name = 'UnknownForkError'
}

/** Reports set-configs that do not lead from the confirmed config to the proven one. */
export class BrokenChainError extends KeyrollError {
  override readonly name = 'BrokenChainError'
}

/** Reports a keystore of which nobody told the Keyroll node the config; the caller has to give it. */
export class ConfigUnknownError extends KeyrollError {
  override readonly name = 'ConfigUnknownError'
  constructor(id: Hex, configHash: Hex) {
    super(
      `The Keyroll node knows no config of keystore ${id} that hashes to ${configHash}: give it as \`config\``,
    )
  }
}

/** Reports that a source needs the beacon API, whose URL was not given. */
export class BeaconApiMissingError extends KeyrollError {
  override readonly name = 'BeaconApiMissingError'
  constructor(source: Address) {
    super(`The source ${source} starts from beacon roots: give the URL of a beacon API as \`beaconUrl\``)
  }
}

/** Reports that the proofs for one `confirmMany` have more nodes than it can number: confirm fewer keystores at once. */
export class PoolTooLargeError extends KeyrollError {
  override readonly name = 'PoolTooLargeError'
  constructor(limit: number) {
    super(`The proofs have more than ${limit} nodes: confirm fewer keystores at once`)
  }
}
