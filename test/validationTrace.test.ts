import { type Address, type Hex, pad } from 'viem'
import { expect, test } from 'vitest'
import { findViolations, type TraceStep, type ValidationRules } from './validationTrace.ts'

const [ENTRY_POINT, SENDER, FACTORY, REPLICA, NOBODY]: Address[] = [
  '0x1111111111111111111111111111111111111111',
  '0x2222222222222222222222222222222222222222',
  '0x3333333333333333333333333333333333333333',
  '0x4444444444444444444444444444444444444444',
  '0x5555555555555555555555555555555555555555',
]
const ASSOCIATED = pad('0x0a')

const rules: ValidationRules = {
  root: ENTRY_POINT as Address,
  exempt: [ENTRY_POINT as Address],
  sender: SENDER as Address,
  factory: FACTORY as Address,
  associated: new Set<Hex>([ASSOCIATED]),
  hasCode: (address) => address !== NOBODY,
}

/** A step; arguments as the opcode takes them, the first on top of the stack. */
function step(depth: number, op: string, ...args: readonly (Hex | undefined)[]): TraceStep {
  return { depth, op, stack: args.map((arg) => arg ?? '0x0').reverse() }
}

const call = (depth: number, to: Address | undefined, value: Hex = '0x0', size: Hex = '0x0') =>
  step(depth, 'CALL', '0xffff', to, value, '0x0', size, '0x0', '0x0')
const staticcall = (depth: number, to: Address | undefined) => step(depth, 'STATICCALL', '0xffff', to)
const toSender = call(1, SENDER)

test.each([
  ['opcodes of the environment', [toSender, step(2, 'TIMESTAMP')]],
  ['its own balance', [toSender, step(2, 'SELFBALANCE')]],
  ['GAS without a call', [toSender, step(2, 'GAS'), step(2, 'POP', '0x1')]],
  [
    "a slot of the replica that is another account's",
    [toSender, staticcall(2, REPLICA), step(3, 'SLOAD', '0x0b')],
  ],
  ['writing such a slot', [toSender, call(2, REPLICA), step(3, 'SSTORE', '0x0b', '0x1')]],
  ['transient storage of the replica', [toSender, call(2, REPLICA), step(3, 'TSTORE', ASSOCIATED, '0x1')]],
  ['an account without code', [toSender, staticcall(2, NOBODY)]],
  ['value for somebody else', [toSender, call(2, REPLICA, '0x1')]],
  ['a function of the EntryPoint', [toSender, call(2, ENTRY_POINT, '0x0', '0x4')]],
  ['deploying by the account', [toSender, step(2, 'CREATE2')]],
  [
    'deploying another account',
    [call(1, FACTORY), step(2, 'CREATE2'), step(3, 'STOP'), step(2, 'POP', NOBODY)],
  ],
  ['deploying twice', [call(1, FACTORY), step(2, 'CREATE2'), step(2, 'CREATE2')]],
])('refuses %s', (_, steps) => {
  expect(findViolations(steps, rules)).toHaveLength(1)
})

test.each([
  ['what the EntryPoint does itself', [step(1, 'TIMESTAMP'), step(1, 'SLOAD', '0x0b')]],
  ['GAS for a call', [toSender, step(2, 'GAS'), staticcall(2, REPLICA)]],
  ['all storage of the account', [toSender, step(2, 'SSTORE', '0x0b', '0x1')]],
  [
    "the account's storage by code of others",
    [toSender, step(2, 'DELEGATECALL', '0x1', REPLICA), step(3, 'SLOAD', '0x0b')],
  ],
  ['slots associated with the account', [toSender, staticcall(2, REPLICA), step(3, 'SLOAD', '0x0a')]],
  ['paying the EntryPoint', [toSender, call(2, ENTRY_POINT, '0x1')]],
  [
    'deploying the account once, by the factory, which writes its storage',
    [call(1, FACTORY), step(2, 'CREATE2'), step(3, 'SSTORE', '0x0b', '0x1'), step(2, 'POP', SENDER)],
  ],
])('allows %s', (_, steps) => {
  expect(findViolations(steps, rules)).toEqual([])
})
