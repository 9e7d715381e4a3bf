import { ssz } from '@lodestar/types'
import fastify from 'fastify'
import { bytesToHex, createPublicClient, type Hex, http, isHash } from 'viem'
import { POINT_AT_INFINITY } from './BeaconBlock.ts'
import { type BeaconChain, SECONDS_PER_SLOT, type StoredBeaconBlock } from './BeaconChain.ts'

/** A listening beacon API. */
export interface BeaconApi {
  readonly url: string
  close(): Promise<void>
}

const FORK = 'fulu'
const FAR_FUTURE_EPOCH = '18446744073709551615'

const SPEC = {
  CONFIG_NAME: 'keyroll-devnet',
  PRESET_BASE: 'mainnet',
  SECONDS_PER_SLOT: `${SECONDS_PER_SLOT}`,
  SLOT_DURATION_MS: `${SECONDS_PER_SLOT * 1000}`,
  SLOTS_PER_EPOCH: '32',
  GENESIS_FORK_VERSION: '0x00000000',
  ALTAIR_FORK_EPOCH: '0',
  BELLATRIX_FORK_EPOCH: '0',
  CAPELLA_FORK_EPOCH: '0',
  DENEB_FORK_EPOCH: '0',
  ELECTRA_FORK_EPOCH: '0',
  FULU_FORK_EPOCH: '0',
  GLOAS_FORK_EPOCH: FAR_FUTURE_EPOCH,
}

/** Serves a beacon chain over the standard beacon API; blobs come from the L1 node that holds them. */
export async function serveBeaconApi(options: {
  chain: BeaconChain
  l1Url: string
  /** 0 takes any free port. */
  port: number
}): Promise<BeaconApi> {
  const { chain, l1Url, port } = options
  const server = fastify({ forceCloseConnections: true })
  const l1 = createPublicClient({ transport: http(l1Url), cacheTime: 0 })

  const chainId = await l1.getChainId()
  const finalized = async () => (await l1.getBlock({ blockTag: 'finalized' })).number

  const blockById = async (id: string): Promise<StoredBeaconBlock | BeaconApiError> => {
    if (id === 'head') return chain.head()
    if (id === 'genesis') return chain.genesis()
    if (id === 'finalized') return chain.byL1Number(await finalized()) ?? chain.genesis()
    const isSlot = /^[0-9]{1,16}$/.test(id)
    if (!isSlot && !isHash(id)) return { code: 400, message: `Invalid block ID: ${id.slice(0, 80)}` }
    const block = isSlot ? chain.bySlot(Number(id)) : chain.byRoot(id.toLowerCase() as Hex)
    return block ?? { code: 404, message: `Block not found: ${id}` }
  }

  const context = async (block: StoredBeaconBlock) => ({
    execution_optimistic: false,
    finalized: block.l1.number <= (await finalized()),
  })

  server.get('/eth/v1/beacon/genesis', () => ({
    data: {
      genesis_time: `${chain.genesisTime}`,
      genesis_validators_root: `0x${'00'.repeat(32)}`,
      genesis_fork_version: SPEC.GENESIS_FORK_VERSION,
    },
  }))
  server.get('/eth/v1/config/spec', () => ({ data: { ...SPEC, DEPOSIT_CHAIN_ID: `${chainId}` } }))
  server.get('/eth/v1/node/version', () => ({ data: { version: 'keyroll-devnet' } }))
  server.get('/eth/v1/node/health', () => '')

  server.get('/eth/v1/beacon/states/head/finality_checkpoints', async () => {
    const { message, root } = chain.byL1Number(await finalized()) ?? chain.genesis()
    const checkpoint = { epoch: `${Math.floor(message.slot / Number(SPEC.SLOTS_PER_EPOCH))}`, root }
    const data = { previous_justified: checkpoint, current_justified: checkpoint, finalized: checkpoint }
    return { ...(await context(chain.head())), data }
  })

  server.get<{ Params: { id: string } }>('/eth/v1/beacon/headers/:id', async (request, reply) => {
    const block = await blockById(request.params.id)
    if ('code' in block) return reply.code(block.code).send(block)
    return { ...(await context(block)), data: headerToJson(block) }
  })

  server.get<{ Params: { id: string } }>('/eth/v2/beacon/blocks/:id', async (request, reply) => {
    const block = await blockById(request.params.id)
    if ('code' in block) return reply.code(block.code).send(block)
    const signed = { message: block.message, signature: POINT_AT_INFINITY }
    reply.header('Eth-Consensus-Version', FORK)
    if (prefersSsz(request.headers.accept)) {
      reply.type('application/octet-stream')
      return reply.send(Buffer.from(ssz.fulu.SignedBeaconBlock.serialize(signed)))
    }
    return { version: FORK, ...(await context(block)), data: ssz.fulu.SignedBeaconBlock.toJson(signed) }
  })

  server.get<{ Params: { id: string } }>('/eth/v1/beacon/blobs/:id', async (request, reply) => {
    const block = await blockById(request.params.id)
    if ('code' in block) return reply.code(block.code).send(block)
    // Anvil takes the number of an execution block for a slot.
    const { search } = new URL(request.url, l1Url)
    const answer = await fetch(new URL(`/eth/v1/beacon/blobs/${block.l1.number}${search}`, l1Url), {
      headers: { accept: 'application/json' },
    })
    reply.code(answer.status).type('application/json')
    return reply.send(await answer.text())
  })

  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ code: 404, message: `No such route: ${request.url.slice(0, 200)}` }),
  )
  const url = await server.listen({ host: '127.0.0.1', port })
  return { url, close: () => server.close() }
}

type BeaconApiError = { code: 400 | 404; message: string }

function headerToJson({ root, message }: StoredBeaconBlock) {
  const header = { ...message, bodyRoot: ssz.fulu.BeaconBlockBody.hashTreeRoot(message.body) }
  return {
    root,
    canonical: true,
    header: {
      message: ssz.phase0.BeaconBlockHeader.toJson(header),
      signature: bytesToHex(POINT_AT_INFINITY),
    },
  }
}

/** Tells which of the two forms the client weighs higher (RFC 9110, §12.5.1); JSON when it does not say. */
function prefersSsz(accept = ''): boolean {
  const weight = (type: string) => {
    const part = accept.split(',').find((entry) => entry.trim().startsWith(type))
    if (part === undefined) return 0
    return Number(/;\s*q=([0-9.]+)/.exec(part)?.[1] ?? 1)
  }
  return weight('application/octet-stream') > weight('application/json')
}
