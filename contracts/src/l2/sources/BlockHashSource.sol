// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IL1BlockHashSource} from "../interfaces/IL1BlockHashSource.sol";

/// @title BlockHashSource
/// @notice For a replica on L1 itself: vouches for the chain's own recent block hashes, and for every one that was stored
///         at a checkpoint. The proof is `abi.encode(uint256 blockNumber)`.
/// @dev The hash is the BLOCKHASH opcode's, of the last 256 blocks, or the EIP-2935 contract's, of the last 8191.
///
///      Trusted: nothing but L1. On every other chain the same code has the same address, and vouches for nothing: there
///      these hashes are of another chain's blocks.
contract BlockHashSource is IL1BlockHashSource {
    /// @notice The EIP-2935 contract.
    address public constant HISTORY_STORAGE = 0x0000F90827F1C53a10cb7A02335B175320002935;

    /// @notice The chain whose block hashes are L1's.
    uint256 public immutable l1ChainId;

    /// @notice Whether a checkpoint stored this L1 block hash.
    mapping(bytes32 blockHash => bool) public isCheckpoint;

    /// @notice This chain is not L1.
    error NotL1(uint256 chainId, uint256 l1ChainId);
    /// @notice The proof of this source is one word.
    error MalformedProof(uint256 length);

    /// @param l1ChainId_ Chain id of L1.
    constructor(uint256 l1ChainId_) {
        l1ChainId = l1ChainId_;
    }

    /// @inheritdoc IL1BlockHashSource
    function isL1BlockHash(bytes32 blockHash, bytes calldata proof) external view returns (bool) {
        if (proof.length != 32) revert MalformedProof(proof.length);
        if (blockHash == 0 || block.chainid != l1ChainId) return false;
        return isCheckpoint[blockHash] || blockHash == _hashOf(uint256(bytes32(proof)));
    }

    /// @inheritdoc IL1BlockHashSource
    function checkpoint() external returns (bytes32 blockHash) {
        if (block.chainid != l1ChainId) revert NotL1(block.chainid, l1ChainId);
        blockHash = blockhash(block.number - 1);
        isCheckpoint[blockHash] = true;
        emit Checkpointed(blockHash);
    }

    /// @dev Zero for blocks that are to come, too old, or before EIP-2935.
    function _hashOf(uint256 number) private view returns (bytes32 hash) {
        hash = blockhash(number);
        if (hash != 0) return hash;
        (bool success, bytes memory answer) = HISTORY_STORAGE.staticcall(abi.encode(number));
        return success && answer.length == 32 ? bytes32(answer) : bytes32(0);
    }
}
