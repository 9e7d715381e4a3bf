import type { Address, Hex } from 'viem'
import { joinNodes } from '../../prover/index.ts'
import { BenchmarkError } from '../report.ts'
import { compileSolidity } from './compileSolidity.ts'
import type { GasChain } from './GasChain.ts'
import { executionLine, type GasMeasurement } from './gasLine.ts'
import { createMainnetLike, readBaseSepolia, readL1Sepolia, type SlotProof } from './slotProofs.ts'

type Verifier = 'OurProofGas' | 'OzProofGas' | 'OpProofGas'
/** A question to a verifier, and the answer that it must give. */
type Question = { functionName: string; args: readonly (Hex | readonly Hex[])[]; answer: Hex }

const PEERS = [
  { suffix: 'oz', peer: 'OpenZeppelin TrieProof', verifier: 'OzProofGas' },
  { suffix: 'op', peer: 'OP MerkleTrie', verifier: 'OpProofGas' },
] as const

const HARNESS: Address = '0x00000000000000000000000000000000009a5000'

/**
 * Measures the execution gas of checking proofs by our library and, as far as they can, by OpenZeppelin's and the OP
 * Stack's: compiled with the same settings, on the same proof, from calldata to what is proven.
 *
 * @throws {BenchmarkError} when one of them answers wrong.
 */
export async function measureProofs(chain: GasChain): Promise<GasMeasurement[]> {
  const compiled = compileSolidity(['bench/gas/ProofGas.sol'], ['OurProofGas', 'OzProofGas', 'OpProofGas'])
  const run = async (
    verifier: Verifier,
    { functionName, args: proofs, answer }: Question,
  ): Promise<number> => {
    const { abi, runtime } = compiled[verifier]
    // Ours takes the nodes of a proof one after the other, the others as a list.
    const args =
      verifier === 'OurProofGas' ? proofs.map((arg) => (isList(arg) ? joinNodes(arg) : arg)) : proofs
    await chain.install(HARNESS, runtime)
    const [word, gas] = (await chain.read(HARNESS, abi, functionName, args)) as readonly [Hex, bigint]
    if (word !== answer) throw new BenchmarkError(`${verifier} answers ${word}, expected ${answer}`)
    return Number(gas)
  }
  const compare = async (name: string, question: Question, load: string): Promise<GasMeasurement[]> => {
    const ours = executionLine(name, await run('OurProofGas', question), load)
    const theirs: GasMeasurement[] = []
    for (const { suffix, verifier, peer } of PEERS) {
      theirs.push(executionLine(`${name}.${suffix}`, await run(verifier, question), `${load}, by ${peer}`))
    }
    const values = theirs.map(({ value }) => value)
    const best = PEERS[values.indexOf(Math.min(...values))] ?? PEERS[0]
    const peerValue = Math.min(...values)
    const ratio = Number((ours.value / peerValue).toPrecision(3))
    return [{ ...ours, peer: best.peer, peerValue, ratio }, ...theirs]
  }

  const [base, l1, deep] = [readBaseSepolia(), readL1Sepolia(), createMainnetLike()]
  const absent: Question = {
    functionName: 'provesSlot',
    args: [base.storageRoot, base.slot, base.storageProof],
    answer: base.word,
  }
  return [
    ...(await compare(
      'gas.mpt.accountBaseSepolia',
      account(base),
      `account, ${base.accountProof.length} nodes`,
    )),
    ...(await compare('gas.mpt.l1Sepolia', accountAndSlot(l1), depth(l1))),
    executionLine('gas.mpt.exclusion', await run('OurProofGas', absent), 'absent slot, 1 node'),
    ...(await compare('gas.mpt.deep', accountAndSlot(deep), depth(deep))),
  ]
}

function account(proof: SlotProof): Question {
  return {
    functionName: 'provesAccount',
    args: [proof.stateRoot, proof.account, proof.accountProof],
    answer: proof.storageRoot,
  }
}

function accountAndSlot(proof: SlotProof): Question {
  return {
    functionName: 'provesSlotOfAccount',
    args: [proof.stateRoot, proof.account, proof.slot, proof.accountProof, proof.storageProof],
    answer: proof.word,
  }
}

function isList(arg: Hex | readonly Hex[]): arg is readonly Hex[] {
  return typeof arg !== 'string'
}

function depth({ accountProof, storageProof }: SlotProof): string {
  return `account and slot, ${accountProof.length} + ${storageProof.length} nodes`
}
