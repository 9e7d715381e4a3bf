import { expect, it } from 'vitest'
import { createLogger, TemporaryFault } from '../node/index.ts'
import { createFakeL1 } from '../test/FakeL1.ts'
import { createL1HeadWatch } from './L1HeadWatch.ts'

it('tells the number of the newest L1 block at the last look, also while L1 is away, and when it went back', async () => {
  const l1 = createFakeL1({ chainId: 1n, number: 100n, timestamp: 1_000n })
  let isDown = false
  const watch = createL1HeadWatch({
    l1: {
      async header(tag) {
        if (isDown) throw new TemporaryFault('down')
        return l1.client.header(tag)
      },
    },
    intervalMs: 1,
    logger: createLogger({ level: 'silent' }),
  })
  expect(watch.number()).toBeUndefined()
  l1.mine()
  l1.mine()
  await watch.refresh()
  expect(watch.number()).toBe(102n)
  isDown = true
  await expect(watch.refresh()).rejects.toBeInstanceOf(TemporaryFault)
  expect(watch.number()).toBe(102n)
  isDown = false
  l1.takeBack(1)
  await watch.refresh()
  expect(watch.number()).toBe(101n)
})
