import { domainSeparator, type Hex, hashStruct, hashTypedData } from 'viem'
import { type Config, NO_AUTHORITY, setConfigTypedData } from '../../protocol/index.ts'
import { CHAIN_ID, hashOf } from './shared.ts'

const next: Config = {
  nonce: 1n,
  signers: { root: hashOf('next signers'), threshold: 2 },
  guardians: { root: hashOf('next guardians'), threshold: 1 },
  recoveryDelay: 86_400,
  maxStaleness: 1_209_600,
  data: '0x73616c74',
}

type Message = { chainId: bigint; kind: 0 | 1; id: Hex; previous: Hex; next: Config }

const message: Message = { chainId: CHAIN_ID, kind: 0, id: hashOf('id'), previous: hashOf('previous'), next }

const cases: [name: string, message: Message][] = [
  ['an update', message],
  ['a started recovery to the same config', { ...message, kind: 1 }],
  ['the same update on another rollup', { ...message, chainId: 1n }],
  ['the same update on the rollup with the largest chain id', { ...message, chainId: 2n ** 64n - 1n }],
  ['id and previous exchanged', { ...message, id: message.previous, previous: message.id }],
  ['the first update of a keystore, whose previous is its id', { ...message, previous: message.id }],
  [
    'a next config without guardians and data',
    { ...message, next: { ...next, guardians: NO_AUTHORITY, data: '0x' } },
  ],
]

/** Builds digests.json: what approvals sign, as viem computes it. */
export function digestVectors() {
  return { count: cases.length, cases: cases.map(([name, message]) => toCase(name, message)) }
}

function toCase(name: string, message: Message) {
  const typedData = setConfigTypedData(message)
  const { domain, types } = typedData
  return {
    name,
    chainId: message.chainId.toString(),
    kind: message.kind.toString(),
    id: message.id,
    previous: message.previous,
    nextHash: hashStruct({ data: message.next, primaryType: 'Config', types }),
    domainSeparator: domainSeparator({ domain }),
    digest: typedData.primaryType === 'SetConfig' ? hashTypedData(typedData) : hashTypedData(typedData),
  }
}
