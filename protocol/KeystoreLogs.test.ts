import fc from 'fast-check'
import { decodeEventLog, encodeAbiParameters, encodeEventTopics } from 'viem'
import { expect, it } from 'vitest'
import { arbitraryHash, arbitraryHex, arbitraryUint64 } from '../test/arbitraries.ts'
import { fromHex, toHex } from './bytes.ts'
import { KEYSTORE_ADDRESS } from './constants.ts'
import {
  CONFIG_SET_TOPIC,
  configSetLog,
  keystoreEventsAbi,
  RECOVERY_STARTED_TOPIC,
  recoveryStartedLog,
} from './KeystoreLogs.ts'

const change = fc.record({
  id: arbitraryHash,
  nonce: arbitraryUint64,
  configHash: arbitraryHash,
  config: fc.oneof(arbitraryHex(0, 100), arbitraryHex(32), arbitraryHex(64), arbitraryHex(0, 4_000)),
})
const uint64 = { type: 'uint64' } as const
const bytes32 = { type: 'bytes32' } as const
const bytes = { type: 'bytes' } as const

it('a config that took effect is filed as viem encodes ConfigSet', () => {
  fc.assert(
    fc.property(change, ({ id, nonce, configHash, config }) => {
      const log = configSetLog({ id, nonce, configHash, rlp: fromHex(config) })
      const topics = encodeEventTopics({ abi: keystoreEventsAbi, eventName: 'ConfigSet', args: { id } })
      expect(log).toMatchObject({ address: KEYSTORE_ADDRESS, topics })
      const data = toHex(log.data)
      expect(data).toBe(encodeAbiParameters([uint64, bytes32, bytes], [nonce, configHash, config]))
      const { args } = decodeEventLog({
        abi: keystoreEventsAbi,
        eventName: 'ConfigSet',
        topics: [CONFIG_SET_TOPIC, id],
        data,
      })
      expect(args).toEqual({ id, nonce, configHash, config })
    }),
  )
})

it('a started recovery is filed as viem encodes RecoveryStarted', () => {
  fc.assert(
    fc.property(change, arbitraryUint64, ({ id, nonce, configHash, config }, readyAt) => {
      const log = recoveryStartedLog({ id, nonce, configHash, readyAt, rlp: fromHex(config) })
      const topics = encodeEventTopics({ abi: keystoreEventsAbi, eventName: 'RecoveryStarted', args: { id } })
      expect(log).toMatchObject({ address: KEYSTORE_ADDRESS, topics })
      const data = toHex(log.data)
      expect(data).toBe(
        encodeAbiParameters([uint64, bytes32, uint64, bytes], [nonce, configHash, readyAt, config]),
      )
      const { args } = decodeEventLog({
        abi: keystoreEventsAbi,
        eventName: 'RecoveryStarted',
        topics: [RECOVERY_STARTED_TOPIC, id],
        data,
      })
      expect(args).toEqual({ id, nonce, configHash, readyAt, config })
    }),
  )
})
