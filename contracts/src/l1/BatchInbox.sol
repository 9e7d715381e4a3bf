// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBatchInbox} from "./interfaces/IBatchInbox.sol";
import {ISystemConfig} from "./interfaces/ISystemConfig.sol";

/// @title BatchInbox
/// @notice Implements {IBatchInbox}, where everything is explained.
contract BatchInbox is IBatchInbox {
    /// @inheritdoc IBatchInbox
    ISystemConfig public immutable systemConfig;

    bytes32[] private _chainHashes;

    /// @param config The rollup this inbox belongs to.
    constructor(ISystemConfig config) {
        systemConfig = config;
    }

    /// @notice Records the transaction as a submission. Batcher only.
    fallback() external {
        address batcher = systemConfig.batcher();
        if (msg.sender != batcher) revert NotBatcher(msg.sender, batcher);
        if (msg.sender != tx.origin) revert NotDirect(msg.sender, tx.origin);
        if (msg.sender.code.length != 0) revert SenderHasCode(msg.sender);
        _record(_dataHash());
    }

    /// @inheritdoc IBatchInbox
    function submissionCount() external view returns (uint256) {
        return _chainHashes.length;
    }

    /// @inheritdoc IBatchInbox
    function chainHash() external view returns (bytes32) {
        return _chainHashes.length == 0 ? bytes32(0) : _chainHashes[_chainHashes.length - 1];
    }

    /// @inheritdoc IBatchInbox
    function chainHashAt(uint256 index) external view returns (bytes32) {
        if (index >= _chainHashes.length) revert NoSuchSubmission(index, _chainHashes.length);
        return _chainHashes[index];
    }

    function _record(bytes32 dataHash) private {
        uint256 index = _chainHashes.length;
        bytes32 previous = index == 0 ? bytes32(0) : _chainHashes[index - 1];
        bytes32 next = keccak256(
            abi.encode(previous, index, block.number, block.timestamp, blockhash(block.number - 1), dataHash)
        );
        _chainHashes.push(next);
        emit BatchSubmitted(index, dataHash, next);
    }

    function _dataHash() private view returns (bytes32) {
        if (msg.data.length == 0) return _blobsHash();
        if (blobhash(0) != 0) revert CalldataWithBlobs(msg.data.length);
        if (msg.data[0] != 0x00) revert WrongVersion(msg.data[0]);
        return keccak256(abi.encodePacked(bytes1(0x00), keccak256(msg.data)));
    }

    function _blobsHash() private view returns (bytes32) {
        bytes memory preimage = hex"01";
        uint256 count;
        for (bytes32 hash = blobhash(0); hash != 0; hash = blobhash(++count)) {
            preimage = abi.encodePacked(preimage, hash);
        }
        if (count == 0) revert EmptySubmission();
        return keccak256(preimage);
    }
}
