import {
  type Address,
  encodeFunctionData,
  type Hex,
  hashTypedData,
  serializeErc6492Signature,
  slice,
  toPrefixedMessage,
  zeroAddress,
  zeroHash,
} from 'viem'
import { getCode, verifyMessage, verifyTypedData } from 'viem/actions'
import { hashTypedData as hashNestedTypedData, wrapTypedDataSignature } from 'viem/experimental/erc7739'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createAuthority,
  createKeystore,
  createNextConfig,
  encodeOwnerSignature,
  signSetConfig,
} from '../client/index.ts'
import { keystoreReplicaAbi } from '../contracts/index.ts'
import { type Config, toShortConfig } from '../protocol/index.ts'
import { approve, createTestSigner, type TestSigner } from './testSigners.ts'
import { startValidationWorld, VALIDATION_ROLLUP, type ValidationWorld } from './validationWorld.ts'

const MESSAGE = 'Sign in to example.org'
const SAFE: Address = '0x000000000000000000000000000000000000005a'

let world: ValidationWorld
beforeAll(async () => {
  world = await startValidationWorld('osaka')
}, 120_000)
afterAll(() => world.stop())

test('a wallet that is not deployed yet signs in (ERC-6492)', async () => {
  const signer = createTestSigner(3, 'wallet')
  const { id, initial } = createKeystore({ signers: [signer] })
  const account = await world.walletOf(id)
  const signature = signIn('Keyroll Wallet', account.address, signer, initial)
  expect(await verifies(account.address, deployingFirst(account, signature))).toBe(true)
  expect(await verifies(account.address, deployingFirst(account, signature), 'another')).toBe(false)
  // Verifying has deployed nothing.
  expect(await getCode(world.client, { address: account.address })).toBeUndefined()
})

test('a modular account that is not deployed yet signs in by the module (ERC-6492)', async () => {
  const signer = createTestSigner(2, 'modular account')
  const { id, initial } = createKeystore({ signers: [signer] })
  const account = await world.modularAccountOf(id)
  const inner = signIn('Nexus', account.address, signer, initial)
  const signature: Hex = `${world.contracts.keystoreValidator}${inner.slice(2)}`
  expect(await verifies(account.address, deployingFirst(account, signature))).toBe(true)
  expect(await verifies(account.address, deployingFirst(account, signature), 'another')).toBe(false)
})

test('a standing wallet signs in by a key that is not in force yet, with the set-config in the wrapper', async () => {
  const [old, fresh] = [createTestSigner(1, 'old'), createTestSigner(3, 'fresh')]
  const { id, initial } = createKeystore({ signers: [old] })
  const account = await world.walletOf(id)
  await world.operate({ account, signer: old, current: initial })

  const next = createNextConfig(initial, { signers: createAuthority({ signers: [fresh] }) })
  const [by, to] = [old, fresh].map((signer) => ({
    ...signer,
    sign: async ({ digest }: { digest: Hex }) => signer.sign(digest),
  }))
  const { raw } = await signSetConfig({
    ...{ rollup: VALIDATION_ROLLUP, kind: 0, id, current: initial, next, authority: [old] },
    ...{ approvers: by ? [by] : [], nextSigners: to ? [to] : [] },
  })
  const signature = signIn('Keyroll Wallet', account.address, fresh, next)
  expect(await verifies(account.address, signature)).toBe(false)
  const wrapped = serializeErc6492Signature({
    address: world.contracts.keystoreReplica,
    data: encodeFunctionData({
      abi: keystoreReplicaAbi,
      functionName: 'preconfirm',
      args: [account.address, toShortConfig(initial), raw],
    }),
    signature,
  })
  expect(await verifies(account.address, wrapped)).toBe(true)
})

test('a wallet that owns a Safe signs its transaction, nested by viem', async () => {
  const signer = createTestSigner(3, 'owner of a Safe')
  const { id, initial } = createKeystore({ signers: [signer] })
  const account = await world.walletOf(id)
  const transaction = {
    domain: { chainId: 901, verifyingContract: SAFE },
    types: {
      SafeTx: [
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'data', type: 'bytes' },
        { name: 'operation', type: 'uint8' },
        { name: 'safeTxGas', type: 'uint256' },
        { name: 'baseGas', type: 'uint256' },
        { name: 'gasPrice', type: 'uint256' },
        { name: 'gasToken', type: 'address' },
        { name: 'refundReceiver', type: 'address' },
        { name: 'nonce', type: 'uint256' },
      ],
    },
    primaryType: 'SafeTx',
    message: {
      to: SAFE,
      value: 0n,
      data: '0x',
      operation: 0,
      safeTxGas: 0n,
      baseGas: 0n,
      gasPrice: 0n,
      gasToken: zeroAddress,
      refundReceiver: zeroAddress,
      nonce: 7n,
    },
  } as const

  const digest = hashNestedTypedData({
    ...transaction,
    verifierDomain: {
      ...{ name: 'Keyroll Wallet', version: '1', chainId: 901 },
      ...{ verifyingContract: account.address, salt: zeroHash },
    },
  })
  const approvals = approve([signer], [signer], digest)
  const inner = encodeOwnerSignature({ current: initial, approvals })
  const signature = deployingFirst(account, wrapTypedDataSignature({ ...transaction, signature: inner }))

  const asked = { ...transaction, address: account.address, signature }
  expect(await verifyTypedData(world.client, asked)).toBe(true)
  const another = { ...transaction.message, nonce: 8n }
  expect(await verifyTypedData(world.client, { ...asked, message: another })).toBe(false)
})

/** Signs the message in as ERC-7739 nests it, in the domain of an account. */
function signIn(
  name: 'Keyroll Wallet' | 'Nexus',
  account: Address,
  signer: TestSigner,
  current: Config,
): Hex {
  const version = name === 'Nexus' ? '1.0.1' : '1'
  const digest = hashTypedData({
    domain: { name, version, chainId: 901, verifyingContract: account },
    types: { PersonalSign: [{ name: 'prefixed', type: 'bytes' }] },
    primaryType: 'PersonalSign',
    message: { prefixed: toPrefixedMessage(MESSAGE) },
  })
  return encodeOwnerSignature({ current, approvals: approve([signer], [signer], digest) })
}

function deployingFirst({ factory, initCode }: { factory: Address; initCode: Hex }, signature: Hex): Hex {
  return serializeErc6492Signature({ address: factory, data: slice(initCode, 20), signature })
}

function verifies(address: Address, signature: Hex, message = MESSAGE): Promise<boolean> {
  return verifyMessage(world.client, { address, message, signature })
}
