import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type Hex, zeroAddress } from 'viem'
import { readContract } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keystoreReplicaAbi, keystoreReplicaBytecode } from '../../contracts/index.ts'
import { createNativeVerifier } from '../../node/index.ts'
import {
  configHash,
  decodeSetConfig,
  fromHex,
  type Scheme,
  type SignatureVerifier,
  setConfigToBytes,
  toHex,
  toShortConfig,
  validateSetConfig,
  verifySignature,
} from '../../protocol/index.ts'
import { arbitraryHash, arbitraryScheme, arbitrarySetConfig } from '../arbitraries.ts'
import { createTestSigner } from '../testSigners.ts'
import { arbitraryEncoding } from './arbitraryEncoding.ts'
import { arbitraryUpdate } from './arbitraryUpdate.ts'
import { createEnemies, ENEMY_ROLLUP, type Enemy, type Verdict } from './enemies.ts'
import { compileHarness, deployed, type SolidityHarness, startHarness } from './SolidityHarness.ts'

const CHAIN_ID = 4_200_777n
const LIMITS = { minRecoveryDelay: 100, challengePeriod: 1000 }
const PRECOMPILE = '0x0000000000000000000000000000000000000100'

let directory: string
/** A chain with the P-256 precompile, and one without: there the harness has the contract instead. */
let osaka: SolidityHarness
let prague: SolidityHarness

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-differential-'))
  const code = await compileHarness('SetConfigHarness', directory)
  osaka = await startHarness(code, [false], 'osaka', directory)
  prague = await startHarness(code, [true], 'prague', directory)
})

afterAll(async () => {
  await osaka?.anvil.stop()
  await prague?.anvil.stop()
  await rm(directory, { recursive: true, force: true })
})

describe('Solidity and TypeScript', () => {
  it('agree whether an update is valid, and why not', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryUpdate, fc.boolean(), async ({ current, tx }, hasPrecompile) => {
        const reason = validateSetConfig({
          tx,
          current,
          recovery: undefined,
          timestamp: 0n,
          rollup: LIMITS,
          verify: verifySignature,
        })
        const raw = toHex(setConfigToBytes(tx))
        const answer = await (hasPrecompile ? osaka : prague).call('requireValidUpdate', [
          raw,
          toShortConfig(current),
          CHAIN_ID,
          LIMITS,
        ])
        expect(answer).toEqual(
          reason === undefined ? { value: configHash(tx.next) } : { error: toErrorName(reason) },
        )
      }),
      { numRuns: 250 },
    )
  })

  it('agree which bytes are a set-config', async () => {
    const arbitraryBytes = fc
      .tuple(arbitrarySetConfig(CHAIN_ID), fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([tx, at, flip]) => {
        const raw = setConfigToBytes(tx)
        const index = at % raw.length
        return raw.with(index, (raw[index] as number) ^ flip)
      })
    await fc.assert(
      fc.asyncProperty(fc.oneof(arbitraryBytes, arbitraryEncoding(CHAIN_ID)), async (raw) => {
        const decoded = decodeSetConfig(raw, CHAIN_ID)
        const answer = await osaka.call('decode', [toHex(raw), CHAIN_ID])
        expect('value' in answer).toBe(decoded.ok)
        if (!decoded.ok || !('value' in answer)) return
        const { id, kind, next, approvals, openings } = decoded.tx
        expect(answer.value).toEqual([id, kind, toShortConfig(next), approvals, openings])
      }),
      { numRuns: 600 },
    )
  })

  it('agree which signatures are valid', async () => {
    const arbitraryCase = fc.record({
      scheme: arbitraryScheme,
      signingScheme: fc.option(arbitraryScheme, { freq: 8 }),
      digest: arbitraryHash,
      at: fc.nat(),
      flip: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 255 })),
    })
    await fc.assert(
      fc.asyncProperty(arbitraryCase, async ({ scheme, signingScheme, digest, at, flip }) => {
        const { key } = createTestSigner(scheme, 'differential')
        const good = createTestSigner(signingScheme ?? scheme, 'differential').sign(digest)
        const signature = flipped(good, at, flip)
        const valid = verifySignature(scheme, key, digest, signature)
        for (const harness of [osaka, prague]) {
          const answer = await harness.call('verify', [scheme, key, digest, signature])
          expect('value' in answer && answer.value).toBe(valid)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('agree that of two signatures only the one with low s is valid', async () => {
    const orders: Record<1 | 2, bigint> = {
      1: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
      2: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    }
    await fc.assert(
      fc.asyncProperty(arbitraryHash, fc.constantFrom<1 | 2>(1, 2), async (digest, scheme) => {
        const { key, sign } = createTestSigner(scheme, 'differential')
        const low = sign(digest)
        const high = withOtherS(low, scheme, orders[scheme])
        for (const [signature, valid] of [
          [low, true],
          [high, false],
        ] as const) {
          expect(verifySignature(scheme, key, digest, signature)).toBe(valid)
          for (const harness of [osaka, prague]) {
            expect(await harness.call('verify', [scheme, key, digest, signature])).toEqual({ value: valid })
          }
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('at the edge of a rule, Solidity and TypeScript both say', () => {
  const enemies = createEnemies()

  it.each(enemies.map((enemy) => [enemy.name, enemy.verdict, enemy]))(
    '%s: %s',
    async (_name, _verdict, enemy) => {
      expect(verdictOf(enemy, verifySignature)).toBe(enemy.verdict)
      expect(verdictOf(enemy, createNativeVerifier())).toBe(enemy.verdict)
      for (const harness of [osaka, prague]) {
        const { chainId, limits } = ENEMY_ROLLUP
        const decoded = await harness.call('decode', [toHex(enemy.raw), chainId])
        expect('value' in decoded).toBe(enemy.verdict !== 'undecodable')
        const current = toShortConfig(enemy.current)
        const answer = await harness.call('requireValidUpdate', [toHex(enemy.raw), current, chainId, limits])
        expect('value' in answer).toBe(enemy.verdict === 'valid')
        if ('value' in answer || enemy.verdict === 'undecodable') continue
        // Solidity has a name of its own for what no config in force can have.
        const isThresholdZero =
          enemy.current.signers.threshold === 0 && enemy.verdict === 'WRONG_APPROVAL_COUNT'
        expect(answer.error).toBe(isThresholdZero ? 'ThresholdZero' : toErrorName(enemy.verdict))
      }
    },
  )

  it('different things, on both sides of the edges', () => {
    expect(new Set(enemies.map(({ name }) => name)).size).toBe(enemies.length)
    const verdicts = new Set(enemies.map(({ verdict }) => verdict))
    const ofUpdates: Verdict[] = [
      ...(['valid', 'undecodable', 'NONCE_TOO_LOW', 'NONCE_TOO_HIGH', 'CONFIG_NOT_WELL_FORMED'] as const),
      ...(['WRONG_APPROVAL_COUNT', 'APPROVALS_NOT_ASCENDING', 'NOT_A_SIGNER', 'BAD_SIGNATURE'] as const),
      ...(['UNEXPECTED_OPENINGS', 'WRONG_OPENING_COUNT', 'OPENINGS_NOT_ASCENDING'] as const),
      ...(['OPENING_NOT_IN_ROOT', 'BAD_OPENING_SIGNATURE', 'NO_USABLE_SIGNER'] as const),
    ]
    expect([...verdicts].sort()).toEqual([...ofUpdates].sort())
  })
})

describe('a replica', () => {
  it('finds the P-256 precompile where the chain has it, and deploys a contract where not', async () => {
    const verifierOn = async ({ client }: SolidityHarness) => {
      const parameters = {
        outputOracle: zeroAddress,
        l2ChainId: CHAIN_ID,
        ...LIMITS,
        sources: [PRECOMPILE],
        outputBridge: zeroAddress,
        sourceAdmin: zeroAddress,
      } as const
      const address = await deployed(client, keystoreReplicaAbi, keystoreReplicaBytecode, [parameters])
      return readContract(client, { address, abi: keystoreReplicaAbi, functionName: 'p256Verifier' })
    }
    expect(await verifierOn(osaka)).toBe(PRECOMPILE)
    expect(await verifierOn(prague)).not.toBe(PRECOMPILE)
    expect(await osaka.call('hasPrecompile', [])).toEqual({ value: true })
    expect(await prague.call('hasPrecompile', [])).toEqual({ value: false })
  })
})

function verdictOf({ raw, current }: Enemy, verify: SignatureVerifier): Verdict {
  const decoded = decodeSetConfig(raw, ENEMY_ROLLUP.chainId)
  if (!decoded.ok) return 'undecodable'
  const reason = validateSetConfig({
    tx: decoded.tx,
    current,
    recovery: undefined,
    timestamp: 0n,
    rollup: ENEMY_ROLLUP.limits,
    verify,
  })
  return reason ?? 'valid'
}

/** `NOT_A_SIGNER` to `NotASigner`. */
function toErrorName(reason: string): string {
  return reason
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('')
}

function flipped(hex: Hex, at: number, flip: number): Hex {
  const bytes = fromHex(hex)
  const index = at % bytes.length
  return toHex(bytes.with(index, (bytes[index] as number) ^ flip))
}

function withOtherS(signature: Hex, scheme: Scheme, order: bigint): Hex {
  const s = order - BigInt(`0x${signature.slice(66, 130)}`)
  const v = scheme === 1 ? (signature.endsWith('1b') ? '1c' : '1b') : ''
  return `${signature.slice(0, 66) as Hex}${s.toString(16).padStart(64, '0')}${v}`
}
