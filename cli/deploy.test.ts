import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createClient, http, zeroAddress } from 'viem'
import { getTransactionCount } from 'viem/actions'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { devnetAccounts } from '../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../devnet/anvil.ts'
import { parseRollupConfig } from '../protocol/index.ts'
import { startHttpServer } from '../test/httpServer.ts'
import { CliError } from './CliError.ts'
import { createDeployCommand } from './deploy.ts'
import { readRollupConfig } from './options.ts'

const ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const PROPOSER = '0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF'
const ROLES = ['owner', 'batcher', 'promise-signer', 'challenger']

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-deploy-'))
  mkdirSync(dirname(out()))
  vi.stubEnv('KEYROLL_DEPLOYER_KEY', `0x${'01'.repeat(32)}`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

/** Nobody listens there: whoever gets so far as to ask L1 fails with an error of another kind. */
const NOWHERE = 'http://127.0.0.1:1'

const out = () => join(directory, 'out', 'rollup.json')

function deployL1(...flags: readonly string[]): Promise<unknown> {
  const roles = [...ROLES.flatMap((role) => [`--${role}`, ADDRESS]), '--proposer', PROPOSER]
  const args = ['l1', '--rpc', NOWHERE, '--out', out(), ...roles, ...flags]
  return parse(args)
}

/** Throws where commander would end the process. */
async function parse(args: readonly string[]): Promise<unknown> {
  const command = createDeployCommand()
  for (const each of command.commands) each.exitOverride().configureOutput({ writeErr: () => undefined })
  return command.parseAsync(args, { from: 'user' })
}

describe('keyroll deploy l1', () => {
  it('refuses a recovery delay below two sequencing windows, before it does anything', async () => {
    const deployed = deployL1('--seq-window-size', '3600', '--min-recovery-delay', '86399')
    await expect(deployed).rejects.toThrow(CliError)
    await expect(deployed).rejects.toThrow('at least 86400 seconds')
    expect(existsSync(out())).toBe(false)
  })

  it.each([
    ['two sequencing windows', ['--min-recovery-delay', '86400']],
    ['less where that is allowed', ['--min-recovery-delay', '60', '--allow-short-recovery']],
  ])('takes %s', async (_, flags) => {
    await expect(deployL1('--seq-window-size', '3600', ...flags)).rejects.not.toBeInstanceOf(CliError)
  })

  it.each([...ROLES, 'proposer'])('refuses the zero address as %s', async (role) => {
    await expect(deployL1(`--${role}`, zeroAddress)).rejects.toThrow('expected an account')
  })

  it('refuses one account as batcher and proposer, which no sequencer takes', async () => {
    await expect(deployL1('--proposer', ADDRESS)).rejects.toThrow(`got ${ADDRESS} twice`)
    expect(existsSync(out())).toBe(false)
  })

  it('never touches a file that is there', async () => {
    writeFileSync(out(), '{"genesis": {}}')
    await expect(deployL1()).rejects.toThrow('expected a new file, or one of an unfinished deployment')
    expect(readFileSync(out(), 'utf8')).toBe('{"genesis": {}}')
  })

  it('leaves no file where nothing was asked yet', async () => {
    await expect(deployL1()).rejects.toThrow()
    expect(existsSync(out())).toBe(false)
  })
})

describe('keyroll deploy l1 on an L1', () => {
  let anvil: Anvil
  let l1: Awaited<ReturnType<typeof startHttpServer>>
  let answer: (method: string, body: string) => Promise<Response>
  beforeEach(async () => {
    anvil = await startAnvil({ name: 'deploy', chainId: 900, port: 0, logDirectory: directory })
    answer = (_, body) => ask(body)
    l1 = await startHttpServer((_, body) => answer(JSON.parse(body).method, body))
    vi.stubEnv('KEYROLL_DEPLOYER_KEY', devnetAccounts().deployer.privateKey)
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await l1.close()
    await anvil.stop()
  })

  async function ask(body: string): Promise<Response> {
    const headers = { 'content-type': 'application/json' }
    return Response.json(await (await fetch(anvil.url, { method: 'POST', headers, body })).json())
  }

  const sent = () =>
    getTransactionCount(createClient({ transport: http(anvil.url) }), devnetAccounts().deployer)
  const deploy = (...flags: readonly string[]) => deployL1('--rpc', l1.url, ...flags)

  /** Estimates nothing after a number of transactions. */
  function failAfter(count: number): void {
    let sends = 0
    answer = async (method, body) => {
      if (sends === count && method === 'eth_estimateGas') return new Response('', { status: 404 })
      if (method === 'eth_sendRawTransaction') sends++
      return ask(body)
    }
  }

  function collectStdout(): () => string {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    return () => written.mock.calls.map(([text]) => text).join('')
  }

  it('goes on where it ended, with the same chain id and origin, and pays for nothing twice', async () => {
    const stdout = collectStdout()
    failAfter(2)
    await expect(deploy()).rejects.toThrow()
    expect(() => readRollupConfig(out())).toThrow(CliError)
    const { unfinished } = JSON.parse(readFileSync(out(), 'utf8'))
    answer = (_, body) => ask(body)
    await deploy()
    expect(await sent()).toBe(5)
    const rollup = readRollupConfig(out())
    expect(`${rollup.l2ChainId}`).toBe(unfinished.parameters.l2ChainId)
    expect(rollup.genesis.l1.hash).toBe(unfinished.origin.hash)
    expect(JSON.parse(stdout())).toMatchObject({
      outputOracle: rollup.outputOracleAddress,
      rollupConfig: out(),
    })
  })

  it('says that it goes on where it ended, but not when the rollup has lost its origin', async () => {
    collectStdout()
    const stderr = vi.mocked(process.stderr.write)
    failAfter(1)
    await expect(deploy()).rejects.toThrow()
    expect(stderr).toHaveBeenCalledWith(expect.stringContaining('the same command goes on'))
    stderr.mockClear()
    answer = async (method, body) => {
      const isByNumber = method === 'eth_getBlockByNumber' && JSON.parse(body).params[0].startsWith('0x')
      if (!isByNumber) return ask(body)
      return Response.json({ jsonrpc: '2.0', id: JSON.parse(body).id, result: null })
    }
    await expect(deploy()).rejects.toThrow('begin another rollup')
    expect(stderr).not.toHaveBeenCalled()
  })

  it('has its plan in the file before it pays, so that it may be killed', async () => {
    collectStdout()
    let planned: unknown
    answer = async (method, body) => {
      if (method === 'eth_sendRawTransaction') planned ??= JSON.parse(readFileSync(out(), 'utf8')).unfinished
      return ask(body)
    }
    await deploy()
    const { number, hash } = readRollupConfig(out()).genesis.l1
    expect(planned).toMatchObject({ l1ChainId: '900', origin: { number: `${number}`, hash } })
  })

  it('keeps what it paid for when only the last question fails', async () => {
    collectStdout()
    let isLast = false
    answer = async (method, body) => {
      if (isLast && method === 'eth_getBlockByNumber') return new Response('', { status: 404 })
      const answered = await ask(body)
      if (method === 'eth_getCode' && (await sent()) === 5) isLast = true
      return answered
    }
    await expect(deploy()).rejects.toThrow()
    expect(await sent()).toBe(5)
    answer = (_, body) => ask(body)
    await deploy()
    expect(await sent()).toBe(5)
    expect(readRollupConfig(out()).l1ChainId).toBe(900n)
  })

  it('does not go on with other flags, but with other fees and a chain id that it drew itself', async () => {
    collectStdout()
    failAfter(1)
    await expect(deploy()).rejects.toThrow()
    answer = (_, body) => ask(body)
    const other = deploy('--block-time', '7', '--l2-chain-id', '5')
    await expect(other).rejects.toThrow('expected the same flags again; others are l2ChainId, blockTime')
    expect(await sent()).toBe(1)
    const { unfinished } = JSON.parse(readFileSync(out(), 'utf8'))
    await deploy('--max-fee', '400', '--l2-chain-id', unfinished.parameters.l2ChainId)
    expect(await sent()).toBe(5)
  })

  it('puts the config on standard output when its file cannot be written at last', async () => {
    const stdout = collectStdout()
    answer = async (method, body) => {
      const answered = await ask(body)
      if (method === 'eth_sendRawTransaction' && (await sent()) === 5)
        rmSync(dirname(out()), { recursive: true })
      return answered
    }
    const deployed = deploy()
    await expect(deployed).rejects.toThrow(CliError)
    await expect(deployed).rejects.toThrow('their rollup config is on standard output')
    expect(parseRollupConfig(JSON.parse(stdout())).l1ChainId).toBe(900n)
  })

  it.each([
    ['l2_chain_id', ['--l2-chain-id', '9007199254740993']],
    ['l2_chain_id', ['--l2-chain-id', '18446744073709551616']],
    ['seq_window_size', ['--seq-window-size', '1']],
    ["got that of L1, expected one of the rollup's own", ['--l2-chain-id', '900']],
  ])('pays for no rollup whose config no node should read: %s', async (field, flags) => {
    await expect(deploy(...flags)).rejects.toThrow(field)
    expect(await sent()).toBe(0)
    expect(existsSync(out())).toBe(false)
  })
})

describe('keyroll deploy replica', () => {
  const deployReplica = (...schedules: readonly string[]) =>
    parse([
      ...['replica', '--rpc', NOWHERE, '--rollup-config', 'none'],
      ...schedules.flatMap((each) => ['--schedule', each]),
    ])

  it.each([
    ['words', ['soon'], 'expected FROM:UNTIL:INDEX'],
    ['two numbers', ['1:2'], 'expected FROM:UNTIL:INDEX'],
    ['a period that ends before it begins', ['5:2:6444'], 'expected ascending slots'],
    ['a slot of more than 64 bits', ['0:18446744073709551616:6444'], 'expected ascending slots'],
    ['periods that overlap', ['1:20:6444', '10:30:6444'], 'expected ascending slots'],
    ['the root', ['1:20:1'], 'expected a generalized index'],
  ])('refuses a schedule of %s, before it does anything', async (_, schedules, message) => {
    await expect(deployReplica(...schedules)).rejects.toThrow(message)
  })

  it('takes periods one by one or in a list', async () => {
    await expect(deployReplica('1:20:6444,20:30:6445', '40:50:6444')).rejects.toThrow('none: cannot be read')
  })
})
