import type { Address } from 'viem'
import type { L1Contracts, L2Contracts } from '../contracts/index.ts'
import type { RollupConfigJson } from '../protocol/index.ts'
import type { DevnetAccount, Role } from './accounts.ts'
import { DevnetError } from './DevnetError.ts'

/** One chain that reads keystores, and the source its relayer should use there. */
export type DevnetChain = {
  /** `A` or `B`. */
  name: string
  chainId: number
  rpcUrl: string
  /** Its OptimismPortal, on L1. */
  portal: Address
  source: { kind: 'L1Block' | 'EIP-4788'; address: Address }
}

/** Everything there is to know about a running devnet; written to a file as this JSON. */
export type DevnetInfo = {
  l1: { chainId: number; rpcUrl: string; beaconUrl: string }
  chains: DevnetChain[]
  rollup: { l2ChainId: number; configPath: string; config: RollupConfigJson }
  /** `admin_` callers bear the token. */
  sequencer: { rpcUrl: string; adminUrl: string; adminToken: string }
  node: { rpcUrl: string }
  contracts: { l1: L1Contracts; l2: L2Contracts }
  accounts: Record<Role, DevnetAccount>
  dataDir: string
  /** Of this file. */
  path: string
  pid: number
}

/** Parses the JSON a devnet wrote. @throws {DevnetError} when it is something else. */
export function parseDevnetInfo(text: string): DevnetInfo {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new DevnetError('devnet file', 'got text that is not JSON, expected what a devnet wrote', { cause })
  }
  if (!isDevnetInfo(json)) {
    throw new DevnetError('devnet file', 'got other JSON, expected what a devnet of this version wrote')
  }
  return json
}

function isDevnetInfo(json: unknown): json is DevnetInfo {
  if (typeof json !== 'object' || json === null) return false
  const keys = ['l1', 'chains', 'rollup', 'sequencer', 'node', 'contracts', 'accounts']
  return keys.every((key) => key in json)
}
