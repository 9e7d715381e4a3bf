import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  type Abi,
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createWalletClient,
  type Hex,
  http,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { deployContract, readContract } from 'viem/actions'
import { awaitMined } from '../../contracts/awaitMined.ts'
import { type Anvil, startAnvil } from '../../devnet/anvil.ts'

/** A contract that is compiled for tests, not shipped. */
export type HarnessCode = { abi: Abi; bytecode: { object: Hex } }

/** A harness on a chain of its own. */
export interface SolidityHarness {
  anvil: Anvil
  client: ReturnType<typeof walletOf>
  /** What a view function answers, or the name of the error it reverts with (`''` when it has none). */
  call(functionName: string, args: readonly unknown[]): Promise<Answer>
}

/** The answer of a call. */
export type Answer = { value: unknown } | { error: string }

/** Compiles a contract of contracts/test/harness into a directory. */
export async function compileHarness(name: string, directory: string): Promise<HarnessCode> {
  const out = join(directory, 'out')
  await promisify(execFile)(process.execPath, [
    ...['tools/forge.mjs', 'build', `contracts/test/harness/${name}.sol`],
    ...['--out', out, '--cache-path', join(directory, 'cache')],
  ])
  return JSON.parse(await readFile(join(out, `${name}.sol`, `${name}.json`), 'utf8'))
}

/** Starts an anvil at a hardfork and deploys the harness to it. */
export async function startHarness(
  { abi, bytecode }: HarnessCode,
  args: readonly unknown[],
  hardfork: string,
  logDirectory: string,
): Promise<SolidityHarness> {
  const anvil = await startAnvil({ name: hardfork, chainId: 900, port: 0, logDirectory, hardfork })
  const client = walletOf(anvil)
  const address = await deployed(client, abi, bytecode.object, args)
  return {
    anvil,
    client,
    async call(functionName, args) {
      try {
        return { value: await readContract(client, { address, abi, functionName, args }) }
      } catch (error) {
        if (!(error instanceof BaseError)) throw error
        const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
        if (!(reverted instanceof ContractFunctionRevertedError)) throw error
        return { error: reverted.data?.errorName ?? '' }
      }
    },
  }
}

/** Deploys a contract and answers its address. */
export async function deployed(
  client: SolidityHarness['client'],
  abi: Abi,
  bytecode: Hex,
  args: readonly unknown[],
): Promise<Address> {
  const hash = await deployContract(client, { abi, bytecode, args, chain: null })
  const {
    receipt: { contractAddress },
  } = await awaitMined(client, { hash })
  if (!contractAddress) throw new BaseError(`transaction ${hash} deployed nothing`)
  return contractAddress
}

function walletOf(anvil: Anvil) {
  const account = mnemonicToAccount('test test test test test test test test test test test junk')
  return createWalletClient({ account, transport: http(anvil.url), pollingInterval: 10 })
}
