import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CliError } from './CliError.ts'
import { createDeployCommand } from './deploy.ts'

const ADDRESS = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const ROLES = ['owner', 'batcher', 'promise-signer', 'proposer', 'challenger']

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyroll-deploy-'))
  vi.stubEnv('KEYROLL_DEPLOYER_KEY', `0x${'01'.repeat(32)}`)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

/** Nobody listens there: whoever gets so far as to ask L1 fails with an error of another kind. */
const NOWHERE = 'http://127.0.0.1:1'

function deployL1(...flags: readonly string[]): Promise<unknown> {
  const roles = ROLES.flatMap((role) => [`--${role}`, ADDRESS])
  const args = ['l1', '--rpc', NOWHERE, '--out', join(directory, 'rollup.json'), ...roles, ...flags]
  return createDeployCommand().parseAsync(args, { from: 'user' })
}

describe('keyroll deploy l1', () => {
  it('refuses a recovery delay below two sequencing windows, before it does anything', async () => {
    const deployed = deployL1('--seq-window-size', '3600', '--min-recovery-delay', '86399')
    await expect(deployed).rejects.toThrow(CliError)
    await expect(deployed).rejects.toThrow('at least 86400 seconds')
    expect(existsSync(join(directory, 'rollup.json'))).toBe(false)
  })

  it.each([
    ['two sequencing windows', ['--min-recovery-delay', '86400']],
    ['less where that is allowed', ['--min-recovery-delay', '60', '--allow-short-recovery']],
  ])('takes %s', async (_, flags) => {
    await expect(deployL1('--seq-window-size', '3600', ...flags)).rejects.not.toBeInstanceOf(CliError)
  })
})
