import { concat, encodeFunctionData, type Hex, numberToHex, pad, size, zeroHash } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, createKeystore, createNextConfig, signSetConfig } from '../client/index.ts'
import { keystoreReplicaAbi } from '../contracts/index.ts'
import type { Config, Scheme } from '../protocol/index.ts'
import { createTestSigner, type TestSigner } from './testSigners.ts'
import type { TraceStep } from './validationTrace.ts'
import { startValidationWorld, VALIDATION_ROLLUP, type ValidationWorld } from './validationWorld.ts'

const SCHEMES: readonly [string, Scheme][] = [
  ['secp256k1', 1],
  ['P-256', 2],
  ['WebAuthn', 3],
]
const KINDS = [
  ['wallet', 'walletOf'],
  ['modular account', 'modularAccountOf'],
] as const

/** Where P-256 is checked by a contract, a trace is long: 75,000 steps for each signature. */
const TIMEOUT = 180_000

let worlds: { osaka: ValidationWorld; prague: ValidationWorld }
beforeAll(async () => {
  const [osaka, prague] = await Promise.all([startValidationWorld('osaka'), startValidationWorld('prague')])
  worlds = { osaka, prague }
}, TIMEOUT)
afterAll(() => Promise.all(Object.values(worlds).map((world) => world.stop())))

describe.each(['osaka', 'prague'] as const)('on a chain of %s', (hardfork) => {
  describe.each(KINDS)('a %s', (_, accountOf) => {
    test.each(SCHEMES)(
      'validates by the rules with %s: as it is deployed, and rotating in the same operation',
      async (name, scheme) => {
        const world = worlds[hardfork]
        const seed = `${hardfork} ${accountOf} ${name}`
        const [signer, last] = [createTestSigner(scheme, seed), createTestSigner(1, `${seed} last`)]
        const { id, initial } = createKeystore({ signers: [signer] })
        const account = await world[accountOf](id)

        const deploying = await world.operate({ account, signer, current: initial })
        expect(await world.violationsOf(deploying, account, id)).toEqual([])
        expectChecked(deploying, world, scheme)
        expect(deploying.filter(({ op }) => op === 'CREATE2')).toHaveLength(1)

        const { next, raw } = await rotate(id, initial, signer, last)
        const preconfirm = { head: initial, raw }
        const rotating = await world.operate({ account, signer: last, current: next, preconfirm })
        expect(await world.violationsOf(rotating, account, id)).toEqual([])
        expectChecked(rotating, world, scheme)
        // Another keystore's slots are not associated with this account.
        expect(await world.violationsOf(rotating, account, zeroHash)).toContainEqual(
          expect.stringMatching(new RegExp(`^SSTORE of slot .* of ${world.contracts.keystoreReplica}`, 'i')),
        )
      },
      TIMEOUT,
    )
  })

  /** Else nothing was traced, or nothing checked. */
  function expectChecked(steps: readonly TraceStep[], world: ValidationWorld, scheme: Scheme) {
    const called = steps.filter(({ op }) => op === 'STATICCALL').map(({ stack }) => BigInt(stack.at(-2) ?? 0))
    expect(called).toContain(BigInt(world.contracts.keystoreReplica))
    if (scheme === 1) expect(called).toContain(1n)
    else expect(called.includes(0x100n)).toBe(hardfork === 'osaka')
  }
})

test.each(KINDS)(
  'a %s may be deployed, rotated and operated by its new passkey at once',
  async (_, accountOf) => {
    const world = worlds.osaka
    const [old, fresh] = [createTestSigner(3, `${accountOf} old`), createTestSigner(3, `${accountOf} fresh`)]
    const { id, initial } = createKeystore({ signers: [old] })
    const account = await world[accountOf](id)
    const { next, raw } = await rotate(id, initial, old, fresh)
    const preconfirm = { head: initial, raw }
    const steps = await world.operate({ account, signer: fresh, current: next, preconfirm })
    expect(await world.violationsOf(steps, account, id)).toEqual([])
  },
)

describe('the check of the rules', () => {
  /** Code of an account that takes every operation, having done something. */
  const accountThat = (does: Hex): Hex => concat([does, '0x60206000f3'])
  const push = (value: Hex): Hex => concat([numberToHex(0x5f + size(value), { size: 1 }), value])
  /** `STATICCALL`, or another call without value, of an address. */
  const calling = (address: Hex, data: Hex = '0x'): Hex => {
    const stores = Array.from({ length: Math.ceil(size(data) / 32) }, (_, index) => {
      const word: Hex = `0x${data.slice(2 + 64 * index, 66 + 64 * index).padEnd(64, '0')}`
      return concat([push(word), push(numberToHex(0x100 + 32 * index, { size: 2 })), '0x52'])
    })
    const length = push(numberToHex(size(data), { size: 2 }))
    return concat([...stores, '0x5f5f', length, '0x610100', push(address), '0x5afa50'])
  }

  async function violationsOf(does: Hex, world: ValidationWorld = worlds.osaka): Promise<string[]> {
    const account = await world.accountWithCode(accountThat(does))
    return world.violationsOf(await world.operateUnsigned(account), account, zeroHash)
  }

  test('finds nothing in code that does nothing', async () => {
    expect(await violationsOf('0x')).toEqual([])
  })

  test.each<[string, Hex]>([
    ['ORIGIN', '0x3250'],
    ['GASPRICE', '0x3a50'],
    ['BLOCKHASH', '0x5f4050'],
    ['COINBASE', '0x4150'],
    ['TIMESTAMP', '0x4250'],
    ['NUMBER', '0x4350'],
    ['PREVRANDAO', '0x4450'],
    ['GASLIMIT', '0x4550'],
    ['BASEFEE', '0x4850'],
    ['BLOBBASEFEE', '0x4a50'],
    ['BALANCE', '0x303150'],
    ['SELFBALANCE', '0x4750'],
    ['CREATE', '0x5f5f5ff050'],
    ['CREATE2', '0x5f5f5f5ff550'],
    ['GAS', '0x5a50'],
  ])('finds %s in code that runs', async (op, does) => {
    const found = (await violationsOf(does)).map((violation) => violation.split(' ')[0])
    expect(new Set(found.map((name) => name?.replace('DIFFICULTY', 'PREVRANDAO')))).toEqual(new Set([op]))
  })

  test("finds that another account's record is read in the replica", async () => {
    const { keystoreReplica } = worlds.osaka.contracts
    const args = [pad('0x01'), pad('0x02', { size: 20 })] as const
    const read = encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'record', args })
    const violations = await violationsOf(calling(keystoreReplica, read))
    expect(violations).not.toEqual([])
    for (const violation of violations) expect(violation).toMatch(/^SLOAD of slot/)
  })

  test('finds that the P-256 precompile is called where there is none', async () => {
    expect(await violationsOf(calling('0x0100'))).toEqual([])
    expect(await violationsOf(calling('0x0100'), worlds.prague)).toEqual([
      expect.stringContaining('which has no code'),
    ])
  })
})

async function rotate(id: Hex, current: Config, by: TestSigner, to: TestSigner) {
  const next = createNextConfig(current, { signers: createAuthority({ signers: [to] }) })
  const asConfigSigner = (signer: TestSigner) => ({
    ...signer,
    sign: async ({ digest }: { digest: Hex }) => signer.sign(digest),
  })
  const { raw } = await signSetConfig({
    ...{ rollup: VALIDATION_ROLLUP, kind: 0, id, current, next },
    ...{ authority: [by], approvers: [asConfigSigner(by)], nextSigners: [asConfigSigner(to)] },
  })
  return { next, raw }
}
