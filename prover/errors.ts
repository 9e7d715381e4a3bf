import type { Address, Hex } from 'viem'
import { KeyrollError } from '../protocol/index.ts'
import type { SourceKind } from './SourceKind.ts'

/** Who answered: the nodes of L1, of the replica's chain, of its parent, of L1's beacon chain, and of the rollup. */
export type Party = 'L1 node' | 'L2 node' | 'parent node' | 'beacon node' | 'Keyroll node'

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

/** Reports that no replica answers at the address given, however long one waits. */
export class ReplicaAbsentError extends KeyrollError {
  override readonly name = 'ReplicaAbsentError'
  readonly replica: Address
  constructor(replica: Address, options?: ErrorOptions) {
    super(
      `No KeystoreReplica stands at ${replica}: check the address, and the URL of its chain's node`,
      options,
    )
    this.replica = replica
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

/** Reports a source that is of none of the built-in kinds: only whoever made it knows its proofs. */
export class UnknownSourceError extends KeyrollError {
  override readonly name = 'UnknownSourceError'
  constructor(source: Address) {
    super(`The source ${source} is of none of the built-in kinds: its proofs are unknown`)
  }
}

/** Reports a source from which the replica takes no proofs, or not yet. */
export class SourceNotActiveError extends KeyrollError {
  override readonly name = 'SourceNotActiveError'
  /** Seconds of the replica's chain; 0 when the replica does not know the source. */
  readonly activeAt: number
  constructor(source: Address, replica: Address, activeAt: number) {
    super(
      activeAt === 0
        ? `The source ${source} is none of replica ${replica}: take one that it was deployed with or that was appended`
        : `The replica ${replica} takes proofs from source ${source} from time ${activeAt} on: wait until then`,
    )
    this.activeAt = activeAt
  }
}

/**
 * Reports a source that can vouch for nothing on the chain of the replica: all built-in ones stand on every chain, and
 * each serves some of them.
 */
export class UnfitSourceError extends KeyrollError {
  override readonly name = 'UnfitSourceError'
  constructor(kind: SourceKind, source: Address, details: string) {
    super(`The ${kind} ${source} is of no use on this chain: ${details}; take another source`)
  }
}

/** Reports the OutputBridge where a source of L1 block hashes is asked for: it sends outputs, and vouches for no block. */
export class BridgeProvesNothingError extends KeyrollError {
  override readonly name = 'BridgeProvesNothingError'
  constructor(source: Address) {
    super(`The source ${source} is the OutputBridge's alias, which takes no proofs: send the output on L1`)
  }
}

/** Reports a block that is too old to prove from: its source has forgotten it, or a node its state. */
export class BlockTooOldError extends KeyrollError {
  override readonly name = 'BlockTooOldError'
  readonly blockNumber: bigint
  /** How many blocks stood above it. */
  readonly age: bigint
  constructor(blockNumber: bigint, age: bigint, details: string, options?: ErrorOptions) {
    super(`Block ${blockNumber} is too old, ${age} blocks behind the head: ${details}`, options)
    this.blockNumber = blockNumber
    this.age = age
  }
}

/** Reports an output that the challenger can still delete; times are seconds of L1. */
export class OutputNotFinalError extends KeyrollError {
  override readonly name = 'OutputNotFinalError'
  readonly finalAt: bigint
  constructor(outputIndex: bigint, finalAt: bigint, now: bigint) {
    super(`Output ${outputIndex} can be deleted until ${finalAt}, and on L1 it is ${now}: wait until then`)
    this.finalAt = finalAt
  }
}

/** Reports an output that the OutputBridge was to send, and that the replica has not received. */
export class DepositNotArrivedError extends KeyrollError {
  override readonly name = 'DepositNotArrivedError'
  constructor(outputIndex: bigint) {
    super(
      `The replica has not received output ${outputIndex} by the bridge: send it on L1, or wait until ` +
        'the chain has taken over the L1 block in which it was sent',
    )
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

/** Reports that a source needs the chain below the replica's, whose node was not given. */
export class ParentNodeMissingError extends KeyrollError {
  override readonly name = 'ParentNodeMissingError'
  constructor(source: Address) {
    super(`The source ${source} is for an L3: give a node of the chain below it as \`parent\``)
  }
}
