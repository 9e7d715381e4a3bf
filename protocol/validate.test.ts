import { expect, test } from 'vitest'
import { approve, createTestSigner } from '../test/testSigners.ts'
import { type Config, configHash, NO_AUTHORITY } from './Config.ts'
import type { SetConfig } from './SetConfig.ts'
import { setConfigDigest } from './SetConfigDigest.ts'
import { verifySignature } from './Signature.ts'
import { createSignerTree } from './Signer.ts'
import { validateSetConfig } from './validate.ts'

test('nobody speaks for an authority that asks for no approvals', () => {
  const signer = createTestSigner(1, 'alice')
  const signers = { root: createSignerTree([signer]).root, threshold: 1 }
  const current: Config = {
    nonce: 4n,
    signers: { ...signers, threshold: 0 },
    guardians: NO_AUTHORITY,
    recoveryDelay: 0,
    maxStaleness: 0,
    data: '0x',
  }
  const next: Config = { ...current, nonce: 5n, signers }
  const [chainId, id] = [1n, configHash(current)]
  const digest = setConfigDigest({ chainId, kind: 0, id, previous: id, next })
  const openings = approve([signer], [signer], digest)
  const tx: SetConfig = { chainId, id, kind: 0, initial: undefined, next, approvals: [], openings }
  const rollup = { minRecoveryDelay: 0, challengePeriod: 0 }
  const input = { tx, recovery: undefined, timestamp: 0n, rollup, verify: verifySignature }
  expect(validateSetConfig({ ...input, current })).toBe('WRONG_APPROVAL_COUNT')
})
