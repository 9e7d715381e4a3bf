import { afterEach, expect, it, vi } from 'vitest'
import { interruptibly } from './interruptibly.ts'
import { Interrupted } from './shutdown.ts'

afterEach(() => vi.restoreAllMocks())

it('ends a command at once that waits for ever', async () => {
  // The signals of the process that runs the tests are not ours.
  const handlers = new Map<unknown, () => void>()
  vi.spyOn(process, 'on').mockImplementation((name, handler) => {
    handlers.set(name, handler as () => void)
    return process
  })
  const running = interruptibly(() => new Promise(() => undefined))
  handlers.get('SIGINT')?.()
  await expect(running).rejects.toThrow(Interrupted)
})

it('ends with the command', async () => {
  vi.spyOn(process, 'on').mockReturnValue(process)
  await interruptibly(async () => undefined)
  await expect(interruptibly(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
})
