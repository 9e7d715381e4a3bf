import { createVerifier, type Verifier } from '../../derivation/index.ts'
import { createLogger } from '../../node/index.ts'
import type { SequencerWorld } from '../sequencerWorld.ts'

/** Starts a verifier of this process that has nothing, and derives all from L1; who started it closes it. */
export function startFreshVerifier({
  rollup,
  l1Url,
}: Pick<SequencerWorld, 'rollup' | 'l1Url'>): Promise<Verifier> {
  return createVerifier({
    rollup,
    dataDirectory: ':memory:',
    l1: { urls: [l1Url] },
    rpc: { host: '127.0.0.1', port: 0 },
    logger: createLogger({ level: 'silent' }),
    version: 'keyroll/test',
    pollIntervalMs: 100,
  })
}
