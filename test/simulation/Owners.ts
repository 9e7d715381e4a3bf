import type { Address, Hex } from 'viem'
import type { ChainStore } from '../../node/index.ts'
import { type Config, concat, configHash, readKeystore, type SignedPromise } from '../../protocol/index.ts'
import { createTestKeystore, type SignedSetConfig, type TestKeystore } from '../TestKeystore.ts'
import { createTestSigner } from '../testSigners.ts'
import type { Miner } from './Miner.ts'
import type { RunningSequencer } from './nodes.ts'
import type { Random } from './Random.ts'
import { isDiskError, type SimulatedProcess } from './SimulatedProcess.ts'
import { isCalm, type KeptPromise, type World } from './World.ts'

/** The owners of keystores, who send set-configs and keep every promise. */
export interface Owners {
  start(): void
  promises(): readonly KeptPromise[]
  /** Finds the config that one was signed to follow. */
  previousOf(configHash: Hex): Hex | undefined
  /** All set-configs that anybody could know of. */
  raws(): readonly Uint8Array[]
  /** Counts answers by what they said. */
  answers(): Readonly<Record<string, number>>
}

type Owner = {
  keystore: TestKeystore
  /** What was signed, oldest first. */
  signed: SignedSetConfig[]
  /** The newest config that the owner believes in. */
  tip: Config
  recovery: Config | undefined
  deeds: number
}

const NEW_SIGNERS = [createTestSigner(1, 'new 0'), createTestSigner(1, 'new 1')] as const

/** Makes the owners of a world. */
export function createOwners(
  world: World,
  sequencer: SimulatedProcess<RunningSequencer>,
  miner: Pick<Miner, 'offer'>,
): Owners {
  const { scenario, rollup, timeline } = world
  const promises = new Map<string, KeptPromise>()
  const previousOf = new Map<Hex, Hex>()
  const answers: Record<string, number> = {}
  const owners = Array.from({ length: scenario.users.keystores }, (_, i): Owner => {
    const recoveryDelay = rollup.minRecoveryDelay
    const keystore = createTestKeystore(rollup.l2ChainId, `owner ${i}`, { recoveryDelay })
    const { initial: tip } = keystore
    return { keystore, signed: [], tip, recovery: undefined, deeds: 0 }
  })

  function remember(owner: Owner, signed: SignedSetConfig, previous: Config): SignedSetConfig {
    owner.signed.push(signed)
    if (signed.tx.kind !== 2) previousOf.set(signed.configHash, configHash(previous))
    return signed
  }

  function update(owner: Owner, previous: Config, random: Random): SignedSetConfig {
    const data: Hex = `0x${(owner.deeds++).toString(16).padStart(4, '0')}`
    const signers = random.chance(0.1) ? { signers: [random.pick(NEW_SIGNERS)] } : {}
    const options = { previous, data, ...signers }
    return remember(owner, owner.keystore.update(options), previous)
  }

  async function submit(owner: Owner, { raw, hash, config, tx }: SignedSetConfig): Promise<void> {
    const running = sequencer.running()
    if (running === undefined) return count('AWAY')
    const { host, parts } = running
    const head = parts.store.heads().unsafe.number
    let answer: Awaited<ReturnType<typeof parts.parts.pool.submit>> | undefined
    try {
      answer = await host.ask(() => parts.parts.pool.submit(raw))
    } catch (error) {
      // Its disk has failed, and it is about to end.
      if (!isDiskError(error)) world.fail('a submission fails only with the disk', String(error))
      return count('FAILED')
    }
    if (answer === undefined) return count('DIED')
    if (!answer.ok) {
      const { reason } = answer.refusal
      world.trace('owner', `${hash.slice(0, 10)} refused: ${reason}`)
      count(reason)
      if (host.isAlive()) owner.tip = readTip(owner, parts.store)
      return
    }
    const { signed, isNew } = answer
    count(isNew ? 'PROMISED' : 'KNOWN')
    const { id, kind, nonce, byBlock } = signed.promise
    world.trace(
      'owner',
      `${id.slice(0, 10)} nonce ${nonce} kind ${kind} ${hash.slice(0, 10)} promised by ${byBlock}, head ${head}`,
    )
    keep(signed, head, isNew)
    if (tx.kind !== 1 && config.nonce > owner.tip.nonce) owner.tip = config
    if (tx.kind === 1) owner.recovery = config
  }

  function keep(signed: SignedPromise, head: bigint, isNew: boolean): void {
    const known = promises.get(signed.signature)
    if (known === undefined) {
      promises.set(signed.signature, { signed, givenAt: timeline.now(), head, isNew })
    } else if (JSON.stringify(known.signed, bigints) !== JSON.stringify(signed, bigints)) {
      world.fail('a promise given again is the same', signed.signature)
    }
  }

  function count(what: string): void {
    answers[what] = (answers[what] ?? 0) + 1
  }

  /** Sometimes the chain's word, sometimes the newest that was signed. */
  function readTip(owner: Owner, store: ChainStore): Config {
    const head = store.blockByHash(store.heads().unsafe.hash)
    if (head === undefined) return owner.tip
    const { configHash: hash } = readKeystore(store, head.header.withdrawalsRoot, owner.keystore.id)
    return store.config(hash) ?? owner.keystore.initial
  }

  function chooseDeed(owner: Owner, random: Random): SignedSetConfig | undefined {
    const { conflicts, recovers } = scenario.users
    const { keystore, recovery } = owner
    if (random.chance(recovers)) {
      if (recovery !== undefined && random.chance(0.6)) {
        return remember(owner, keystore.completeRecovery(recovery), owner.tip)
      }
      const data: Hex = `0x${(0x10000 + owner.deeds++).toString(16).padStart(6, '0')}`
      return remember(owner, keystore.startRecovery({ previous: owner.tip, data }), owner.tip)
    }
    if (random.chance(conflicts)) {
      const again = random.any(owner.signed)
      if (again !== undefined && random.chance(0.4)) return again
      // On what is already replaced, or about to be.
      const older = random.any(owner.signed)?.config ?? owner.tip
      return update(owner, random.chance(0.5) ? older : owner.tip, random)
    }
    return update(owner, owner.tip, random)
  }

  function act(owner: Owner, random: Random): void {
    const signed = chooseDeed(owner, random)
    if (signed === undefined) return
    const isForced = random.chance(scenario.users.forces)
    if (isForced) {
      const name = `deposit of ${owner.keystore.id.slice(0, 10)} nonce ${signed.config.nonce} kind ${signed.tx.kind}`
      miner.offer({ kind: 'deposit', from: FORCER, data: signed.raw }, name)
      if (random.chance(0.5)) return
    }
    // Nobody waits for an answer before the next deed.
    submit(owner, mangled(signed, random)).catch((error: unknown) => {
      world.fail(
        'a submission is answered',
        error instanceof Error ? (error.stack ?? error.message) : `${error}`,
      )
    })
  }

  function mangled(signed: SignedSetConfig, random: Random): SignedSetConfig {
    if (!random.chance(0.02)) return signed
    const raw = random.chance(0.5)
      ? concat(signed.raw, random.bytes(1))
      : signed.raw.with(random.integer(0, signed.raw.length - 1), random.integer(0, 255))
    return { ...signed, raw }
  }

  async function live(owner: Owner, random: Random): Promise<void> {
    while (!isCalm(world)) {
      await timeline.sleep(scenario.users.pause * (0.1 + 1.8 * random.next()))
      if (isCalm(world)) return
      const times = random.chance(0.2) ? random.integer(2, 4) : 1
      for (let i = 0; i < times; i++) act(owner, random)
    }
  }

  return {
    start() {
      owners.forEach((owner, i) => {
        live(owner, world.random(`owner ${i}`)).catch((error: unknown) => {
          world.fail('an owner lives', error instanceof Error ? (error.stack ?? error.message) : `${error}`)
        })
      })
    },
    promises: () => [...promises.values()],
    previousOf: (hash) => previousOf.get(hash),
    raws: () => owners.flatMap(({ signed }) => signed.map(({ raw }) => raw)),
    answers: () => answers,
  }
}

const FORCER: Address = `0x${'f0'.repeat(20)}`

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}` : value
}
