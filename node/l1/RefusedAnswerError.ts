import { KeyrollError } from '../../protocol/index.ts'

/** Reports an answer of an L1 node that is malformed, too large, or whose hash is wrong: the next node is asked. */
export class RefusedAnswerError extends KeyrollError {
  override readonly name = 'RefusedAnswerError'
}
