import { expect, it } from 'vitest'
import { createFaultLog } from './FaultLog.ts'
import { createLogger } from './Logger.ts'

const MINUTE_MS = 60_000

function setUp() {
  const told: { level: number; msg: string; err: { message: string }; passedOver?: number }[] = []
  const logger = createLogger({
    level: 'debug',
    destination: { write: (line) => told.push(JSON.parse(line)) },
  })
  let time = 1_000_000
  const log = createFaultLog(logger, 'trying again', () => time)
  const warnings = () => told.filter(({ level }) => level === 40)
  return { told, warnings, log, pass: (ms: number) => (time += ms) }
}

it('tells what fails again and again once a minute, and how often it came meanwhile', () => {
  const { told, warnings, log, pass } = setUp()
  for (let i = 0; i < 61; i++, pass(1_000)) log(new Error('down'))
  expect(told).toHaveLength(61)
  expect(warnings()).toMatchObject([{ msg: 'trying again', err: { message: 'down' } }, { passedOver: 59 }])
  expect(warnings()[0]).not.toHaveProperty('passedOver')
})

it('tells at once what fails otherwise', () => {
  const { warnings, log } = setUp()
  for (const message of ['down', 'down', 'late', 'down']) log(new Error(message))
  expect(warnings().map(({ err }) => err.message)).toEqual(['down', 'late', 'down'])
})

it('does not wait for a clock that was set back', () => {
  const { warnings, log, pass } = setUp()
  log(new Error('down'))
  pass(-60 * MINUTE_MS)
  log(new Error('down'))
  expect(warnings()).toHaveLength(2)
})
