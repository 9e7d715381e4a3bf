import { describe, expect, it } from 'vitest'
import { createNodeOrder } from './NodeOrder.ts'

function setUp() {
  let time = 0
  const order = createNodeOrder({ names: ['a', 'b', 'c'], now: () => time })
  const pass = (ms: number) => {
    time += ms
  }
  return { order, pass }
}

describe('createNodeOrder', () => {
  it('begins with the preferred node and goes round', () => {
    const { order } = setUp()
    expect(order.list()).toEqual([0, 1, 2])
    order.prefer(1)
    expect(order.list()).toEqual([1, 2, 0])
  })

  it('puts a node that fails last, preferred or not, until its rest is over', () => {
    const { order, pass } = setUp()
    order.failed(0, 'down')
    expect(order.list()).toEqual([1, 2, 0])
    expect(order.isResting(0)).toBe(true)
    pass(1_000)
    expect(order.list()).toEqual([0, 1, 2])
  })

  it('doubles the rest with each failure in a row, up to a minute, and starts over when the node is back', () => {
    const { order, pass } = setUp()
    const rest = () => {
      order.failed(0, 'down')
      let ms = 0
      for (; order.isResting(0); ms += 500) pass(500)
      return ms
    }
    expect(Array.from({ length: 8 }, rest)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ])
    order.succeeded(0)
    expect(rest()).toBe(1_000)
  })

  it('takes an answer in between for no recovery', () => {
    const { order, pass } = setUp()
    order.failed(0, 'down')
    order.succeeded(0)
    expect(order.isResting(0)).toBe(true)
    pass(1_000)
    order.failed(0, 'down')
    pass(1_500)
    expect(order.isResting(0)).toBe(true)
  })

  it('still lists every node when all fail', () => {
    const { order } = setUp()
    for (const index of [0, 1, 2]) order.failed(index, 'down')
    expect(order.list()).toEqual([0, 1, 2])
  })
})
