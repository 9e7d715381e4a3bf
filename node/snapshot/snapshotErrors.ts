import type { Hex } from 'viem'
import { KeyrollError } from '../../protocol/index.ts'

/** Reports a file that is not a whole, undamaged snapshot. */
export class MalformedSnapshotError extends KeyrollError {
  override readonly name = 'MalformedSnapshotError'
  constructor(details: string, options?: ErrorOptions) {
    super(`the snapshot is damaged or no snapshot: ${details}; get it again, or another`, options)
  }
}

/** Reports a snapshot of another rollup. */
export class OtherRollupSnapshotError extends KeyrollError {
  override readonly name = 'OtherRollupSnapshotError'
  constructor(got: { l2ChainId: bigint; rollup: Hex }, expected: { l2ChainId: bigint; rollup: Hex }) {
    super(
      `got a snapshot of chain ${got.l2ChainId} (rollup config ${got.rollup}), expected chain ${expected.l2ChainId} (rollup config ${expected.rollup})`,
    )
  }
}

/** Reports that a snapshot was to be loaded where a database is already. */
export class DatabaseExistsError extends KeyrollError {
  override readonly name = 'DatabaseExistsError'
  constructor(path: string) {
    super(`there is a database at ${path}: a snapshot begins a new one; remove it, or use another directory`)
  }
}

/** Why no snapshot can be made: no such output, one that is not this chain's, or one whose block may still change, is too early, or has too much in it. */
export type NoSnapshotReason =
  | 'NO_OUTPUT'
  | 'OUTPUT_DIFFERS'
  | 'NOT_FINALIZED'
  | 'TOO_EARLY'
  | 'NOT_AN_OUTPUT_BLOCK'
  | 'TOO_LARGE'

/** Reports that a database cannot give the snapshot that was asked for. */
export class NoSnapshotError extends KeyrollError {
  override readonly name = 'NoSnapshotError'
  constructor(
    readonly reason: NoSnapshotReason,
    message: string,
  ) {
    super(message)
  }
}

/** What L1 has against a snapshot (docs/snapshot.md). */
export type SnapshotRefusal =
  | 'L1_DIFFERS'
  | 'NOTHING_FINALIZED'
  | 'NOT_FINALIZED'
  | 'OUTPUT_ABSENT'
  | 'OUTPUT_DIFFERS'
  | 'OUTPUT_CHALLENGEABLE'
  | 'WRONG_FIRST_OUTPUT'
  | 'WRONG_INCLUSION'

/** Reports a whole snapshot that L1 does not bear out, or not yet. */
export class RefusedSnapshotError extends KeyrollError {
  override readonly name = 'RefusedSnapshotError'
  constructor(
    readonly reason: SnapshotRefusal,
    message: string,
  ) {
    super(`the snapshot is refused: ${message}`)
  }
}
