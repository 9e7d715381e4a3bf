// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerklePatricia} from "../../src/libraries/MerklePatricia.sol";

import {Fault} from "../../src/libraries/Fault.sol";
import {Slice, SliceLib} from "../../src/libraries/Slice.sol";

/// @notice Makes the library callable, with calldata, from tests.
/// @dev Every lookup of a key or slot is made twice, by the proof alone and by a pool that holds its nodes: both must give
///      the same answer, or the same error.
contract MerklePatriciaHarness {
    error PoolDiffers(bytes alone, bytes pooled);

    function get(bytes32 root, bytes32 keyHash, bytes[] calldata proof)
        external
        view
        returns (bool exists, bytes memory value)
    {
        (bytes[] memory nodes, bytes memory way) = _spread(proof);
        bytes memory answer = _same(
            abi.encodeCall(this.getAlone, (root, keyHash, proof)),
            abi.encodeCall(this.getPooled, (root, keyHash, nodes, way))
        );
        return abi.decode(answer, (bool, bytes));
    }

    function getAlone(bytes32 root, bytes32 keyHash, bytes[] calldata proof)
        external
        pure
        returns (bool exists, bytes memory value)
    {
        return MerklePatricia.get(root, keyHash, proof);
    }

    function getPooled(bytes32 root, bytes32 keyHash, bytes[] calldata nodes, bytes calldata way)
        external
        pure
        returns (bool exists, bytes memory value)
    {
        (Slice found, bytes memory fault) = MerklePatricia.tryGetPooled(
            root, keyHash, MerklePatricia.toPool(nodes), SliceLib.from(way)
        );
        Fault.raise(fault);
        return (found.length() != 0, found.toBytes());
    }

    function accountStorageRoot(bytes32 stateRoot, address account, bytes[] calldata proof)
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
        (bytes[] memory nodes, bytes memory way) = _spread(proof);
        bytes memory answer = _same(
            abi.encodeCall(this.storageValueAlone, (storageRoot, slot, proof)),
            abi.encodeCall(this.storageValuePooled, (storageRoot, slot, nodes, way))
        );
        return abi.decode(answer, (bool, bytes32));
    }

    function storageValueAlone(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        external
        pure
        returns (bool exists, bytes32 word)
    {
        return MerklePatricia.storageValue(storageRoot, slot, proof);
    }

    function storageValuePooled(bytes32 storageRoot, bytes32 slot, bytes[] calldata nodes, bytes calldata way)
        external
        pure
        returns (bool exists, bytes32 word)
    {
        bytes memory fault;
        (exists, word, fault) =
            MerklePatricia.tryStorageValuePooled(storageRoot, slot, MerklePatricia.toPool(nodes), way);
        Fault.raise(fault);
    }

    /// @dev What a replica does: an account, then a slot of it. Answers the gas used, calldata not counted.
    function prove(
        bytes32 stateRoot,
        address account,
        bytes32 slot,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external view returns (bool exists, bytes32 word, uint256 gasUsed) {
        gasUsed = gasleft();
        bytes32 storageRoot = MerklePatricia.accountStorageRoot(stateRoot, account, accountProof);
        (exists, word) = MerklePatricia.storageValue(storageRoot, slot, storageProof);
        gasUsed -= gasleft();
    }

    /// @dev A pool with the nodes of a proof, last first and one that nobody needs between each two, and the way back.
    function _spread(bytes[] calldata proof) private pure returns (bytes[] memory nodes, bytes memory way) {
        nodes = new bytes[](2 * proof.length);
        for (uint256 i = 0; i < proof.length; ++i) {
            uint256 at = 2 * (proof.length - 1 - i);
            nodes[at] = proof[i];
            nodes[at + 1] = abi.encodePacked("nobody needs this", i);
            way = abi.encodePacked(way, uint16(at));
        }
    }

    function _same(bytes memory alone, bytes memory pooled) private view returns (bytes memory answer) {
        bool isAnswered;
        (isAnswered, answer) = address(this).staticcall(alone);
        (bool isAnsweredPooled, bytes memory answerPooled) = address(this).staticcall(pooled);
        if (isAnswered != isAnsweredPooled || keccak256(answer) != keccak256(answerPooled)) {
            revert PoolDiffers(answer, answerPooled);
        }
        if (!isAnswered) Fault.raise(answer);
    }
}
