import fastify from 'fastify'
import { type Hex, isHash } from 'viem'
import { fromHex } from '../protocol/index.ts'
import { toServedForms } from './BeaconBlock.ts'
import { type BeaconChain, SECONDS_PER_SLOT, type StoredBeaconBlock } from './BeaconChain.ts'

/** A listening beacon API. */
export interface BeaconApi {
  readonly url: string
  close(): Promise<void>
}

const FAR_FUTURE_EPOCH = 2n ** 64n - 1n
/** Slots in an epoch of the beacon chain; that of the mainnet preset. */
export const SLOTS_PER_EPOCH = 32
const GENESIS_FORK_VERSION = '0x00000000'

/** Serves a beacon chain over the standard beacon API. */
export async function serveBeaconApi(options: {
  chain: BeaconChain
  /** 0 takes any free port. */
  port: number
}): Promise<BeaconApi> {
  const { chain, port } = options
  const server = fastify({ forceCloseConnections: true })

  const blockById = async (id: string): Promise<StoredBeaconBlock | BeaconApiError> => {
    if (id === 'head') return chain.head()
    if (id === 'genesis') return chain.genesis()
    if (id === 'finalized') return chain.finalized()
    const isSlot = /^[0-9]{1,16}$/.test(id)
    if (!isSlot && !isHash(id)) return { code: 400, message: `Invalid block ID: ${id.slice(0, 80)}` }
    const block = isSlot ? chain.bySlot(Number(id)) : chain.byRoot(id.toLowerCase() as Hex)
    return block ?? { code: 404, message: `Block not found: ${id}` }
  }

  const context = async (block: StoredBeaconBlock) => ({
    execution_optimistic: false,
    finalized: block.l1.number <= (await chain.finalized()).l1.number,
  })

  server.get('/eth/v1/beacon/genesis', () => ({
    data: {
      genesis_time: `${chain.genesisTime}`,
      genesis_validators_root: `0x${'00'.repeat(32)}`,
      genesis_fork_version: GENESIS_FORK_VERSION,
    },
  }))
  server.get('/eth/v1/config/spec', () => ({ data: specOf(chain) }))
  server.get('/eth/v1/node/version', () => ({ data: { version: 'keyroll-devnet' } }))
  server.get('/eth/v1/node/health', () => '')

  server.get('/eth/v1/beacon/states/head/finality_checkpoints', async () => {
    const justified = toCheckpoint(await chain.justified())
    const finalized = toCheckpoint(await chain.finalized())
    const data = { previous_justified: justified, current_justified: justified, finalized }
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
    const { fork } = block
    const forms = toServedForms(block)
    reply.header('Eth-Consensus-Version', fork)
    if (prefersSsz(request.headers.accept)) {
      reply.type('application/octet-stream')
      return reply.send(Buffer.from(forms.ssz()))
    }
    return { version: fork, ...(await context(block)), data: forms.json() }
  })

  server.get<{ Params: { id: string } }>('/eth/v1/beacon/blobs/:id', async (request, reply) => {
    const block = await blockById(request.params.id)
    if ('code' in block) return reply.code(block.code).send(block)
    const { searchParams } = new URL(request.url, 'http://localhost')
    const hashes = searchParams.has('versioned_hashes')
      ? searchParams.getAll('versioned_hashes').filter((hash) => isHash(hash))
      : undefined
    const blobs = await chain.blobs(block, hashes)
    reply.header('Eth-Consensus-Version', block.fork)
    if (prefersSsz(request.headers.accept)) {
      reply.type('application/octet-stream')
      return reply.send(Buffer.concat(blobs.map((blob) => fromHex(blob))))
    }
    return { ...(await context(block)), data: blobs }
  })

  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ code: 404, message: `No such route: ${request.url.slice(0, 200)}` }),
  )
  const url = await server.listen({ host: '127.0.0.1', port })
  return { url, close: () => server.close() }
}

type BeaconApiError = { code: 400 | 404; message: string }

function specOf({ chainId, forkEpochs }: BeaconChain): Record<string, string> {
  const { deneb, electra, fulu } = forkEpochs
  return {
    CONFIG_NAME: 'keyroll-devnet',
    PRESET_BASE: 'mainnet',
    SECONDS_PER_SLOT: `${SECONDS_PER_SLOT}`,
    SLOT_DURATION_MS: `${SECONDS_PER_SLOT * 1000}`,
    SLOTS_PER_EPOCH: `${SLOTS_PER_EPOCH}`,
    GENESIS_FORK_VERSION,
    ALTAIR_FORK_EPOCH: '0',
    BELLATRIX_FORK_EPOCH: '0',
    CAPELLA_FORK_EPOCH: '0',
    DENEB_FORK_EPOCH: `${deneb ?? FAR_FUTURE_EPOCH}`,
    ELECTRA_FORK_EPOCH: `${electra ?? FAR_FUTURE_EPOCH}`,
    FULU_FORK_EPOCH: `${fulu ?? FAR_FUTURE_EPOCH}`,
    GLOAS_FORK_EPOCH: `${FAR_FUTURE_EPOCH}`,
    DEPOSIT_CHAIN_ID: `${chainId}`,
  }
}

function toCheckpoint({ message, root }: StoredBeaconBlock): { epoch: string; root: Hex } {
  return { epoch: `${Math.floor(message.slot / SLOTS_PER_EPOCH)}`, root }
}

function headerToJson(block: StoredBeaconBlock) {
  return { root: block.root, canonical: true, header: toServedForms(block).headerJson() }
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
