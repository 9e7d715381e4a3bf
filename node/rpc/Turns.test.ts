import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createTurns } from './Turns.ts'

const goesOn = new AbortController().signal

/** Runs work and tells how many of its steps were done at most between two turns of the event loop. */
async function mostStepsInATurn(run: (step: () => void) => Promise<unknown>): Promise<number> {
  let steps = 0
  let most = 0
  let isDone = false
  const done = run(() => {
    most = Math.max(most, ++steps)
  }).finally(() => {
    isDone = true
  })
  while (!isDone) {
    await nextTurn()
    steps = 0
  }
  await done
  return most
}

describe('createTurns', () => {
  it('lets the event loop turn when 20 ms are used', async () => {
    let time = 0
    const turn = createTurns(() => time)
    const most = await mostStepsInATurn(async (step) => {
      for (let i = 0; i < 100; i++) {
        await turn(goesOn)
        step()
        time += 6
      }
    })
    expect(most).toBe(4)
  })

  it('lets several take turns within the 20 ms', async () => {
    let time = 0
    const turn = createTurns(() => time)
    const order: string[] = []
    const run = (stepMs: number) =>
      mostStepsInATurn((step) =>
        Promise.all(
          ['a', 'b'].map(async (name) => {
            for (let i = 0; i < 6; i++) {
              await turn(goesOn)
              // A step may take several microtasks.
              for (let j = 0; j < 5; j++) await undefined
              step()
              order.push(name)
              time += stepMs
            }
          }),
        ),
      )
    expect(await run(0)).toBe(12)
    expect(order.join('')).toBe('ab'.repeat(6))
    time += 1_000
    expect(await run(6)).toBe(4)
    time += 1_000
    expect(await run(20)).toBe(1)
  })

  it('gives all who work at once no more together, and each its turn', async () => {
    let time = 0
    const turn = createTurns(() => time)
    const order: string[] = []
    const most = await mostStepsInATurn((step) =>
      Promise.all(
        ['a', 'b', 'c'].map(async (name) => {
          for (let i = 0; i < 3; i++) {
            await turn(goesOn)
            step()
            order.push(name)
            time += 25
          }
        }),
      ),
    )
    expect(most).toBe(1)
    expect(order.join('')).toBe('abcabcabc')
  })

  it('wakes at once what is to stop', async () => {
    const turn = createTurns(() => 0)
    const stop = new AbortController()
    const woken: string[] = []
    const waiting = [
      turn(goesOn).then(() => woken.push('others')),
      turn(stop.signal).then(() => woken.push('stopped')),
    ]
    stop.abort()
    await turn(stop.signal)
    await Promise.resolve()
    expect(woken).toEqual(['stopped'])
    await Promise.all(waiting)
    expect(woken).toEqual(['stopped', 'others'])
  })
})
