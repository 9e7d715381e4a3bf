import { type Hex, hexToBytes, numberToHex } from 'viem'
import {
  data,
  defineMethod,
  hash,
  invalidParams,
  optionalParam,
  type Parser,
  type PendingSetConfig,
  param,
  quantity,
  RpcError,
  type RpcMethods,
  signedPromiseToJson,
} from '../node/index.ts'
import {
  decodeSetConfig,
  MAX_TRANSACTION_BYTES,
  type RollupConfig,
  type SignedPromise,
} from '../protocol/index.ts'
import { type Builder, SequencerStateError } from './Builder.ts'
import type { UnkeptPage } from './pool/listUnkept.ts'
import type { Pool } from './pool/Pool.ts'

/** Makes the methods that take set-configs (docs/rpc.md, sending). */
export function createSendMethods(pool: Pick<Pool, 'submit'>): RpcMethods {
  const raw = param('raw', data(MAX_TRANSACTION_BYTES))

  async function submit(hex: Hex): Promise<SignedPromise> {
    const submission = await pool.submit(hexToBytes(hex))
    if (submission.ok) return submission.signed
    const { reason, message, details } = submission.refusal
    throw new RpcError('transactionRejected', message, { ...details, reason })
  }

  return {
    keyroll_sendConfig: defineMethod([raw], async ([hex]) => signedPromiseToJson(await submit(hex))),
    // The promised transaction's hash: of the same config in other bytes, only the first ever is in a block.
    eth_sendRawTransaction: defineMethod([raw], async ([hex]) => (await submit(hex)).promise.txHash),
  }
}

/** Most promises in one answer of `keyroll_getUnkeptPromises`. */
const MAX_PAGE = 100n

/** Makes the method that tells which promises were not kept (docs/rpc.md). */
export function createPromiseMethods(pool: Pick<Pool, 'unkept'>): RpcMethods {
  return {
    keyroll_getUnkeptPromises: defineMethod(
      [
        optionalParam<Hex | undefined>('after', cursor, undefined),
        optionalParam('limit', quantity, MAX_PAGE),
      ],
      async ([after, limit]) => {
        if (limit === 0n || limit > MAX_PAGE) {
          throw invalidParams('LIMIT_OUT_OF_RANGE', `expected limit from 1 to ${MAX_PAGE}`, {
            param: 'limit',
          })
        }
        const { promises, next } = await pool.unkept({ after, limit: Number(limit) })
        return { promises: promises.map(unkeptToJson), next: next ?? null }
      },
    ),
  }
}

const cursor: Parser<Hex> = (value, name) => {
  if (typeof value === 'string' && /^0x[0-9a-f]{80}$/.test(value)) return value as Hex
  throw invalidParams('INVALID_CURSOR', `expected ${name} to be the cursor of an earlier page`, {
    param: name,
  })
}

function unkeptToJson({ signed, outcome, reason, since, isVoid, isFinal }: UnkeptPage['promises'][number]) {
  return {
    ...signedPromiseToJson(signed),
    outcome,
    reason: reason ?? null,
    since: numberToHex(since),
    void: isVoid,
    final: isFinal,
  }
}

/** Makes op-node's methods that start and stop a sequencer. Serve them only where callers are authenticated. */
export function createAdminMethods(builder: Pick<Builder, 'isActive' | 'start' | 'stop'>): RpcMethods {
  return {
    admin_sequencerActive: defineMethod([], () => builder.isActive()),
    admin_startSequencer: defineMethod([param('unsafeHead', hash)], ([unsafeHead]) => {
      try {
        builder.start(unsafeHead)
      } catch (error) {
        throw toRpcError(error)
      }
      return null
    }),
    admin_stopSequencer: defineMethod([], async () => {
      try {
        return await builder.stop()
      } catch (error) {
        throw toRpcError(error)
      }
    }),
  }
}

/** Makes the look-up of accepted set-configs that `keyroll_getStatus` asks. */
export function createFindAccepted({
  pool,
  rollup,
  findRaw,
}: {
  pool: Pick<Pool, 'status' | 'promiseOf' | 'findUnkept'>
  rollup: Pick<RollupConfig, 'l2ChainId'>
  /** Finds a transaction's raw bytes in the chain. */
  findRaw: (transactionHash: Hex) => Uint8Array | undefined
}): (transactionHash: Hex) => PendingSetConfig | undefined {
  return (transactionHash) => {
    const status = pool.status(transactionHash)
    if (status !== undefined) {
      const { signed, stage } = status
      const isPending = stage.name === 'queued' || stage.name === 'writing'
      return stage.name === 'displaced'
        ? { signed, isPending, displacedReason: stage.reason }
        : { signed, isPending }
    }
    const unkept = pool.findUnkept(transactionHash)
    if (unkept?.outcome === 'displaced') {
      const { signed, reason } = unkept
      return { signed, isPending: false, ...(reason !== undefined && { displacedReason: reason }) }
    }
    // The pool has forgotten what is final; the promise is kept for ever.
    const raw = findRaw(transactionHash)
    const decoded = raw && decodeSetConfig(raw, rollup.l2ChainId)
    if (!decoded?.ok) return undefined
    const { id, kind, next } = decoded.tx
    const signed = pool.promiseOf({ id, kind, nonce: next.nonce, configHash: decoded.nextHash })
    return signed && { signed, isPending: false }
  }
}

function toRpcError(error: unknown): unknown {
  if (!(error instanceof SequencerStateError)) return error
  return new RpcError('invalidInput', error.message, { reason: error.reason })
}
