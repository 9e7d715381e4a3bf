import { readFile } from 'node:fs/promises'
import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { commitmentOf, commitmentSlot, inputsHashOf } from './OutputCommitment.ts'
import { outputRoot } from './OutputRoot.ts'

type Case = { name: string } & Record<
  'index' | 'l1Timestamp' | 'l2BlockNumber' | 'inboxCount' | 'depositCount',
  string
> &
  Record<
    | 'stateRoot'
    | 'keystoreRoot'
    | 'blockHash'
    | 'outputRoot'
    | 'inboxChainHash'
    | 'depositChainHash'
    | 'inputsHash'
    | 'commitment'
    | 'slot',
    Hex
  >

const file = new URL('../test/vectors/keyroll/output_commitment.json', import.meta.url)
const { cases }: { cases: Case[] } = JSON.parse(await readFile(file, 'utf8'))

describe("an output's word in the OutputOracle", () => {
  test.each(cases)('commits to $name', (vector) => {
    const index = BigInt(vector.index)
    expect(outputRoot(vector)).toBe(vector.outputRoot)
    const { inboxChainHash, depositChainHash } = vector
    const inputsHash = inputsHashOf({
      inboxCount: BigInt(vector.inboxCount),
      inboxChainHash,
      depositCount: BigInt(vector.depositCount),
      depositChainHash,
    })
    expect(inputsHash).toBe(vector.inputsHash)
    const parts = {
      outputRoot: vector.outputRoot,
      l1Timestamp: BigInt(vector.l1Timestamp),
      l2BlockNumber: BigInt(vector.l2BlockNumber),
      inputsHash,
    }
    expect(commitmentOf(index, parts)).toBe(vector.commitment)
    expect(commitmentSlot(index)).toBe(vector.slot)
  })
})
