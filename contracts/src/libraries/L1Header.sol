// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "./Rlp.sol";

/// @title L1Header
/// @notice Parses the RLP of an Ethereum block header.
/// @dev The header's hash vouches for its bytes; widths are checked so that these bytes have one reading. Fields
///      up to Shanghai's are required, those known since are checked where present, later ones are let pass.
library L1Header {
    using Rlp for Rlp.Cursor;

    /// @notice What replicas need of a header.
    struct Header {
        bytes32 hash;
        bytes32 stateRoot;
        uint64 number;
        uint64 timestamp;
    }

    uint256 private constant _BLOOM_BYTES = 256;

    /// @notice The logs bloom is not 256 bytes wide.
    error MalformedLogsBloom(uint256 length);

    /// @notice Parses a header.
    /// @param encoded RLP of the header, nothing after it.
    function parse(bytes calldata encoded) internal pure returns (Header memory header) {
        Rlp.Cursor memory fields = Rlp.toList(encoded);
        header.hash = keccak256(encoded);
        fields.readBytes32(); // parentHash
        fields.readBytes32(); // ommersHash
        fields.readAddress(); // beneficiary
        header.stateRoot = fields.readBytes32();
        fields.readBytes32(); // transactionsRoot
        fields.readBytes32(); // receiptsRoot
        uint256 bloomLength = fields.readBytes().length;
        if (bloomLength != _BLOOM_BYTES) revert MalformedLogsBloom(bloomLength);
        fields.readUint(32); // difficulty
        header.number = fields.readUint64();
        fields.readUint64(); // gasLimit
        fields.readUint64(); // gasUsed
        header.timestamp = fields.readUint64();
        fields.readBytes(); // extraData
        fields.readBytes32(); // mixHash
        fields.readFixed(8); // nonce
        fields.readUint(32); // baseFeePerGas
        fields.readBytes32(); // withdrawalsRoot

        if (!fields.isDone()) fields.readUint64(); // blobGasUsed
        if (!fields.isDone()) fields.readUint64(); // excessBlobGas
        if (!fields.isDone()) fields.readBytes32(); // parentBeaconBlockRoot
        if (!fields.isDone()) fields.readBytes32(); // requestsHash
        while (!fields.isDone()) fields.skip();
    }
}
