// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISystemConfig} from "./ISystemConfig.sol";

/// @title IBatchInbox
/// @notice Takes the batcher's transactions as they are on the wire, and keeps a hash chain over them (protocol.md §5.3).
/// @dev The fallback takes `0x00 ‖ frame` as calldata without blobs, or empty calldata with blobs. Trust: the batcher
/// may withhold or send garbage, which derivation drops; it cannot change what was submitted. Only a plain account's own
/// top-level transaction counts, so that the transaction found on L1 is the submission, and there is one in it.
/// No reader's selector begins with 0x00, so no frame can be taken for a call to one.
interface IBatchInbox {
    /// @notice A submission was recorded; it counts exactly when this event stands in a successful receipt.
    /// @param index The submission's place in the hash chain, from 0.
    /// @param dataHash `keccak256(0x00 ‖ keccak256(calldata))`, or `keccak256(0x01 ‖ blob hashes)`.
    /// @param chainHash The hash chain with this submission.
    event BatchSubmitted(uint256 indexed index, bytes32 dataHash, bytes32 chainHash);

    /// @notice Only the batcher submits.
    error NotBatcher(address sender, address batcher);
    /// @notice Submissions come straight from a transaction, not through a contract.
    error NotDirect(address sender, address origin);
    /// @notice The batcher's account has code (a delegation too is code).
    error SenderHasCode(address sender);
    /// @notice Neither calldata nor a blob.
    error EmptySubmission();
    /// @notice Calldata and blobs in one transaction.
    error CalldataWithBlobs(uint256 calldataLength);
    /// @notice The calldata's version byte is not 0x00.
    error WrongVersion(bytes1 version);
    /// @notice There is no submission at this index.
    error NoSuchSubmission(uint256 index, uint256 submissionCount);

    /// @notice The rollup this inbox belongs to, which names the batcher.
    function systemConfig() external view returns (ISystemConfig);

    /// @notice Submissions made so far.
    function submissionCount() external view returns (uint256);

    /// @notice The hash chain over all submissions, zero before the first: `keccak256(abi.encode(previous, index,
    /// block.number, block.timestamp, blockhash(block.number - 1), dataHash))`.
    function chainHash() external view returns (bytes32);

    /// @notice The hash chain up to and with the submission at `index`.
    function chainHashAt(uint256 index) external view returns (bytes32);
}
