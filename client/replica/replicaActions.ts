import type { Client, Hash } from 'viem'
import type { SendingClient, TransactionOptions } from '../SendingClient.ts'
import { type CheckpointParameters, checkpoint } from './checkpoint.ts'
import { type ConfirmParameters, confirm } from './confirm.ts'
import { type ConfirmManyParameters, confirmMany } from './confirmMany.ts'
import { type ConfirmSignedParameters, confirmSigned } from './confirmSigned.ts'
import { getOutputBridge, type ReplicaBridge } from './getOutputBridge.ts'
import { type GetRecordParameters, getRecord, type ReplicaRecord } from './getRecord.ts'
import { type GetRootParameters, getRoot, type ReplicaRoot } from './getRoot.ts'
import { type IsCheckpointParameters, isCheckpoint } from './isCheckpoint.ts'
import type { OnReplica } from './OnReplica.ts'
import { type PreconfirmParameters, preconfirm } from './preconfirm.ts'
import { type PreconfirmManyParameters, preconfirmMany } from './preconfirmMany.ts'
import { type UpdateRootParameters, updateRoot } from './updateRoot.ts'
import { type WaitForRootParameters, waitForRoot } from './waitForRoot.ts'

/** What any client of a replica's chain may ask. */
export type ReplicaReadActions = {
  getOutputBridge(): Promise<ReplicaBridge>
  getRecord(parameters: GetRecordParameters): Promise<ReplicaRecord>
  getRoot(parameters: GetRootParameters): Promise<ReplicaRoot | undefined>
  isCheckpoint(parameters: IsCheckpointParameters): Promise<boolean>
  waitForRoot(parameters: WaitForRootParameters): Promise<ReplicaRoot>
}

/** What a client with an account may send; each returns the transaction's hash. */
export type ReplicaWriteActions = {
  checkpoint(parameters: CheckpointParameters): Promise<Hash>
  confirm(parameters: ConfirmParameters): Promise<Hash>
  confirmMany(parameters: ConfirmManyParameters): Promise<Hash>
  confirmSigned(parameters: ConfirmSignedParameters): Promise<Hash>
  preconfirm(parameters: PreconfirmParameters): Promise<Hash>
  preconfirmMany(parameters: PreconfirmManyParameters): Promise<Hash>
  updateRoot(parameters: UpdateRootParameters): Promise<Hash>
}

/** Extends a viem client of a replica's chain: `client.extend(replicaReadActions({ replica }))`. */
export function replicaReadActions(on: OnReplica): (client: Client) => ReplicaReadActions {
  return (client) => ({
    getOutputBridge: () => getOutputBridge(client, on),
    getRecord: (parameters) => getRecord(client, { ...parameters, ...on }),
    getRoot: (parameters) => getRoot(client, { ...parameters, ...on }),
    isCheckpoint: (parameters) => isCheckpoint(client, parameters),
    waitForRoot: (parameters) => waitForRoot(client, { ...parameters, ...on }),
  })
}

/**
 * Extends a viem client that has an account, with what it may ask and send: `client.extend(replicaActions({ replica }))`. Fee limits
 * are those of every transaction that names none itself.
 */
export function replicaActions(
  on: OnReplica & Pick<TransactionOptions, 'feeLimits'>,
): (client: SendingClient) => ReplicaReadActions & ReplicaWriteActions {
  return (client) => ({
    ...replicaReadActions(on)(client),
    checkpoint: (parameters) => checkpoint(client, { ...on, ...parameters }),
    confirm: (parameters) => confirm(client, { ...on, ...parameters }),
    confirmMany: (parameters) => confirmMany(client, { ...on, ...parameters }),
    confirmSigned: (parameters) => confirmSigned(client, { ...on, ...parameters }),
    preconfirm: (parameters) => preconfirm(client, { ...on, ...parameters }),
    preconfirmMany: (parameters) => preconfirmMany(client, { ...on, ...parameters }),
    updateRoot: (parameters) => updateRoot(client, { ...on, ...parameters }),
  })
}
