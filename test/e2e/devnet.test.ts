import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
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

async function rpc<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json' }
  const answer = (await (await fetch(url, { method: 'POST', headers, body })).json()) as { result: T }
  return answer.result
}
