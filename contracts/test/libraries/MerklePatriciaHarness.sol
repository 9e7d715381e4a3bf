// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerklePatricia} from "../../src/libraries/MerklePatricia.sol";

/// @notice Makes the library callable, with calldata, from tests.
contract MerklePatriciaHarness {
    function get(bytes32 root, bytes32 keyHash, bytes[] calldata proof)
        external
        pure
        returns (bool exists, bytes memory value)
    {
        return MerklePatricia.get(root, keyHash, proof);
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
        pure
        returns (bool exists, bytes32 word)
    {
        return MerklePatricia.storageValue(storageRoot, slot, proof);
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
}
