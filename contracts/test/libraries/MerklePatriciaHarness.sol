// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerklePatricia} from "../../src/libraries/MerklePatricia.sol";

import {Fault} from "../../src/libraries/Fault.sol";
import {Slice, SliceLib} from "../../src/libraries/Slice.sol";
import {SharedProofs} from "../kit/SharedProofs.sol";

/// @notice Looks up a key with calldata whose first byte the test chooses.
contract RawTrie {
    /// @dev That byte, the root, the key's hash and the proof, packed.
    fallback(bytes calldata input) external returns (bytes memory) {
        (bool exists, bytes memory value) =
            MerklePatricia.get(bytes32(input[1:33]), bytes32(input[33:65]), input[65:]);
        return abi.encode(exists, value);
    }
}

/// @notice Makes the library callable, with calldata, from tests.
/// @dev Every lookup of a key or slot is made by the proof alone, and along paths on which that proof has led other keys
///      before: all must give the same answer, or the same error.
contract MerklePatriciaHarness {
    /// @dev A lookup, and one before it along the same path.
    struct Lookup {
        bytes32 root;
        /// The key's hash, or the slot.
        bytes32 key;
        bytes32 lastKey;
        bytes lastNodes;
        uint256 kept;
        bytes nodes;
    }

    /// @dev A lookup wrote where it must not.
    error MemoryChanged();
    error PathDiffers(bytes32 lastKey, uint256 kept, bytes alone, bytes along);

    function get(bytes32 root, bytes32 keyHash, bytes[] calldata proof)
        external
        view
        returns (bool exists, bytes memory value)
    {
        bytes memory nodes = SharedProofs.joined(proof);
        bytes memory alone = abi.encodeCall(this.getAlone, (root, keyHash, nodes));
        Lookup memory lookup = Lookup(root, keyHash, keyHash, nodes, 0, nodes);
        return abi.decode(_same(alone, this.getAlong.selector, lookup, proof), (bool, bytes));
    }

    function getAlone(bytes32 root, bytes32 keyHash, bytes calldata proof)
        external
        pure
        returns (bool exists, bytes memory value)
    {
        return MerklePatricia.get(root, keyHash, proof);
    }

    function getAlong(Lookup calldata lookup) external pure returns (bool exists, bytes memory value) {
        (Slice found, bytes memory fault) =
            MerklePatricia.tryGetAlong(_pathOf(lookup), lookup.key, lookup.kept, SliceLib.from(lookup.nodes));
        Fault.raise(fault);
        return (found.length() != 0, found.toBytes());
    }

    function accountStorageRoot(bytes32 stateRoot, address account, bytes[] calldata proof)
        external
        view
        returns (bytes32)
    {
        return this.accountStorageRootOf(stateRoot, account, SharedProofs.joined(proof));
    }

    function accountStorageRootOf(bytes32 stateRoot, address account, bytes calldata proof)
        external
        pure
        returns (bytes32)
    {
        return MerklePatricia.accountStorageRoot(stateRoot, account, proof);
    }

    function storageValue(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        external
        view
        returns (bool exists, bytes32 word)
    {
        bytes memory nodes = SharedProofs.joined(proof);
        bytes memory alone = abi.encodeCall(this.storageValueAlone, (storageRoot, slot, nodes));
        Lookup memory lookup = Lookup(storageRoot, slot, keccak256(abi.encode(slot)), nodes, 0, nodes);
        return abi.decode(_same(alone, this.storageValueAlong.selector, lookup, proof), (bool, bytes32));
    }

    function storageValueAlone(bytes32 storageRoot, bytes32 slot, bytes calldata proof)
        external
        pure
        returns (bool exists, bytes32 word)
    {
        return MerklePatricia.storageValue(storageRoot, slot, proof);
    }

    function storageValueAlong(Lookup calldata lookup) external pure returns (bool exists, bytes32 word) {
        bytes memory fault;
        (exists, word, fault) =
            MerklePatricia.tryStorageValueAlong(_pathOf(lookup), lookup.key, lookup.kept, lookup.nodes);
        Fault.raise(fault);
    }

    /// @dev What a replica does: an account, then a slot of it. Answers the gas used, calldata not counted.
    function prove(
        bytes32 stateRoot,
        address account,
        bytes32 slot,
        bytes calldata accountProof,
        bytes calldata storageProof
    ) external view returns (bool exists, bytes32 word, uint256 gasUsed) {
        gasUsed = gasleft();
        bytes32 storageRoot = MerklePatricia.accountStorageRoot(stateRoot, account, accountProof);
        (exists, word) = MerklePatricia.storageValue(storageRoot, slot, storageProof);
        gasUsed -= gasleft();
    }

    /// @dev Looks up one key after the other along one path: answers what {getAlone} does, or with what it reverts.
    function getMany(bytes32 root, Lookup[] calldata lookups) external pure returns (bytes[] memory answers) {
        MerklePatricia.Path memory path = _newPath(root);
        answers = new bytes[](lookups.length);
        // What is allocated behind a path stays as it is.
        bytes32 before = keccak256(abi.encode(lookups));
        bytes memory behind = abi.encode(lookups);
        for (uint256 i = 0; i < lookups.length; ++i) {
            (Slice found, bytes memory fault) = MerklePatricia.tryGetAlong(
                path, lookups[i].key, lookups[i].kept, SliceLib.from(lookups[i].nodes)
            );
            answers[i] = fault.length == 0 ? abi.encode(found.length() != 0, found.toBytes()) : fault;
        }
        if (keccak256(behind) != before) revert MemoryChanged();
    }

    function _pathOf(Lookup calldata lookup) private pure returns (MerklePatricia.Path memory path) {
        path = _newPath(lookup.root);
        // Whatever comes of it.
        MerklePatricia.tryGetAlong(path, lookup.lastKey, 0, SliceLib.from(lookup.lastNodes));
    }

    /// @dev A path in memory that was used before: of what stands there, nothing counts.
    function _newPath(bytes32 root) private pure returns (MerklePatricia.Path memory) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            for { let i := 0 } // Step.Branch
             lt(i, 0x4000) { i := add(i, 0x20) } { mstore(add(free, i), 4) }
        }
        return MerklePatricia.newPath(root);
    }

    /// @dev Requires every lookup along a path to end as the one alone does. What does not divide into the nodes of `proof`
    /// keeps none of them.
    function _same(bytes memory alone, bytes4 along, Lookup memory lookup, bytes[] calldata proof)
        private
        view
        returns (bytes memory answer)
    {
        bool isAnswered;
        (isAnswered, answer) = address(this).staticcall(alone);
        bool isDivided = _isDivided(proof);
        uint256 random = uint256(keccak256(lookup.lastNodes));
        // The same key, one that parts from it among the first nibbles, and one that does at once.
        bytes32 key = lookup.lastKey;
        bytes32[3] memory lastKeys = [key, key ^ bytes32(1 << (252 - 4 * (random % 12))), ~key];
        for (uint256 i = 0; i < 9; ++i) {
            lookup.lastKey = lastKeys[i / 3];
            // None of the nodes, some, all.
            lookup.kept = i % 3 == 0 || !isDivided
                ? 0
                : i % 3 == 1 ? (random >> 64) % (proof.length + 1) : proof.length;
            lookup.nodes = SharedProofs.joined(proof, lookup.kept);
            (bool isAnsweredAlong, bytes memory answerAlong) =
                address(this).staticcall(abi.encodeWithSelector(along, lookup));
            if (isAnswered != isAnsweredAlong || keccak256(answer) != keccak256(answerAlong)) {
                revert PathDiffers(lookup.lastKey, lookup.kept, answer, answerAlong);
            }
        }
        if (!isAnswered) Fault.raise(answer);
    }

    /// @dev Whether each node is a list that ends where the node does.
    function _isDivided(bytes[] calldata proof) private pure returns (bool) {
        for (uint256 i = 0; i < proof.length; ++i) {
            bytes calldata node = proof[i];
            uint256 prefix = node.length == 0 ? 0 : uint8(node[0]);
            if (prefix < 0xc0) return false;
            uint256 width = prefix > 0xf7 ? prefix - 0xf7 : 0;
            uint256 length = prefix - 0xc0;
            if (width != 0) {
                if (node.length < 1 + width || node[1] == 0) return false;
                length = uint256(bytes32(node[1:1 + width])) >> (256 - 8 * width);
                if (length < 56) return false;
            }
            if (node.length != 1 + width + length) return false;
        }
        return true;
    }
}
