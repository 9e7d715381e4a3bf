import { type Address, type Hex, numberToHex, parseEther, parseGwei, zeroAddress, zeroHash } from 'viem'
import { DEPLOYMENT_PROXY, DEPLOYMENT_PROXY_CODE } from '../../contracts/index.ts'
import { devnetAccounts } from '../accounts.ts'
import { BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE } from '../BeaconRoots.ts'

/** A genesis block and its chain's rules, in the format of geth. */
export type Genesis = Record<string, unknown> & { alloc: Record<Address, GenesisAccount> }

type GenesisAccount = { balance: Hex; nonce?: Hex; code?: Hex }

const GAS_LIMIT = 36_000_000

/** The contract of EIP-2935, which keeps block hashes. */
const HISTORY_STORAGE: [Address, Hex] = [
  '0x0000F90827F1C53a10cb7A02335B175320002935',
  '0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500',
]

/** The contract of EIP-7002, which takes requests for withdrawals. */
const WITHDRAWAL_REQUESTS: [Address, Hex] = [
  '0x00000961Ef480Eb55e80D19ad83579A64c007002',
  '0x3373fffffffffffffffffffffffffffffffffffffffe1460cb5760115f54807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff146101f457600182026001905f5b5f82111560685781019083028483029004916001019190604d565b909390049250505036603814608857366101f457346101f4575f5260205ff35b34106101f457600154600101600155600354806003026004013381556001015f35815560010160203590553360601b5f5260385f601437604c5fa0600101600355005b6003546002548082038060101160df575060105b5f5b8181146101835782810160030260040181604c02815460601b8152601401816001015481526020019060020154807fffffffffffffffffffffffffffffffff00000000000000000000000000000000168252906010019060401c908160381c81600701538160301c81600601538160281c81600501538160201c81600401538160181c81600301538160101c81600201538160081c81600101535360010160e1565b910180921461019557906002556101a0565b90505f6002555f6003555b5f54807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff14156101cd57505f5b6001546002828201116101e25750505f6101e8565b01600290035b5f555f600155604c025ff35b5f5ffd',
]

/** The contract of EIP-7251, which takes requests for consolidations. */
const CONSOLIDATION_REQUESTS: [Address, Hex] = [
  '0x0000BBdDc7CE488642fb579F8B00f3a590007251',
  '0x3373fffffffffffffffffffffffffffffffffffffffe1460d35760115f54807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff1461019a57600182026001905f5b5f82111560685781019083028483029004916001019190604d565b9093900492505050366060146088573661019a573461019a575f5260205ff35b341061019a57600154600101600155600354806004026004013381556001015f358155600101602035815560010160403590553360601b5f5260605f60143760745fa0600101600355005b6003546002548082038060021160e7575060025b5f5b8181146101295782810160040260040181607402815460601b815260140181600101548152602001816002015481526020019060030154905260010160e9565b910180921461013b5790600255610146565b90505f6002555f6003555b5f54807fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff141561017357505f5b6001546001828201116101885750505f61018e565b01600190035b5f555f6001556074025ff35b5f5ffd',
]

/**
 * Makes the genesis of an L1 that begins with Cancun and goes over to Prague: with the contracts that those forks call, the
 * deployment proxy, and ether for the devnet's accounts. Times are seconds.
 */
export function createL1Genesis({
  chainId,
  time,
  pragueTime,
}: {
  chainId: number
  time: number
  pragueTime: number
}): Genesis {
  const contracts: [Address, Hex][] = [
    [BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE],
    HISTORY_STORAGE,
    WITHDRAWAL_REQUESTS,
    CONSOLIDATION_REQUESTS,
    [DEPLOYMENT_PROXY, DEPLOYMENT_PROXY_CODE],
  ]
  const accounts = Object.values(devnetAccounts()).map(({ address }): [Address, GenesisAccount] => [
    address,
    { balance: numberToHex(parseEther('10000')) },
  ])
  return {
    config: {
      chainId,
      ...Object.fromEntries(BLOCK_FORKS.map((fork) => [`${fork}Block`, 0])),
      terminalTotalDifficulty: 0,
      terminalTotalDifficultyPassed: true,
      shanghaiTime: 0,
      cancunTime: 0,
      pragueTime,
    },
    nonce: '0x0',
    timestamp: numberToHex(time),
    extraData: '0x',
    gasLimit: numberToHex(GAS_LIMIT),
    difficulty: '0x0',
    mixHash: zeroHash,
    coinbase: zeroAddress,
    baseFeePerGas: numberToHex(parseGwei('1')),
    alloc: Object.fromEntries([
      ...accounts,
      ...contracts.map(([address, code]) => [address, { balance: '0x0', nonce: '0x1', code }]),
    ]),
  }
}

const BLOCK_FORKS = [
  'homestead',
  'eip150',
  'eip155',
  'eip158',
  'byzantium',
  'constantinople',
  'petersburg',
  'istanbul',
  'berlin',
  'london',
  'mergeFork',
]
