import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { createHashedL1, createHashKzg, type L1Lie } from '../../test/HashedL1.ts'
import { httpOf } from '../../test/httpOf.ts'
import { createLinearKzg, smallBlob } from '../../test/linearKzg.ts'
import { TemporaryFault } from '../Fault.ts'
import { createMetrics } from '../Metrics.ts'
import { createBeacon } from './Beacon.ts'
import { commitmentToVersionedHash } from './Kzg.ts'

const blobs = [1, 2, 3].map((byte) => new Uint8Array(131_072).fill(byte))
const other = new Uint8Array(131_072).fill(9)
const hexOf = (blob: Uint8Array) => `0x${Buffer.from(blob).toString('hex')}`

async function setUp(lies: Readonly<Record<string, L1Lie>>) {
  const l1 = createHashedL1({ chainId: 1n, number: 0n, timestamp: 1_000n })
  const header = l1.mine([{ kind: 'blobs', blobs }])
  const kzg = createHashKzg()
  const hashes: Hex[] = []
  for (const blob of blobs) hashes.push((await kzg.versionedHash(blob)) as Hex)
  const asked: string[] = []
  l1.lie = (question, truth) => {
    asked.push(`${question.host} ${question.method}`)
    const lie = lies[question.host]
    return lie === undefined ? truth : lie(question, truth)
  }
  const urls = Object.keys(lies).map((host) => `http://${host}`)
  const metrics = createMetrics()
  const beacon = createBeacon({ urls, kzg, http: l1.http, metrics })
  return { l1, header, hashes: hashes as [Hex, Hex, Hex], beacon, asked, metrics }
}

const honest: L1Lie = (_question, truth) => truth
/** Lies about the blobs of a slot, whichever endpoint is asked. */
const serves =
  (data: unknown): L1Lie =>
  ({ method }, truth) =>
    method === '/eth/v1/beacon/blobs' ? { data } : method.includes('blob_sidecars') ? undefined : truth
const blobStatus =
  (status: number): L1Lie =>
  ({ method }, truth) =>
    method.includes('blob') ? new Response('{}', { status }) : truth

/** Gives these bytes for the blobs of a slot and calls them octets, as SSZ is. */
const servesOctets =
  (body: Uint8Array | string): L1Lie =>
  ({ method }, truth) =>
    method === '/eth/v1/beacon/blobs' ? octets(body) : method.includes('blob_sidecars') ? undefined : truth
const octets = (body: Uint8Array | string, type = 'application/octet-stream') =>
  new Response(new Uint8Array(Buffer.from(body)), { headers: { 'content-type': type } })
/** Answers so when it is asked for blobs as SSZ, which comes first. */
const toSsz = (answer: () => Response): L1Lie => {
  let times = 0
  return ({ method }, truth) => (method === '/eth/v1/beacon/blobs' && times++ === 0 ? answer() : truth)
}

describe('reading blobs', () => {
  it('gives them in the order asked for, repeated ones too', async () => {
    const { beacon, header, hashes } = await setUp({ beacon1: honest })
    const [one, two, three] = hashes
    const found = await beacon.blobs(header, [three, one, one, two])
    expect(found.map((blob) => blob[0])).toEqual([3, 1, 1, 2])
  })

  it.each<[string, L1Lie]>([
    ['SSZ', servesOctets(Buffer.concat(blobs))],
    ['JSON that is called octets', servesOctets(JSON.stringify({ data: blobs.map(hexOf) }))],
    ['JSON after half a blob of SSZ', toSsz(() => octets(Buffer.concat(blobs).subarray(65_536)))],
    ['JSON after SSZ of nothing', toSsz(() => octets(''))],
    ['JSON after SSZ that is called JSON', toSsz(() => octets(Buffer.concat(blobs), 'application/json'))],
    ['JSON where SSZ is not acceptable', toSsz(() => new Response('{}', { status: 406 }))],
    ['JSON where SSZ makes the node fail', toSsz(() => new Response('{}', { status: 500 }))],
  ])('takes %s', async (_name, lie) => {
    const { beacon, header, hashes } = await setUp({ beacon1: lie })
    const found = await beacon.blobs(header, hashes)
    expect(found.map(hexOf)).toEqual(blobs.map(hexOf))
    // One that is kept keeps nothing else.
    expect(found.map(({ buffer }) => buffer.byteLength)).toEqual(blobs.map(({ length }) => length))
  })

  it.each<[string, L1Lie]>([
    ['answers 404', blobStatus(404)],
    ['answers 429', blobStatus(429)],
    ['answers 500', blobStatus(500)],
    ['has pruned them', serves([])],
    ['gives blobs of others', serves([hexOf(other), hexOf(other)])],
    ['gives SSZ of others', servesOctets(Buffer.concat([other, other]))],
    [
      'hides them behind 128 others',
      servesOctets(Buffer.concat([...new Array<Uint8Array>(128).fill(other), ...blobs])),
    ],
    ['gives half a blob as SSZ', servesOctets(Buffer.concat(blobs).subarray(65_536))],
    ['gives no blob as SSZ', servesOctets('')],
    ['gives what is no blob', serves(['0x', `0x${'zz'.repeat(131_072)}`, 7, null])],
    ['gives no list', serves('x')],
    [
      'gives half an answer',
      ({ method }, truth) => (method.includes('blob') ? new Response('{"data":["0x') : truth),
    ],
    ['breaks the connection', () => Promise.reject(new TypeError('terminated'))],
    ['answers without end', ({ method }, truth) => (method.includes('blob') ? endless() : truth)],
    [
      'says that its chain begins later',
      ({ params }, truth) => (params[0] === 'genesis' ? { data: { genesis_time: '9999999' } } : truth),
    ],
    [
      'says that its chain began at another time',
      ({ params }, truth) => (params[0] === 'genesis' ? { data: { genesis_time: '990' } } : truth),
    ],
    [
      'says that slots have no length',
      ({ params }, truth) => (params[0] === 'spec' ? { data: { SECONDS_PER_SLOT: '0' } } : truth),
    ],
    ['has no clock', ({ params }, truth) => (params[0] === 'genesis' ? { data: {} } : truth)],
  ])('asks the next node when one %s, and then that one first', async (_name, lie) => {
    const { beacon, header, hashes, asked } = await setUp({ beacon1: lie, beacon2: honest })
    expect((await beacon.blobs(header, hashes)).map(hexOf)).toEqual(blobs.map(hexOf))
    asked.length = 0
    expect((await beacon.blobs(header, hashes)).map(hexOf)).toEqual(blobs.map(hexOf))
    expect(asked.every((question) => question.startsWith('beacon2'))).toBe(true)
  })

  it('takes the good ones from each node, in any order, twice, and among wrong ones', async () => {
    const [first, second, third] = blobs.map(hexOf)
    const { beacon, header, hashes } = await setUp({
      beacon1: serves([hexOf(other), third, third]),
      beacon2: serves([7, second]),
      beacon3: serves([first, hexOf(other)]),
    })
    expect((await beacon.blobs(header, hashes)).map(hexOf)).toEqual(blobs.map(hexOf))
  })

  it('asks the next node only for what is missing', async () => {
    const queries: string[] = []
    const { l1, header, hashes } = await setUp({})
    const given = httpOf(async () => Response.json({ data: blobs.slice(0, 2).map(hexOf) }))
    const beacon = createBeacon({
      urls: ['http://beacon1', 'http://beacon2'],
      kzg: createHashKzg(),
      http: (request, take) => {
        const { url } = request
        if (url.includes('/blobs/')) queries.push(url)
        return url.startsWith('http://beacon1/eth/v1/beacon/blobs')
          ? given(request, take)
          : l1.http(request, take)
      },
    })
    await beacon.blobs(header, hashes)
    expect(queries[1]).toBe(`http://beacon2/eth/v1/beacon/blobs/12?versioned_hashes=${hashes[2]}`)
  })

  it('says which are missing and why when no node serves them, and no longer when one does', async () => {
    let isThere = false
    const { beacon, header, hashes, metrics } = await setUp({
      beacon1: (question, truth) =>
        isThere ? truth : serves([hexOf(blobs[1] as Uint8Array)])(question, truth),
      beacon2: (question, truth) => (isThere ? truth : blobStatus(503)(question, truth)),
    })
    const fault: unknown = await beacon.blobs(header, hashes).catch((thrown: unknown) => thrown)
    expect(fault).toBeInstanceOf(TemporaryFault)
    expect(fault).toMatchObject({
      message: expect.stringMatching(/beacon1: has 1 of the 3 .*beacon2: got status 503/),
      details: { reason: 'BLOBS_MISSING', l1Block: 1, missing: [hashes[0], hashes[2]] },
    })
    const { values } = await metrics.l1Requests.get()
    expect(values.map(({ labels }) => `${labels.node} ${labels.outcome}`)).toEqual([
      'beacon1 refused',
      'beacon2 refused',
    ])
    isThere = true
    expect((await beacon.blobs(header, hashes)).map(hexOf)).toEqual(blobs.map(hexOf))
  })

  it('commits to no blob whose sidecar names the commitment of another', async () => {
    let commitments = 0
    const { l1, header, hashes } = await setUp({})
    const sidecars = blobs.map((blob) => ({ blob: hexOf(blob), kzg_commitment: `0x${'ab'.repeat(48)}` }))
    l1.lie = ({ method }, truth) =>
      method === '/eth/v1/beacon/blobs'
        ? undefined
        : method.includes('blob_sidecars')
          ? { data: sidecars }
          : truth
    const kzg = {
      versionedHash: async () => {
        commitments++
        return undefined
      },
      commitment: async () => undefined,
    }
    const beacon = createBeacon({ urls: ['http://beacon1'], kzg, http: l1.http })
    await expect(beacon.blobs(header, hashes)).rejects.toBeInstanceOf(TemporaryFault)
    expect(commitments).toBe(0)
  })
})

describe('blobs beside the commitments of their block', () => {
  const given = [smallBlob(1n), smallBlob(2n, 3n), smallBlob(4n)]
  const header = createHashedL1({ chainId: 1n, number: 0n, timestamp: 1_000n }).mine([])

  /** A beacon node that serves these blobs, and these commitments in its block, and a client of it. */
  async function serve(blobs: readonly Uint8Array[], toCommitments: (own: Hex[]) => unknown, where = 'body') {
    const kzg = createLinearKzg()
    const own: Hex[] = []
    for (const blob of given) own.push((await kzg.commitment(blob)) as Hex)
    kzg.commitments = 0
    const list = { blob_kzg_commitments: toCommitments([...own]) }
    const body = where === 'body' ? list : { signed_execution_payload_bid: { message: list } }
    const beacon = createBeacon({
      urls: ['http://beacon1'],
      kzg,
      http: httpOf(async (url) => {
        if (url.includes('/genesis')) return Response.json({ data: { genesis_time: '0' } })
        if (url.includes('/spec')) return Response.json({ data: { SECONDS_PER_SLOT: '1' } })
        if (url.includes('/blobs/')) return Response.json({ data: blobs.map(hexOf) })
        if (url.includes('/v2/beacon/blocks/')) return Response.json({ data: { message: { body } } })
        return new Response('{}', { status: 404 })
      }),
    })
    return { kzg, beacon, hashes: own.map(commitmentToVersionedHash) }
  }

  it.each(['body', 'bid'])(
    'are checked with one commitment for all, which the block has in its %s',
    async (where) => {
      const { beacon, hashes, kzg } = await serve(given, (own) => own, where)
      expect((await beacon.blobs(header, hashes)).map(hexOf)).toEqual(given.map(hexOf))
      expect(kzg.commitments).toBe(1)
    },
  )

  it('are checked so when the node gives the blobs of others too, or leaves them out', async () => {
    for (const blobs of [given, given.slice(1, 2)]) {
      const { beacon, hashes, kzg } = await serve(blobs, (own) => own)
      const found = await beacon.blobs(header, hashes.slice(1, 2))
      expect(found.map(hexOf)).toEqual(given.slice(1, 2).map(hexOf))
      expect(kzg.commitments).toBeLessThanOrEqual(given.length)
    }
  })

  it.each<[string, (own: Hex[]) => unknown]>([
    ['are none', () => []],
    ['are no list', () => 'x'],
    ['are not there', () => undefined],
    ['are too few', (own) => own.slice(1)],
    ['stand in another order', (own) => own.toReversed()],
    ['are of others', (own) => own.map(() => `0x${'ab'.repeat(48)}`)],
    ['are no points', () => [7, null, '0x']],
  ])('are found one by one when these %s', async (_name, toCommitments) => {
    const { beacon, hashes, kzg } = await serve(given, toCommitments)
    expect((await beacon.blobs(header, hashes)).map(hexOf)).toEqual(given.map(hexOf))
    expect(kzg.commitments).toBeGreaterThanOrEqual(given.length)
  })

  it('are missing when another stands in the place of one, however true the commitments', async () => {
    const { beacon, hashes } = await serve([smallBlob(1n), smallBlob(9n), smallBlob(4n)], (own) => own)
    await expect(beacon.blobs(header, hashes)).rejects.toMatchObject({ details: { missing: [hashes[1]] } })
  })
})

function endless(): Response {
  const part = new Uint8Array(1_048_576).fill(0x20)
  return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(part) }))
}
