// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {BeaconRootsSource, BlockHashIndex} from "keyroll/l2/sources/BeaconRootsSource.sol";
import {L1Header} from "keyroll/libraries/L1Header.sol";
import {MerklePatricia} from "keyroll/libraries/MerklePatricia.sol";
import {SharedProofs} from "./kit/SharedProofs.sol";
import {TrieTest} from "./libraries/TrieTest.sol";

/// @notice Every byte of every proof of the vectors, real ones first, with its lowest bit, its highest bit and all its bits changed.
contract EveryByteTest is TrieTest {
    error Accepted(uint256 position, bytes1 difference);

    bytes3 internal constant DIFFERENCES = 0x0180ff;

    function parseHeader(bytes calldata header) external pure returns (bytes32) {
        return L1Header.parse(header).hash;
    }

    function test_ofTheAccountAndStorageProofsOfSepolia() public view {
        SepoliaProof memory p = _sepolia();
        _requireEveryByteOfAProof(p.stateRoot, keccak256(abi.encodePacked(p.account)), p.accountProof);
        bytes32 storageRoot = _trie.accountStorageRoot(p.stateRoot, p.account, p.accountProof);
        _requireEveryByteOfAProof(storageRoot, keccak256(abi.encodePacked(p.slot)), p.storageProof);
    }

    function test_ofTheAccountAndExclusionProofsOfBaseSepolia() public view {
        string memory json = vm.readFile("test/vectors/proof_base_sepolia_16802894.json");
        bytes[] memory proof = vm.parseJsonBytesArray(json, ".accountProof");
        bytes memory account = vm.parseJsonBytes(json, ".address");
        _requireEveryByteOfAProof(keccak256(proof[0]), keccak256(account), proof);
        bytes32 slot = vm.parseJsonBytes32(json, ".storageProof[0].key");
        proof = vm.parseJsonBytesArray(json, ".storageProof[0].proof");
        _requireEveryByteOfAProof(
            vm.parseJsonBytes32(json, ".storageHash"), keccak256(abi.encode(slot)), proof
        );
    }

    function test_ofTheMadeUpProofsOfSlotsKeysAndAccounts() public view {
        string memory json = vm.readFile("test/vectors/keyroll/trie_proofs.json");
        uint256 count = vm.parseJsonUint(json, ".storageCount");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".storage[", vm.toString(i), "]");
            bytes32 slot = vm.parseJsonBytes32(json, string.concat(at, ".slot"));
            _requireEveryByteOfAMadeUpProof(json, at, ".root", keccak256(abi.encode(slot)));
        }
        count = vm.parseJsonUint(json, ".lookupsCount");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".lookups[", vm.toString(i), "]");
            bytes32 key = vm.parseJsonBytes32(json, string.concat(at, ".keyHash"));
            _requireEveryByteOfAMadeUpProof(json, at, ".root", key);
        }
        count = vm.parseJsonUint(json, ".accountsCount");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".accounts[", vm.toString(i), "]");
            address account = vm.parseJsonAddress(json, string.concat(at, ".account"));
            _requireEveryByteOfAMadeUpProof(json, at, ".stateRoot", keccak256(abi.encodePacked(account)));
        }
    }

    /// @dev A source vouches for the hash, so a header may be read if its hash is another.
    function test_ofTheHeaderOfSepolia() public view {
        string memory json = vm.readFile("test/vectors/proof_l1_sepolia_9567705.json");
        bytes memory header = vm.parseJsonBytes(json, ".rlpBlockHeader");
        bytes32 hash = vm.parseJsonBytes32(json, ".blockHash");
        assertEq(this.parseHeader(header), hash);
        for (uint256 i = 0; i < header.length; ++i) {
            bytes1 original = header[i];
            for (uint256 j = 0; j < DIFFERENCES.length; ++j) {
                header[i] = original ^ DIFFERENCES[j];
                try this.parseHeader(header) returns (bytes32 hash_) {
                    if (hash_ == hash) revert Accepted(i, DIFFERENCES[j]);
                } catch {}
            }
            header[i] = original;
        }
    }

    /// @dev The beacon root, the slot and both branches, at each fork; and the block hash that they prove.
    function test_ofTheBeaconProofsOfEveryFork() public {
        string memory json = vm.readFile("test/vectors/keyroll/ssz_proofs.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, _at(count, "")); ++count) {
            bytes32 beaconRoot = vm.parseJsonBytes32(json, _at(count, "beaconRoot"));
            uint64 index = uint64(vm.parseJsonUint(json, _at(count, "blockHashIndex")));
            BlockHashIndex[] memory schedule = new BlockHashIndex[](1);
            schedule[0] = BlockHashIndex(0, type(uint64).max, index);
            BeaconRootsSource source = new BeaconRootsSource(schedule);
            vm.mockCall(source.BEACON_ROOTS(), abi.encode(block.timestamp), abi.encode(beaconRoot));
            _requireEveryByteOfABeaconProof(
                source, vm.parseJsonBytes32(json, _at(count, "blockHash")), _beaconProof(json, count)
            );
        }
        assertEq(count, 8);
    }

    function _beaconProof(string memory json, uint256 i) internal view returns (bytes memory) {
        return abi.encode(
            block.timestamp,
            vm.parseJsonBytes32(json, _at(i, "beaconRoot")),
            vm.parseJsonUint(json, _at(i, "slot")),
            vm.parseJsonBytes32Array(json, _at(i, "slotProof")),
            vm.parseJsonBytes32Array(json, _at(i, "blockHashProof"))
        );
    }

    function _at(uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]", bytes(field).length == 0 ? "" : ".", field);
    }

    function _requireEveryByteOfABeaconProof(BeaconRootsSource source, bytes32 blockHash, bytes memory proof)
        internal
        view
    {
        assertTrue(source.isL1BlockHash(blockHash, proof));
        for (uint256 i = 0; i < proof.length; ++i) {
            bytes1 original = proof[i];
            for (uint256 j = 0; j < DIFFERENCES.length; ++j) {
                proof[i] = original ^ DIFFERENCES[j];
                try source.isL1BlockHash(blockHash, proof) returns (bool isVouched) {
                    if (isVouched) revert Accepted(i, DIFFERENCES[j]);
                } catch {}
            }
            proof[i] = original;
        }
        for (uint256 i = 0; i < 32; ++i) {
            for (uint256 j = 0; j < DIFFERENCES.length; ++j) {
                bytes32 other = blockHash ^ (bytes32(DIFFERENCES[j]) >> (8 * i));
                try source.isL1BlockHash(other, proof) returns (bool isVouched) {
                    if (isVouched) revert Accepted(i, DIFFERENCES[j]);
                } catch {}
            }
        }
    }

    function _requireEveryByteOfAMadeUpProof(
        string memory json,
        string memory at,
        string memory rootField,
        bytes32 key
    ) internal view {
        bytes32 root = vm.parseJsonBytes32(json, string.concat(at, rootField));
        _requireEveryByteOfAProof(root, key, vm.parseJsonBytesArray(json, string.concat(at, ".proof")));
    }

    function _requireEveryByteOfAProof(bytes32 root, bytes32 key, bytes[] memory proof) internal view {
        _trie.get(root, key, proof);
        uint256 start = 0;
        for (uint256 i = 0; i < proof.length; ++i) {
            // No later node is looked at, so it suffices to send those up to the changed one.
            bytes memory nodes = SharedProofs.joined(_resized(proof, i + 1, ""));
            for (uint256 at = start; at < nodes.length; ++at) {
                bytes1 original = nodes[at];
                for (uint256 j = 0; j < DIFFERENCES.length; ++j) {
                    nodes[at] = original ^ DIFFERENCES[j];
                    try _trie.getAlone(root, key, nodes) {
                        revert Accepted(at, DIFFERENCES[j]);
                    } catch (bytes memory reason) {
                        // Its first three bytes say where a node ends, and what is malformed then is found first.
                        if (at < start + 3) continue;
                        assertEq(bytes4(reason), MerklePatricia.ProofNodeMismatch.selector);
                    }
                }
                nodes[at] = original;
            }
            start = nodes.length;
        }
    }
}
