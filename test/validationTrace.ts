import { type Address, getAddress, type Hex, numberToHex, pad } from 'viem'

/** One step of a transaction, as `debug_traceTransaction` tells it. */
export type TraceStep = { op: string; depth: number; stack: readonly Hex[] }

/** What ERC-7562 lets the validation of a user operation do; addresses in checksum form. */
export type ValidationRules = {
  /** The account that is called by the transaction itself. */
  root: Address
  /** Whose code may do everything, and whose storage is not looked at: the EntryPoint and its helper. */
  exempt: readonly Address[]
  sender: Address
  factory: Address
  /** Slots of other accounts that are associated with the sender. */
  associated: ReadonlySet<Hex>
  /** Whether an address has code, or is a precompile. */
  hasCode: (address: Address) => boolean
}

const FORBIDDEN = new Set([
  ...['ORIGIN', 'GASPRICE', 'BLOCKHASH', 'COINBASE', 'TIMESTAMP', 'NUMBER', 'DIFFICULTY', 'PREVRANDAO'],
  ...['GASLIMIT', 'BASEFEE', 'BLOBHASH', 'BLOBBASEFEE', 'BALANCE', 'SELFBALANCE', 'CREATE', 'CALLCODE'],
  ...['INVALID', 'SELFDESTRUCT'],
])
const CALLS = new Set(['CALL', 'STATICCALL', 'DELEGATECALL'])
const STORAGE = new Set(['SLOAD', 'SSTORE', 'TLOAD', 'TSTORE'])
const CODE_READS = new Set(['EXTCODESIZE', 'EXTCODECOPY', 'EXTCODEHASH'])

type Frame = { code: Address; storage: Address; creates?: boolean }

/** Lists what a validation did that ERC-7562 forbids, of steps that end where the EntryPoint ends validating. */
export function findViolations(steps: readonly TraceStep[], rules: ValidationRules): string[] {
  const violations: string[] = []
  const frames: Frame[] = [{ code: rules.root, storage: rules.root }]
  let created = 0
  for (const [index, { op, depth, stack }] of steps.entries()) {
    const left = frames[depth]
    frames.length = depth
    const frame = frames[depth - 1]
    if (frame === undefined) throw new RangeError(`step ${index} has depth ${depth}, which no call led to`)
    const next = steps[index + 1]
    const arg = (position: number): Hex => stack[stack.length - 1 - position] ?? '0x'
    const refuse = (what: string) => violations.push(`${op} ${what} in ${frame.code}`)
    // What was created stands on the stack now.
    if (left?.creates && toAddress(arg(0)) !== rules.sender) {
      violations.push(`CREATE2 of ${toAddress(arg(0))}, which is not the account, in ${frame.code}`)
    }

    if (!rules.exempt.includes(frame.code)) {
      if (FORBIDDEN.has(op)) refuse('is forbidden')
      if (op === 'GAS' && !CALLS.has(next?.op ?? '')) refuse('is not followed by a call')
      if (op === 'CREATE2' && (frame.code !== rules.factory || ++created > 1)) refuse('is not the deployment')
      if (STORAGE.has(op)) checkStorage(pad(arg(0)), frame)
      if (CODE_READS.has(op)) checkCode(toAddress(arg(0)))
      if (CALLS.has(op)) checkCode(toAddress(arg(1)))
      if (op === 'CALL') checkCall(toAddress(arg(1)), BigInt(arg(2)), BigInt(arg(4)))
    }
    if (next !== undefined && next.depth > depth) frames.push(enter(op, arg, frame, rules.sender))

    function checkStorage(slot: Hex, { storage }: Frame) {
      if (storage === rules.sender) return
      if (op.startsWith('S') && rules.associated.has(slot)) return
      refuse(`of slot ${slot} of ${storage}`)
    }
    function checkCode(address: Address) {
      if (address !== rules.sender && !rules.hasCode(address)) refuse(`of ${address}, which has no code`)
    }
    function checkCall(to: Address, value: bigint, inputSize: bigint) {
      const isEntryPoint = rules.exempt.includes(to)
      if (value !== 0n && !isEntryPoint) refuse(`with value to ${to}`)
      if (isEntryPoint && inputSize !== 0n) refuse('of a function of the EntryPoint')
    }
  }
  return violations
}

function enter(op: string, arg: (position: number) => Hex, { storage }: Frame, sender: Address): Frame {
  // Whether it is the account that is created shows when it was.
  if (op === 'CREATE2') return { code: sender, storage: sender, creates: true }
  const code = toAddress(arg(1))
  return { code, storage: op === 'DELEGATECALL' ? storage : code }
}

function toAddress(word: Hex): Address {
  return getAddress(numberToHex(BigInt(word) & ((1n << 160n) - 1n), { size: 20 }))
}
