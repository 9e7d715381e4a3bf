/** The built-in sources of L1 block hashes (protocol.md §7.1). */
export type SourceKind = 'L1BlockSource' | 'BeaconRootsSource' | 'BlockHashSource' | 'ParentL1BlockSource'
