import { BaseError, HttpRequestError } from 'viem'
import { describe, expect, it } from 'vitest'
import { DeploymentFailedError } from '../contracts/errors.ts'
import { CliError } from './CliError.ts'
import { describeError } from './describeError.ts'

const unreachable = new HttpRequestError({
  url: 'http://127.0.0.1:9',
  body: { method: 'eth_chainId' },
  details: 'fetch failed',
})
const ADDRESS = '0x00000000000000000000000000000000000000aa'

describe('describeError', () => {
  it('shows a mistake by its message alone', () => {
    expect(describeError(new CliError('no promise key'))).toBe('no promise key')
  })

  it('names the URL that does not answer, without the request and the stack', () => {
    expect(describeError(unreachable)).toBe('HTTP request failed.\nURL: http://127.0.0.1:9\nfetch failed')
  })

  it('names no more of a URL than its origin, which may hold keys', () => {
    const [user, password, key] = ['reader', 'hunter2', '0123456789abcdef']
    const error = new HttpRequestError({
      url: `https://${user}:${password}@l1.example/v3/${key}?key=${key}`,
      details: `no project ${key}`,
    })
    expect(describeError(error)).toBe('HTTP request failed.\nURL: https://l1.example\nno project …')
  })

  it('is not misled by the words of a node that look like a URL', () => {
    expect(describeError(new BaseError('refused\nURL: nowhere'))).toBe('refused\nURL: nowhere')
  })

  it('shows why a deployment could not be sent', () => {
    const cause = new BaseError('insufficient funds')
    const lines = describeError(new DeploymentFailedError('SystemConfig', ADDRESS, undefined, { cause }))
    expect(lines).toMatch(/^SystemConfig was not created at 0x0{38}aa .*\ninsufficient funds$/)
  })

  it('shows what the system refused without a stack', () => {
    const error = Object.assign(new Error("EEXIST: file already exists, mkdir 'x'"), { syscall: 'mkdir' })
    expect(describeError(error)).toBe("EEXIST: file already exists, mkdir 'x'")
  })

  it('keeps the stack of what nobody foresaw', () => {
    expect(describeError(new TypeError('x is not a function'))).toMatch(/x is not a function\n {4}at /)
  })
})
