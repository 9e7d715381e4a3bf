// Writes the runtime code of a contract around the OP Stack's MerkleTrie library to
// test/vectors/keyroll/op_merkle_trie.json, for differential tests of ours. The package's sources pin another
// compiler in one file, so forge cannot build them here; this relaxes that pragma and compiles them with ours.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const packageFile = createRequire(import.meta.url).resolve('@eth-optimism/contracts-bedrock/package.json')
const { name, version } = JSON.parse(readFileSync(packageFile, 'utf8'))

const libraries = [
  'src/libraries/Bytes.sol',
  'src/libraries/rlp/RLPErrors.sol',
  'src/libraries/rlp/RLPReader.sol',
  'src/libraries/trie/MerkleTrie.sol',
]
const harness = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;
import { MerkleTrie } from "./src/libraries/trie/MerkleTrie.sol";
contract OpMerkleTrie {
    function get(bytes memory key, bytes[] memory proof, bytes32 root) external pure returns (bytes memory) {
        return MerkleTrie.get(key, proof, root);
    }
}
`
const sources: Record<string, { content: string }> = { 'OpMerkleTrie.sol': { content: harness } }
for (const path of libraries) {
  const content = readFileSync(join(dirname(packageFile), path), 'utf8')
  sources[path] = { content: content.replace('pragma solidity 0.8.15;', 'pragma solidity ^0.8.15;') }
}

const answer = execFileSync(join(root, 'tools/solc.mjs'), ['--standard-json'], {
  input: JSON.stringify({
    language: 'Solidity',
    sources,
    settings: {
      optimizer: { enabled: true, runs: 10_000 },
      evmVersion: 'cancun',
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: { 'OpMerkleTrie.sol': { OpMerkleTrie: ['evm.deployedBytecode.object'] } },
    },
  }),
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
})
const code: string = JSON.parse(answer).contracts['OpMerkleTrie.sol'].OpMerkleTrie.evm.deployedBytecode.object

const vectors = { libraries: `${name}@${version} ${libraries.join(' ')}`, deployedBytecode: `0x${code}` }
writeFileSync(join(root, 'test/vectors/keyroll/op_merkle_trie.json'), `${JSON.stringify(vectors, null, 2)}\n`)
