import { describe, expect, it } from 'vitest'
import { createLogger } from './Logger.ts'
import { urlSecrets, withoutSecrets } from './urlSecrets.ts'

describe('urlSecrets', () => {
  it.each([
    ['https://l1.example', []],
    ['http://127.0.0.1:8545/', []],
    ['https://l1.example/v3/0123456789abcdef', ['0123456789abcdef']],
    ['https://l1.example/rpc?apikey=0123456789abcdef', ['0123456789abcdef']],
    ['https://operator:long%20password@l1.example', ['operator', 'long%20password', 'long password']],
    ['https://me:pw@l1.example', ['pw']],
    ['https://l1.example/%zz-is-no-escape', ['%zz-is-no-escape']],
  ])('of %s are %j', (url, secrets) => {
    expect(urlSecrets(url)).toEqual(secrets)
  })

  it('are taken out of a text wherever they stand', () => {
    const secrets = urlSecrets('https://l1.example/v3/0123456789abcdef')
    const text = 'URL: https://l1.example/v3/0123456789abcdef (0123456789abcdef)'
    expect(withoutSecrets(text, secrets)).toBe('URL: https://l1.example/v3/… (…)')
  })
})

describe('a logger that knows secrets', () => {
  it('writes them into no line, not even in the cause of an error', () => {
    const lines: string[] = []
    const secrets = urlSecrets('https://l1.example/v3/0123456789abcdef')
    const logger = createLogger({
      level: 'info',
      secrets,
      destination: { write: (line) => lines.push(line) },
    })
    const cause = new TypeError('HTTP request failed. URL: https://l1.example/v3/0123456789abcdef')
    logger.warn({ err: new RangeError('no answer', { cause }), url: '0123456789abcdef' }, '0123456789abcdef')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('HTTP request failed. URL: https://l1.example/v3/…')
    expect(lines[0]).not.toContain('0123456789abcdef')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ url: '…', msg: '…' })
  })
})
