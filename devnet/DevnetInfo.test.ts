import { describe, expect, it } from 'vitest'
import { parseDevnetInfo } from './DevnetInfo.ts'

describe('parseDevnetInfo', () => {
  it.each([
    ['text that is not JSON', '{'],
    ['other JSON', '{"l1":{}}'],
    ['null', 'null'],
  ])('refuses %s', (_, text) => {
    expect(() => parseDevnetInfo(text)).toThrow(/^devnet file: got /)
  })
})
