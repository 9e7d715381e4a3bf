import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPublicClient, type Hex, http, parseEventLogs } from 'viem'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { DemoResult } from '../../cli/demo/runDemo.ts'
import { batchInboxAbi, outputOracleAbi } from '../../contracts/index.ts'
import { type DevnetInfo, parseDevnetInfo } from '../../devnet/index.ts'
import { keyroll, type Run } from './keyroll.ts'

const PORTS = ['l1', 'beacon', 'a', 'b', 'sequencer', 'admin', 'node'].flatMap((name) => [
  `--${name}-port`,
  '0',
])

let directory: string
let devnet: Run
let info: DevnetInfo
let id: Hex

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-e2e-'))
  const out = join(directory, 'devnet.json')
  devnet = keyroll('devnet', ...PORTS, '--data-dir', join(directory, 'data'), '--out', out)
  await vi.waitFor(() => expect(existsSync(out), devnet.stderr()).toBe(true), { timeout: 60_000 })
  info = parseDevnetInfo(readFileSync(out, 'utf8'))
}, 90_000)

afterAll(async () => {
  devnet.kill('SIGTERM')
  await devnet.exited
  rmSync(directory, { recursive: true, force: true })
})

const l1 = () => createPublicClient({ transport: http(info.l1.rpcUrl) })

describe('keyroll devnet', () => {
  it('prints where everything is, and writes the same as JSON', async () => {
    await vi.waitFor(() => expect(devnet.stdout()).toContain(info.dataDir))
    const shown = [
      ...[info.l1.rpcUrl, info.l1.beaconUrl, info.sequencer.rpcUrl, info.node.rpcUrl],
      ...info.chains.map(({ rpcUrl }) => rpcUrl),
      ...[...Object.values(info.contracts.l1), ...Object.values(info.contracts.l2)],
      ...Object.values(info.accounts).flatMap(({ address, privateKey }) => [address, privateKey]),
    ]
    for (const text of shown) expect(devnet.stdout()).toContain(text)
  })

  it('has the same contracts at the same addresses on both chains', async () => {
    for (const address of Object.values(info.contracts.l2)) {
      const codes = await Promise.all(
        info.chains.map(({ rpcUrl }) => createPublicClient({ transport: http(rpcUrl) }).getCode({ address })),
      )
      expect(codes[0]).toMatch(/^0x[0-9a-f]+/)
      expect(codes[0]).toBe(codes[1])
    }
  })

  it('carries a demo whose every claim stands on the chains', async () => {
    const demo = keyroll('demo', '--json', '--devnet', join(directory, 'devnet.json'))
    expect(await demo.exited, demo.stderr()).toBe(0)
    const result: DemoResult = JSON.parse(demo.stdout())
    id = result.id

    const batch = await l1().getTransactionReceipt({ hash: result.batchTx })
    expect(batch.to).toBe(info.contracts.l1.batchInbox)
    expect(
      parseEventLogs({ abi: batchInboxAbi, eventName: 'BatchSubmitted', logs: batch.logs }),
    ).toHaveLength(1)

    const output = await l1().readContract({
      address: info.contracts.l1.outputOracle,
      abi: outputOracleAbi,
      functionName: 'getL2Output',
      args: [BigInt(result.outputIndex)],
    })
    expect(output.outputRoot).toBe(result.outputRoot)
    expect(output.l2BlockNumber).toBeGreaterThanOrEqual(BigInt(result.safeBlock))

    for (const url of [info.sequencer.rpcUrl, info.node.rpcUrl]) {
      const keystore = await rpc<{ configHash: Hex }>(url, 'keyroll_getConfig', [result.id, 'safe'])
      expect(keystore.configHash).toBe(result.configHash)
    }
  }, 120_000)

  it('answers what a keystore holds, and refuses what is no set-config, to the same commands', async () => {
    const node = ['--keyroll-rpc', info.node.rpcUrl]
    const get = keyroll('get', id, ...node, '--block', 'finalized')
    const unknown = keyroll('get', `0x${'ab'.repeat(32)}`, ...node)
    const send = keyroll('send', '0x4bc0', '--keyroll-rpc', info.sequencer.rpcUrl)
    expect(await get.exited, get.stderr()).toBe(0)
    expect(JSON.parse(get.stdout())).toMatchObject({ id, written: true, config: { nonce: '0x1' } })
    expect(await unknown.exited, unknown.stderr()).toBe(0)
    expect(JSON.parse(unknown.stdout())).toMatchObject({ written: false, config: null })
    expect(await send.exited).toBe(1)
    expect(send.stderr()).toContain('UNDECODABLE')
  })

  it('lets anybody relay a root with the commands alone', async () => {
    const [, chainB] = info.chains
    if (!chainB) expect.unreachable()
    const flags = {
      'l1-rpc': info.l1.rpcUrl,
      'l1-beacon': info.l1.beaconUrl,
      'keyroll-rpc': info.node.rpcUrl,
      rpc: chainB.rpcUrl,
      replica: info.contracts.l2.keystoreReplica,
      source: chainB.source.address,
      'relayer-key-file': keyFile(),
    }
    const relay = keyroll('relay', 'root', '--proposed', ...toArguments(flags))
    expect(await relay.exited, relay.stderr()).toBe(0)
    expect(JSON.parse(relay.stdout())).toMatchObject({ gasUsed: expect.any(Number) })
  })

  it('deploys another rollup and its replica with the commands alone', async () => {
    const { deployer, batcher, promiseSigner, proposer, challenger } = info.accounts
    const rollup = join(directory, 'rollup.json')
    const l1Flags = {
      rpc: info.l1.rpcUrl,
      'deployer-key-file': keyFile(),
      owner: deployer.address,
      batcher: batcher.address,
      'promise-signer': promiseSigner.address,
      proposer: proposer.address,
      challenger: challenger.address,
      out: rollup,
    }
    const deployL1 = keyroll('deploy', 'l1', ...toArguments(l1Flags))
    expect(await deployL1.exited, deployL1.stderr()).toBe(0)
    const written = readFileSync(rollup, 'utf8')
    const again = keyroll('deploy', 'l1', ...toArguments(l1Flags))
    expect(await again.exited).toBe(1)
    expect(again.stderr()).toContain('expected a new file')
    expect(readFileSync(rollup, 'utf8')).toBe(written)
    const replicas: string[] = []
    for (const { rpcUrl } of info.chains) {
      const flags = {
        rpc: rpcUrl,
        'deployer-key-file': keyFile(),
        'rollup-config': rollup,
        schedule: '0:18446744073709551615:6444',
      }
      const deployReplica = keyroll('deploy', 'replica', ...toArguments(flags))
      expect(await deployReplica.exited, deployReplica.stderr()).toBe(0)
      replicas.push(JSON.parse(deployReplica.stdout()).keystoreReplica)
    }
    expect(replicas[0]).toBe(replicas[1])
    expect(replicas[0]).not.toBe(info.contracts.l2.keystoreReplica)
  }, 60_000)

  it('stops cleanly on Ctrl-C, and leaves nothing listening', async () => {
    devnet.kill('SIGINT')
    expect(await devnet.exited, devnet.stderr()).toBe(0)
    const urls = [
      info.l1.rpcUrl,
      info.l1.beaconUrl,
      info.sequencer.rpcUrl,
      info.sequencer.adminUrl,
      info.node.rpcUrl,
    ]
    for (const url of [...urls, ...info.chains.map(({ rpcUrl }) => rpcUrl)]) {
      await expect(fetch(url), url).rejects.toThrow()
    }
    expect(existsSync(join(directory, 'devnet.json'))).toBe(false)
  })
})

/** A funded key in a file of its own. */
function keyFile(): string {
  const path = join(directory, 'key')
  writeFileSync(path, info.accounts.user.privateKey)
  return path
}

function toArguments(flags: Record<string, string>): string[] {
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])
}

async function rpc<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const answer = (await (await fetch(url, { method: 'POST', headers, body })).json()) as { result: T }
  return answer.result
}
