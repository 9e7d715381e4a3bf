import {
  type Block,
  decodeRlp,
  encodeRlp,
  fromHex,
  type RollupConfig,
  rlpToBytes,
  rlpToList,
  rlpToUint,
  toHex,
  uintToRlp,
} from '../../protocol/index.ts'
import type { BlockId } from '../BlockRef.ts'

/** Where the chain in a database begins: at genesis, or at the block whose state a snapshot held (docs/snapshot.md). */
export type ChainBase = {
  /** The first block that the database has. Nothing below it can be read, and nothing takes the chain back below it. */
  block: BlockId
  /** The L1 block after which `block` was the safe head: all data up to and in it have been read. */
  l1Block: BlockId
  /** The block of the output by which L1 vouches for the base; derivation must come to it. Genesis vouches for itself. */
  anchor: BlockId
  /** The first output of a block above the base, and the number of the L1 block that it was proposed in. */
  firstOutput: { index: bigint; l1Number: bigint }
}

/** Makes the base of a chain that begins at genesis. */
export function genesisBase(
  { hash }: Pick<Block, 'hash'>,
  { genesis }: Pick<RollupConfig, 'genesis'>,
): ChainBase {
  const block = { number: 0n, hash }
  return {
    block,
    l1Block: genesis.l1,
    anchor: block,
    firstOutput: { index: 0n, l1Number: genesis.l1.number },
  }
}

/** Encodes `rlp([number, hash] of block, of l1Block, of anchor, [index, l1 number])`. */
export function chainBaseToBytes({ block, l1Block, anchor, firstOutput }: ChainBase): Uint8Array {
  return encodeRlp([
    ...[block, l1Block, anchor].map(({ number, hash }) => [uintToRlp(number), fromHex(hash, 32)]),
    [uintToRlp(firstOutput.index), uintToRlp(firstOutput.l1Number)],
  ])
}

/** Decodes what `chainBaseToBytes` encoded. */
export function chainBaseFromBytes(bytes: Uint8Array): ChainBase {
  const items = rlpToList(decodeRlp(bytes), 4)
  const blockAt = (i: number): BlockId => {
    const [number, hash] = rlpToList(items[i], 2)
    return { number: rlpToUint(number, 64), hash: toHex(rlpToBytes(hash, 32)) }
  }
  const [index, l1Number] = rlpToList(items[3], 2)
  return {
    block: blockAt(0),
    l1Block: blockAt(1),
    anchor: blockAt(2),
    firstOutput: { index: rlpToUint(index, 64), l1Number: rlpToUint(l1Number, 64) },
  }
}
