import type { Hex } from 'viem'
import { KeyrollError } from '../../protocol/index.ts'
import type { BlockId } from '../BlockRef.ts'

/** Reports a database written by another version of this program. */
export class SchemaVersionError extends KeyrollError {
  override readonly name = 'SchemaVersionError'
  constructor(path: string, got: string, expected: string) {
    super(
      `the database at ${path} has schema version ${got}, expected ${expected}: derive the chain into a new one`,
    )
  }
}

/** Reports a database that holds the chain of another rollup config. */
export class WrongRollupError extends KeyrollError {
  override readonly name = 'WrongRollupError'
  constructor(path: string) {
    super(`the database at ${path} belongs to another rollup config: use its own, or another directory`)
  }
}

/** Reports a rollup config whose genesis hash is not that of the genesis it describes. */
export class GenesisMismatchError extends KeyrollError {
  override readonly name = 'GenesisMismatchError'
  constructor(got: Hex, expected: Hex) {
    super(
      `got a rollup config whose genesis.l2.hash is ${got}, expected ${expected}: check the config's L1 origin and time`,
    )
  }
}

/** Reports a block that does not stand where the store needs it. */
export class NotOnHeadError extends KeyrollError {
  override readonly name = 'NotOnHeadError'
  constructor(what: string, block: BlockId, head: BlockId) {
    super(`cannot ${what} block ${block.number} ${block.hash}: the head is ${head.number} ${head.hash}`)
  }
}

/** Reports a block that came out other than somebody said it would. */
export class UnexpectedBlockError extends KeyrollError {
  override readonly name = 'UnexpectedBlockError'
  constructor(got: Hex, expected: Hex) {
    super(`executing the block gave ${got}, expected ${expected}`)
  }
}

/** Reports an output that is not the next one. */
export class OutputIndexError extends KeyrollError {
  override readonly name = 'OutputIndexError'
  constructor(got: bigint, expected: bigint) {
    super(`got output ${got}, expected ${expected}, the next one`)
  }
}

/** Reports that something which must be in the database is not: the database is damaged. */
export class DamagedDatabaseError extends KeyrollError {
  override readonly name = 'DamagedDatabaseError'
  constructor(missing: string) {
    super(`the database lacks ${missing}: derive the chain into a new one`)
  }
}
