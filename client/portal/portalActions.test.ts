import {
  type Account,
  createClient,
  createTestClient,
  custom,
  type Hex,
  http,
  parseEther,
  parseTransaction,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awaitMined } from '../../contracts/awaitMined.ts'
import {
  type Config,
  configHash,
  configToJson,
  InvalidHexError,
  type RollupConfig,
  toHex,
  userDepositSourceHash,
} from '../../protocol/index.ts'
import { type L1World, startL1World } from '../../test/l1World.ts'
import { withAnswers } from '../../test/replicaWorld.ts'
import { createTestKeystore, type TestKeystore } from '../../test/TestKeystore.ts'
import {
  findForced,
  findForceFault,
  forceConfig,
  InsufficientFundsError,
  PortalAbsentError,
  portalActions,
  UndecodableSetConfigError,
  WrongL1Error,
} from '../index.ts'

let world: L1World
let rollup: RollupConfig

beforeAll(async () => {
  world = await startL1World()
  rollup = world.rollup
}, 60_000)

afterAll(() => world.stop())

function portalClient(key = world.accounts.user.privateKey, of = rollup) {
  return world.walletOf(key).extend(portalActions({ rollup: of }))
}

const keystoreOf = (name: string) => createTestKeystore(rollup.l2ChainId, name)

describe('forcing a set-config', () => {
  it('costs at most what was estimated, and is found in the receipt', async () => {
    const client = portalClient()
    const { raw, hash } = keystoreOf('found').update()
    const estimate = await client.estimateForce({ raw: toHex(raw) })
    expect(estimate.burnedGas).toBe(40n * BigInt(raw.length))
    const transaction = await client.forceConfig({ raw: toHex(raw), estimate })
    const receipt = (await awaitMined(client, { hash: transaction })).receipt
    expect(receipt.status).toBe('success')
    expect(receipt.gasUsed * receipt.effectiveGasPrice).toBeLessThanOrEqual(estimate.cost)
    expect(receipt.gasUsed).toBeGreaterThan(estimate.burnedGas)
    const [forced, ...more] = findForced(rollup, receipt)
    expect(more).toEqual([])
    expect(forced).toEqual({
      raw: toHex(raw),
      setConfigHash: hash,
      transactionHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      sourceHash: userDepositSourceHash(receipt.blockHash, 0n),
      depositIndex: 0n,
      l1BlockNumber: receipt.blockNumber,
      l1BlockHash: receipt.blockHash,
      latestL1Block: receipt.blockNumber + 40n,
    })
  })

  it('has gas enough in a new block although it was estimated in one that has deposits', async () => {
    const client = portalClient()
    const keystore = keystoreOf('gas')
    for (let i = 0; i < 2; i++) {
      const hash = await client.forceConfig({ raw: toHex(keystore.update({ data: `0x0${i}` }).raw) })
      expect((await awaitMined(client, { hash })).receipt.status).toBe('success')
    }
  })

  it('takes as many bytes as a set-config may have data', async () => {
    const client = portalClient()
    const { raw } = keystoreOf('large').update({ data: `0x${'ab'.repeat(4_096)}` })
    const hash = await client.forceConfig({ raw: toHex(raw) })
    const receipt = (await awaitMined(client, { hash })).receipt
    expect(findForced(rollup, receipt)).toMatchObject([{ raw: toHex(raw) }])
  })

  it.each<[string, () => Hex, string]>([
    ['nothing', () => '0x', 'WRONG_TYPE'],
    ['garbage', () => '0x4bc0', 'MALFORMED'],
    ['too many bytes', () => `0x4b${'00'.repeat(32_768)}`, 'TOO_LONG'],
    ["another rollup's", () => toHex(createTestKeystore(7n, 'a').update().raw), 'WRONG_CHAIN_ID'],
  ])('refuses %s before it costs anything', async (_name, raw, reason) => {
    const client = portalClient()
    const forcing = client.forceConfig({ raw: raw() })
    await expect(forcing).rejects.toThrow(UndecodableSetConfigError)
    await expect(forcing).rejects.toMatchObject({ reason })
  })

  it('refuses what is no hex', async () => {
    await expect(portalClient().forceConfig({ raw: '0x4b0' })).rejects.toThrow(InvalidHexError)
  })

  it('refuses another L1, and an L1 without the portal', async () => {
    const raw = toHex(keystoreOf('elsewhere').update().raw)
    const at = (change: Partial<RollupConfig>) =>
      portalClient(world.accounts.user.privateKey, { ...rollup, ...change }).forceConfig({ raw })
    await expect(at({ l1ChainId: 1n })).rejects.toThrow(WrongL1Error)
    await expect(at({ depositContractAddress: `0x${'ee'.repeat(20)}` })).rejects.toThrow(PortalAbsentError)
    await expect(at({ depositContractAddress: rollup.l1SystemConfigAddress })).rejects.toThrow(
      PortalAbsentError,
    )
    await expect(at({ l1SystemConfigAddress: rollup.batchInboxAddress })).rejects.toThrow(PortalAbsentError)
  })

  it('refuses an account that cannot pay, and says what it needs', async () => {
    const key = generatePrivateKey()
    const raw = toHex(keystoreOf('poor').update().raw)
    const forcing = portalClient(key).forceConfig({ raw })
    await expect(forcing).rejects.toThrow(InsufficientFundsError)
    await expect(forcing).rejects.toMatchObject({ balance: 0n })
    const { cost } = await portalClient(key).estimateForce({ raw })
    const test = createTestClient({ mode: 'anvil', transport: http(world.url) })
    await test.setBalance({ address: privateKeyToAccount(key).address, value: 2n * cost })
    await expect(portalClient(key).forceConfig({ raw })).resolves.toMatch(/^0x/)
  })

  describe('through a node that names another chain once it was checked', () => {
    /** What is handed to a node that tells the truth about its chain only once. */
    function turncoat() {
      const sent: unknown[] = []
      let chainIdsTold = 0
      const client = withAnswers(portalClient(), async (method, params, honest) => {
        if (method === 'eth_chainId' && chainIdsTold++ > 0) return '0x1'
        if (method.startsWith('eth_send')) sent.push(params[0])
        return honest()
      })
      return { client, sent }
    }

    it("is signed for the rollup's L1 all the same", async () => {
      const { client, sent } = turncoat()
      await forceConfig(client, { rollup, raw: toHex(keystoreOf('turncoat').update().raw) })
      expect(sent).toHaveLength(1)
      expect(parseTransaction(sent[0] as Hex).chainId).toBe(Number(rollup.l1ChainId))
    })

    it('is not handed to a wallet that is there', async () => {
      const { client, sent } = turncoat()
      const account: Account = { address: client.account.address, type: 'json-rpc' }
      const forcing = forceConfig(
        { ...client, account },
        { rollup, raw: toHex(keystoreOf('wallet').update().raw) },
      )
      await expect(forcing).rejects.toThrow('does not match the target chain')
      expect(sent).toEqual([])
    })
  })

  it('finds nothing in a transaction that failed or does something else', async () => {
    const { address, privateKey } = world.accounts.user
    const client = world.walletOf(privateKey)
    const hash = await client.sendTransaction({ chain: null, to: address, value: parseEther('1') })
    const receipt = (await awaitMined(client, { hash })).receipt
    expect(findForced(rollup, receipt)).toEqual([])
    expect(findForced(rollup, { ...receipt, status: 'reverted' })).toEqual([])
  })
})

describe('what keeps a set-config from taking effect', () => {
  const BLOCK: Hex = `0x${'ab'.repeat(32)}`

  /** A node on which a keystore has this config. */
  function nodeWith(keystore: TestKeystore, config: Config | undefined, recovery: object | null = null) {
    const { id, initial } = keystore
    const answer = {
      id,
      configHash: configHash(config ?? initial),
      written: config !== undefined,
      config: config === undefined ? null : configToJson(config),
      recovery,
      blockNumber: '0x7',
      blockHash: BLOCK,
    }
    return createClient({ transport: custom({ request: async () => answer }) })
  }
  const faultOf = (node: ReturnType<typeof nodeWith>, raw: Uint8Array, timestamp = 1_000n) =>
    findForceFault(node, { rollup, raw: toHex(raw), timestamp })

  it('is nothing for the next update of a keystore, written or not', async () => {
    const keystore = keystoreOf('next')
    const first = keystore.update()
    const second = keystore.update()
    expect(await faultOf(nodeWith(keystore, undefined), first.raw)).toBeUndefined()
    expect(await faultOf(nodeWith(keystore, first.config), second.raw)).toBeUndefined()
  })

  it('is that it is in force already, or that its nonce is not the next', async () => {
    const keystore = keystoreOf('nonces')
    const first = keystore.update()
    const second = keystore.update()
    expect(await faultOf(nodeWith(keystore, first.config), first.raw)).toBe('ALREADY_IN_EFFECT')
    expect(await faultOf(nodeWith(keystore, second.config), first.raw)).toBe('NONCE_TOO_LOW')
    expect(await faultOf(nodeWith(keystore, undefined), second.raw)).toBe('NONCE_TOO_HIGH')
  })

  it('counts only what L1 holds: an unsafe block may never come there', async () => {
    const keystore = keystoreOf('unsafe')
    const first = keystore.update()
    const second = keystore.update()
    const shown = nodeWith(keystore, first.config)
    const held = nodeWith(keystore, undefined)
    const request: typeof shown.request = (call: { method: string; params?: unknown }) =>
      (Array.isArray(call.params) && call.params[1] === 'safe' ? held : shown).request(call as never)
    const node = createClient({ transport: custom({ request }) })
    expect(await faultOf(node, first.raw)).toBeUndefined()
    expect(await faultOf(node, second.raw)).toBe('NONCE_TOO_HIGH')
  })

  it('is any rule that it breaks', async () => {
    const keystore = keystoreOf('lockout')
    const stranger = keystoreOf('stranger').signer
    const { raw } = keystore.update({ signers: [stranger], isLockout: true })
    expect(await faultOf(nodeWith(keystore, undefined), raw)).toBe('NO_USABLE_SIGNER')
  })

  it('is a recovery that is not ready yet', async () => {
    const keystore = keystoreOf('recovery')
    const started = keystore.startRecovery({ data: '0x05' })
    const completion = keystore.completeRecovery(started.config)
    const pending = { configHash: started.configHash, readyAt: '0x3e8' }
    const node = nodeWith(keystore, keystore.initial, pending)
    expect(await faultOf(node, completion.raw, 999n)).toBe('RECOVERY_NOT_READY')
    expect(await faultOf(node, completion.raw, 1_000n)).toBeUndefined()
    expect(await faultOf(node, started.raw)).toBe('RECOVERY_PENDING')
    expect(await faultOf(nodeWith(keystore, keystore.initial), completion.raw)).toBe('NO_RECOVERY_PENDING')
  })
})
