// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Test} from "forge-std/Test.sol";

import {MerklePatriciaHarness} from "./MerklePatriciaHarness.sol";
import {TestTrie} from "./TestTrie.sol";

/// @dev The verifier, made-up tries, and the real proofs of the vectors.
abstract contract TrieTest is Test {
    MerklePatriciaHarness internal _trie = new MerklePatriciaHarness();

    struct SepoliaProof {
        bytes32 stateRoot;
        address account;
        bytes32 slot;
        bytes32 slotValue;
        bytes[] accountProof;
        bytes[] storageProof;
    }

    function _sepolia() internal view returns (SepoliaProof memory p) {
        string memory json = vm.readFile("test/vectors/proof_l1_sepolia_9567705.json");
        p.stateRoot = vm.parseJsonBytes32(json, ".stateRoot");
        p.account = vm.parseJsonAddress(json, ".account");
        p.slot = vm.parseJsonBytes32(json, ".slot");
        p.slotValue = vm.parseJsonBytes32(json, ".slotValue");
        p.accountProof = _decodeNodes(vm.parseJsonBytes(json, ".rlpAccountProof"));
        p.storageProof = _decodeNodes(vm.parseJsonBytes(json, ".rlpStorageProof"));
    }

    /// @dev These vectors hold a proof as one RLP list of strings.
    function _decodeNodes(bytes memory list) internal pure returns (bytes[] memory nodes) {
        Memory.Slice[] memory items = RLP.decodeList(list);
        nodes = new bytes[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            nodes[i] = RLP.readBytes(items[i]);
        }
    }

    /// @dev Between one and five keys, each agreeing with an earlier one in a random number of nibbles, so that deep tries
    ///      with extensions and embedded nodes are as common as shallow ones; values from one byte to forty.
    function _randomEntries(uint256 seed) internal pure returns (TestTrie.Entry[] memory entries) {
        entries = new TestTrie.Entry[](1 + seed % 5);
        for (uint256 i = 0; i < entries.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            entries[i].key = i == 0 ? bytes32(random) : _near(entries[random % i].key, random);
            entries[i].value = new bytes(random % 3 == 0 ? 1 + (random >> 8) % 40 : 1);
            entries[i].value[0] = bytes1(uint8(1 + (random >> 16) % 255));
            for (uint256 j = 0; j < i; ++j) {
                if (entries[j].key == entries[i].key) return _resized(entries, i);
            }
        }
    }

    /// @dev A key that agrees with `key` in as many nibbles as `random` says, and then differs.
    function _near(bytes32 key, uint256 random) internal pure returns (bytes32) {
        uint256 depth = 63 - (random >> 24) % 64 * ((random >> 32) % 2);
        uint256 difference = (1 + (random >> 40) % 15) << (252 - 4 * depth);
        return bytes32((uint256(key) ^ difference) ^ (random >> (4 * depth) >> 4));
    }

    function _holds(TestTrie.Entry[] memory entries, bytes32 key) internal pure returns (bool) {
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].key == key) return true;
        }
        return false;
    }

    function _tryGet(bytes32 root, bytes32 key, bytes[] memory proof)
        internal
        view
        returns (bool answered, bool exists, bytes memory value)
    {
        try _trie.get(root, key, proof) returns (bool exists_, bytes memory value_) {
            return (true, exists_, value_);
        } catch {}
    }

    function _requireRefused(bytes32 root, bytes32 key, bytes[] memory proof) internal view {
        (bool answered,,) = _tryGet(root, key, proof);
        assertFalse(answered, "answered");
    }

    function _resized(bytes[] memory items, uint256 length, bytes memory more)
        internal
        pure
        returns (bytes[] memory resized)
    {
        resized = new bytes[](length);
        for (uint256 i = 0; i < length; ++i) {
            resized[i] = i < items.length ? items[i] : more;
        }
    }

    function _resized(TestTrie.Entry[] memory entries, uint256 length)
        internal
        pure
        returns (TestTrie.Entry[] memory resized)
    {
        resized = new TestTrie.Entry[](length);
        for (uint256 i = 0; i < length; ++i) {
            resized[i] = entries[i];
        }
    }

    function _requireMalformedRoot(bytes memory node, bytes4 reason) internal {
        bytes[] memory proof = _single(node);
        vm.expectPartialRevert(reason);
        _trie.get(keccak256(node), 0, proof);
    }

    /// @dev The items of a branch with sixteen hashes.
    function _branchItems() internal pure returns (bytes[] memory items) {
        items = new bytes[](17);
        for (uint256 i = 0; i < 16; ++i) {
            items[i] = RLP.encode(keccak256(abi.encode(i)));
        }
        items[16] = hex"80";
    }

    function _single(bytes memory node) internal pure returns (bytes[] memory proof) {
        proof = new bytes[](1);
        proof[0] = node;
    }
}
