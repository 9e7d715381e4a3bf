import { BenchmarkError } from '../report.ts'
import type { GasMeasurement } from './gasLine.ts'

/** The most that a figure should be. */
const AIMS: Readonly<Record<string, number>> = {
  'gas.mpt.deep': 80_000,
  'gas.updateRoot.l1block': 330_000,
  'gas.updateRoot.eip4788': 330_000,
  'gas.confirm.first': 165_000,
  'gas.confirm.again': 145_000,
  'gas.confirmMany40.each': 100_000,
  'gas.preconfirm.secp256k1': 90_000,
  'gas.preconfirm.webauthn': 130_000,
  'gas.validate.overhead': 15_000,
}

/** Writes docs/gas.md from the lines of the benchmark. */
export function renderGasDocument(lines: readonly GasMeasurement[]): string {
  const lineOf = (name: string): GasMeasurement => {
    const line = lines.find((candidate) => candidate.name === name)
    if (line === undefined) throw new BenchmarkError(`the benchmark has no line ${name}`)
    return line
  }
  const gas = (name: string) => count(lineOf(name).value)
  const sum = (...names: string[]) => count(names.reduce((total, name) => total + lineOf(name).value, 0))
  const proofs = lines.filter(({ name }) => name.startsWith('gas.mpt.') && !/\.(oz|op)$/.test(name))
  const transactions = lines.filter(({ raised }) => raised !== undefined)
  const raised = transactions.filter((line) => line.raised !== line.value)
  const atFloor = transactions.filter(({ isAtFloor }) => isAtFloor)
  const aims = Object.keys(AIMS).map(lineOf)
  const missed = aims.filter(({ name, value }) => value > (AIMS[name] ?? 0))

  return `# Gas

Written by \`npx tsx tools/writeGasDoc.ts\` from a run of \`npm run bench -- gas\`, and compared with another by the tests.
Every run gives the same figures: keys, tries and addresses come from names.

The chain is anvil by the rules of Osaka, with the OP Stack's L1Block behind its proxy, the contract of EIP-4788, the
EntryPoint v0.8, and our contracts as they ship (solc 0.8.30, 200 optimizer runs). Everything is cold. Proofs are as deep as
mainnet's: the OutputOracle's account is under ${count(300_000_000)} others, its storage is that of a year with an output each
hour, its L1 header has every field of Osaka and a full bloom, and a keystore is one of a million.

${aims.length - missed.length} of ${aims.length} aims are met${missed.length === 0 ? '' : `; not met: ${listOf(missed)}`}.

## Checking a proof

Execution gas from a proof in calldata to what it proves, calldata itself not counted. Each library is compiled with the same
settings and measured in the same run on the same proof. OpenZeppelin's and Optimism's copy the proof to memory, which is part
of their price; \`MerkleTrie\` proves no absence.

${table(
  ['line', 'proof', 'Keyroll', 'OpenZeppelin TrieProof', 'OP MerkleTrie', 'ours to the better', 'aim'],
  proofs.map(({ name, load = '', value, ratio }) => [
    `\`${name}\``,
    load,
    count(value),
    ...['oz', 'op']
      .map((peer) => lines.find((line) => line.name === `${name}.${peer}`)?.value)
      .map(countOrNot),
    ratio === undefined ? '' : `${(100 * ratio).toFixed(1)} %`,
    aimOf(name, value),
  ]),
)}

The first and third are of a proof of Base Sepolia, the second of one of Sepolia, the last of made-up tries as deep and as full
as mainnet's.

## Transactions

Whole transactions as their receipts say: 21,000, calldata, execution, and the calldata floor of EIP-7623 where it is higher.

${table(
  ['line', 'what', 'gas', 'aim', 'of it calldata', 'and execution', 'bytes (zero)', 'by EIP-7976'],
  transactions.map(({ name, load = '', value, zeroBytes = 0, nonzeroBytes = 0, raised = 0, ...line }) => [
    `\`${name}\``,
    load,
    count(value),
    aimOf(name, value),
    ...(line.isAtFloor ? ['the floor', ''] : [line.calldata, line.execution].map(countOrNot)),
    `${count(zeroBytes + nonzeroBytes)} (${count(zeroBytes)})`,
    raised === value ? 'the same' : `${count(raised)} (+${Math.round((100 * raised) / value - 100)} %)`,
  ]),
)}

\`confirmMany\` is given per wallet, its calldata for all forty. \`preconfirm\` rotates one signer's keystore with 32 bytes of data
to a new key, which proves itself: two signatures of the scheme. A keystore's first rotation leaves the account's record blank;
the second one, or the first confirmation, makes it.

Of \`confirmMany40\`, forty keystores of a million share the root of the trie and the nodes right below it, and hardly any
below those: each has two nodes of 532 bytes, one of some 370 and a leaf to itself, and these are most of its calldata and of
what is hashed and searched. 44,200 are two slots that become nonzero, the hash of the config and the record, and 2,780 the event.

\`gas.validate.overhead\`: ${gas('gas.validate.overhead')}${orAim('gas.validate.overhead', lineOf('gas.validate.overhead').value)}.
What \`validateUserOp\` of a keystore wallet uses above that of a minimal proxy that does nothing but compare a recovered
secp256k1 key with the one in its own storage (${lineOf('gas.validate.overhead').load}), both
called by the EntryPoint in \`handleOps\`.

## What EIP-7976 will do

The EIP, in its last call in autumn 2026 and meant for the Amsterdam fork, raises the floor of calldata from 10 and 40 gas per
zero and nonzero byte to 64 for both (15 and 60 in its first drafts). A transaction will use
\`21000 + max(4·zero + 16·nonzero + execution, 64·(zero + nonzero))\`: the last column above is that formula on the transactions
of this run. What Amsterdam reprices besides (state access and growth, the base of a transaction) is not in it.

- Transactions that carry proofs become what their bytes cost: ${listOf(raised)}.
  What the EVM does with the proofs is then free: a further saving of execution would save nothing there, fewer bytes would.
- ${atFloor.length === 0 ? 'None is at the floor of EIP-7623 yet' : `At the floor of EIP-7623 already: ${listOf(atFloor)}`}.
- One \`updateRoot\` serves all wallets of a chain, so per wallet its price vanishes as before.
- Preconfirming, which users wait for, creating wallets and operating them stay as they are: their execution is above the floor.
- An OP Stack chain adopts the floor with the fork that adopts Amsterdam, and not before.

## Beside what others published

${table(
  ['figure', 'gas', 'what it has in it', 'Keyroll'],
  [
    [
      'Keyspace, sync of one wallet',
      '565,113',
      'Each wallet proves everything for itself: L1 header, the account and slot of the rollup on L1, and its own account and slot on the chain where its keystore lives. Real proofs; nothing is shared between wallets.',
      `${gas('gas.confirm.first')} for each wallet after one \`updateRoot\` of ${gas('gas.updateRoot.l1block')} for all; ${gas('gas.confirmMany40.each')} of forty together; ${sum('gas.updateRoot.l1block', 'gas.confirm.first')} for a chain with one wallet`,
    ],
    [
      'Stackup, `handleUpdates`',
      '56,642–63,774',
      'Its snapshot of one update of a tree of 32 signers, replayed on a chain, with a mocked verifier: no signature is checked. A test’s execution, without the 21,000 and the calldata of a transaction. Nothing proves what another chain says: one that missed updates is told each of them.',
      `${gas('gas.preconfirm.secp256k1')} for \`preconfirm\`, a whole transaction with two secp256k1 signatures and the calldata`,
    ],
    [
      'ERC-7888, reading a slot of L1 on an OP Stack chain',
      '1,642,699',
      'The reference implementation’s `verifyBroadcastMessage`, EthereumToOptimism: block hash from a mocked L1Block, header, account and slot of Sepolia. Every read pays it again, and nothing is stored.',
      `${gas('gas.updateRoot.l1block')} for \`updateRoot\`, which reads the same things in deeper tries and stores the result; a proof of Sepolia from the same repository takes ${gas('gas.mpt.l1Sepolia')} above`,
    ],
  ],
)}
`
}

function listOf(lines: readonly GasMeasurement[]): string {
  return lines.map(({ name }) => `\`${name}\``).join(', ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function aimOf(name: string, value: number): string {
  const aim = AIMS[name]
  if (aim === undefined) return ''
  return `${count(aim)}, ${value <= aim ? 'met' : `missed by ${count(value - aim)}`}`
}

function orAim(name: string, value: number): string {
  return ` (aim: ${aimOf(name, value)})`
}

function countOrNot(value: number | undefined): string {
  return value === undefined ? '–' : count(value)
}

/** With commas, whatever the machine's language is. */
function count(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ',')
}
