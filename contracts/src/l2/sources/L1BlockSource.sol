// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IL1BlockHashSource} from "../interfaces/IL1BlockHashSource.sol";

/// @title L1BlockSource
/// @notice Vouches for the L1 block hash that the L1Block predeploy of an OP Stack chain holds, and for every one that
///         it held at a checkpoint. The proof is empty.
/// @dev Trusted: the chain's derivation, which writes the hash of an L1 block there at least once per epoch.
contract L1BlockSource is IL1BlockHashSource {
    /// @notice The L1Block predeploy.
    address public constant L1_BLOCK = 0x4200000000000000000000000000000000000015;

    /// @notice Whether a checkpoint stored this L1 block hash.
    mapping(bytes32 blockHash => bool) public isCheckpoint;

    /// @notice This chain's predeploy is missing, or holds no hash.
    error NoL1BlockHash();
    /// @notice The proof of this source is empty.
    error UnexpectedProof(uint256 length);

    /// @inheritdoc IL1BlockHashSource
    function isL1BlockHash(bytes32 blockHash, bytes calldata proof) external view returns (bool) {
        if (proof.length != 0) revert UnexpectedProof(proof.length);
        if (blockHash == 0) return false;
        return isCheckpoint[blockHash] || blockHash == _currentHash();
    }

    /// @inheritdoc IL1BlockHashSource
    function checkpoint() external returns (bytes32 blockHash) {
        blockHash = _currentHash();
        if (blockHash == 0) revert NoL1BlockHash();
        isCheckpoint[blockHash] = true;
        emit Checkpointed(blockHash);
    }

    /// @dev `L1Block.hash()`, or zero where nothing, or something else, stands at its address.
    function _currentHash() private view returns (bytes32) {
        (bool success, bytes memory answer) = L1_BLOCK.staticcall(abi.encodeWithSignature("hash()"));
        return success && answer.length == 32 ? bytes32(answer) : bytes32(0);
    }
}
