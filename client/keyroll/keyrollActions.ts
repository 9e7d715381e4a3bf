import type { Client } from 'viem'
import type { SignedPromise } from '../../protocol/index.ts'
import { type GetConfigParameters, getConfig, type KeystoreConfig } from './getConfig.ts'
import { type ConfigProofAtBlock, getConfigProof } from './getConfigProof.ts'
import { type GetStatusParameters, getStatus } from './getStatus.ts'
import type { SetConfigStatus } from './SetConfigStatus.ts'
import { type SendConfigParameters, sendConfig } from './sendConfig.ts'
import { type WaitForStatusParameters, waitForStatus } from './waitForStatus.ts'

/** The actions of a client of a Keyroll node. */
export type KeyrollActions = {
  getConfig(parameters: GetConfigParameters): Promise<KeystoreConfig>
  getConfigProof(parameters: GetConfigParameters): Promise<ConfigProofAtBlock>
  getStatus(parameters: GetStatusParameters): Promise<SetConfigStatus>
  sendConfig(parameters: SendConfigParameters): Promise<SignedPromise>
  waitForStatus(parameters: WaitForStatusParameters): Promise<SetConfigStatus>
}

/** Extends a viem client of a Keyroll node: `client.extend(keyrollActions())`. */
export function keyrollActions(): (client: Client) => KeyrollActions {
  return (client) => ({
    getConfig: (parameters) => getConfig(client, parameters),
    getConfigProof: (parameters) => getConfigProof(client, parameters),
    getStatus: (parameters) => getStatus(client, parameters),
    sendConfig: (parameters) => sendConfig(client, parameters),
    waitForStatus: (parameters) => waitForStatus(client, parameters),
  })
}
