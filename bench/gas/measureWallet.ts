import {
  type Address,
  concat,
  encodeFunctionData,
  getAbiItem,
  type Hex,
  numberToHex,
  pad,
  toFunctionSelector,
} from 'viem'
import { entryPoint08Abi, entryPoint08Address } from 'viem/account-abstraction'
import { encodeOwnerSignature, getWalletDeployment } from '../../client/index.ts'
import { keystoreWalletAbi, keystoreWalletFactoryAbi } from '../../contracts/index.ts'
import { BenchmarkError } from '../report.ts'
import { compileSolidity } from './compileSolidity.ts'
import type { GasChain } from './GasChain.ts'
import { createGasKeystore, type GasKeystore } from './GasKeystore.ts'
import { executionLine, type GasMeasurement, transactionLine } from './gasLine.ts'

const OWN_KEY_IMPLEMENTATION: Address = '0x0000000000000000000000000000000000301000'
const OWN_KEY_WALLET: Address = '0x0000000000000000000000000000000000301001'
const OWN_KEY_SLOT = pad('0x00')
const BUNDLER: Address = '0x00000000000000000000000000000000000b0b1e'
const DEPOSIT = 10n ** 18n
const VALIDATE = toFunctionSelector(getAbiItem({ abi: keystoreWalletAbi, name: 'validateUserOp' }))

type Sign = (digest: Hex) => Hex

/** Makes a keystore whose account is its wallet, which is not deployed yet. */
export async function createWalletKeystore(chain: GasChain): Promise<GasKeystore> {
  const keystore = createGasKeystore('wallet', 1)
  const { walletFactory } = chain.contracts
  const wallet = await chain.read(walletFactory, keystoreWalletFactoryAbi, 'walletOf', [keystore.id])
  return { ...keystore, account: wallet as Address }
}

/**
 * Measures what a wallet costs whose config of this nonce is confirmed: its creation, and what its validation in the
 * EntryPoint uses above that of a wallet with its key in its own storage.
 */
export async function measureWallet(
  chain: GasChain,
  keystore: GasKeystore,
  nonce: bigint,
): Promise<GasMeasurement[]> {
  const { account, approve, configAt, id } = keystore
  const { factory, factoryData } = getWalletDeployment(chain.contracts.walletFactory, id)
  const created = await chain.send(factory, factoryData)

  const current = configAt(nonce)
  const signAsOwner: Sign = (digest) => encodeOwnerSignature({ current, approvals: approve(nonce, digest) })
  const ofKeystore = await validationGas(chain, account, signAsOwner)

  const [approval] = approve(nonce, id)
  if (approval === undefined) throw new BenchmarkError('the keystore has no signer')
  await installOwnKeyWallet(chain, approval.key)
  const signAlone: Sign = (digest) => approve(nonce, digest)[0]?.signature ?? '0x'
  const ofOwnKey = await validationGas(chain, OWN_KEY_WALLET, signAlone)

  return [
    executionLine(
      'gas.validate.overhead',
      ofKeystore - ofOwnKey,
      `${ofKeystore} by the replica, ${ofOwnKey} by a key of its own`,
    ),
    transactionLine('gas.createWallet', created, 'by its factory'),
  ]
}

/** A minimal proxy (ERC-1167), as the keystore wallet is. */
async function installOwnKeyWallet(chain: GasChain, key: Hex): Promise<void> {
  const { OwnKeyWallet } = compileSolidity(['contracts/test/kit/OwnKeyWallet.sol'], ['OwnKeyWallet'])
  await chain.install(OWN_KEY_IMPLEMENTATION, OwnKeyWallet.runtime)
  const proxy = [
    '0x363d3d373d3d3d363d73',
    OWN_KEY_IMPLEMENTATION,
    '0x5af43d82803e903d91602b57fd5bf3',
  ] as const
  await chain.install(OWN_KEY_WALLET, concat(proxy))
  await chain.store(OWN_KEY_WALLET, OWN_KEY_SLOT, pad(key))
}

/** Sends an operation that calls nothing, paid from a deposit, and returns what `validateUserOp` used. */
async function validationGas(chain: GasChain, sender: Address, sign: Sign): Promise<number> {
  const entryPoint = { to: entryPoint08Address, abi: entryPoint08Abi } as const
  const deposit = encodeFunctionData({ abi: entryPoint.abi, functionName: 'depositTo', args: [sender] })
  await chain.send(entryPoint.to, deposit, { value: DEPOSIT })
  const operation = {
    sender,
    nonce: 0n,
    initCode: '0x',
    callData: '0x',
    accountGasLimits: concat([numberToHex(300_000n, { size: 16 }), numberToHex(100_000n, { size: 16 })]),
    preVerificationGas: 50_000n,
    gasFees: concat([numberToHex(2n, { size: 16 }), numberToHex(2_000_000_000n, { size: 16 })]),
    paymasterAndData: '0x',
    signature: '0x',
  } as const
  const digest = await chain.read(entryPoint.to, entryPoint.abi, 'getUserOpHash', [operation])
  const data = encodeFunctionData({
    abi: entryPoint.abi,
    functionName: 'handleOps',
    args: [[{ ...operation, signature: sign(digest as Hex) }], BUNDLER],
  })
  return chain.sendTraced(entryPoint.to, data, sender, VALIDATE)
}
