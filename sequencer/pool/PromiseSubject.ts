import type { ConfigPromise } from '../../protocol/index.ts'

/** What a promise is about. */
export type PromiseSubject = Pick<ConfigPromise, 'id' | 'kind' | 'nonce' | 'configHash'>
