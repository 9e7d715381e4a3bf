import { concatHex, type Hex } from 'viem'

/** A proof, but for the nodes with which the one before it begins too: how many these are, and the others joined. */
export type SharedProof = { kept: number; nodes: Hex }

/** Writes the nodes of a proof, from the root down, one after the other: so the contracts take it (protocol.md §7.2). */
export function joinNodes(proof: readonly Hex[]): Hex {
  return concatHex([...proof])
}

/**
 * Leaves out of each item's proof the nodes with which that of the item before begins, as `confirmMany` takes them
 * (protocol.md §7.4). In the order of their keys, neighbours share most.
 */
export function shareNodes<Item extends { storageProof: readonly Hex[] }>(
  items: readonly Item[],
): (Omit<Item, 'storageProof'> & SharedProof)[] {
  return items.map(({ storageProof, ...item }, index) => {
    const last = items[index - 1]?.storageProof ?? []
    const parting = storageProof.findIndex((node, depth) => node !== last[depth])
    const kept = parting < 0 ? storageProof.length : parting
    return { ...item, kept, nodes: joinNodes(storageProof.slice(kept)) }
  })
}
