import { describe, expect, it } from 'vitest'
import { createHoldings } from './Holdings.ts'

/** Opens holdings that note who was dropped. */
function openHoldings(maxBytes: number, ...names: string[]) {
  const holdings = createHoldings(maxBytes)
  const dropped: string[] = []
  return { dropped, opened: names.map((name) => holdings(() => dropped.push(name))) }
}

describe('createHoldings', () => {
  it('drops whoever makes it keep most, until the rest fits', () => {
    const { dropped, opened } = openHoldings(100, 'small', 'largest', 'large')
    const [small, largest, large] = opened
    small?.add(10)
    largest?.add(50)
    large?.add(40)
    expect(dropped).toEqual([])
    small?.add(1)
    expect(dropped).toEqual(['largest'])
    expect([small, largest, large].map((one) => one?.over.aborted)).toEqual([false, true, false])
    small?.add(60)
    expect(dropped).toEqual(['largest', 'small'])
  })

  it('forgets what is no longer kept, and who is gone', () => {
    const { dropped, opened } = openHoldings(100, 'a', 'b')
    const [a, b] = opened
    a?.add(90)
    a?.add(-80)
    b?.add(90)
    b?.end()
    b?.add(90)
    a?.add(90)
    expect(dropped).toEqual([])
    expect([a, b].map((one) => one?.over.aborted)).toEqual([false, true])
    a?.add(1)
    expect(dropped).toEqual(['a'])
  })
})
