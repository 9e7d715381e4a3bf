// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Rlp} from "../../src/libraries/Rlp.sol";

/// @notice Makes the library callable, with calldata, from tests.
contract RlpHarness {
    using Rlp for bytes;
    using Rlp for Rlp.Cursor;

    function toBytes(bytes calldata input) external pure returns (bytes memory) {
        return input.toBytes();
    }

    /// @dev Reads all items of a list of strings.
    function toStrings(bytes calldata input) external pure returns (bytes[] memory strings) {
        Rlp.Cursor memory cursor = input.toList();
        strings = new bytes[](cursor.count());
        for (uint256 i = 0; i < strings.length; ++i) {
            strings[i] = cursor.readBytes();
        }
        cursor.requireDone();
    }

    /// @dev Reads a list of lists of strings.
    function toTable(bytes calldata input) external pure returns (bytes[][] memory rows) {
        Rlp.Cursor memory outer = input.toList();
        rows = new bytes[][](outer.count());
        for (uint256 i = 0; i < rows.length; ++i) {
            Rlp.Cursor memory inner = outer.readList();
            rows[i] = new bytes[](inner.count());
            for (uint256 j = 0; j < rows[i].length; ++j) {
                rows[i][j] = inner.readBytes();
            }
        }
    }

    /// @dev Reads the only item of a list, as what the caller says it is.
    function readUint(bytes calldata input, uint256 maximumWidth) external pure returns (uint256 value) {
        Rlp.Cursor memory cursor = input.toList();
        value = cursor.readUint(maximumWidth);
        cursor.requireDone();
    }

    /// @dev Reads the first item of the first item, a list.
    function readUintOfInner(bytes calldata input, uint256 maximumWidth) external pure returns (uint256) {
        return input.toList().readList().readUint(maximumWidth);
    }

    function readUint64(bytes calldata input) external pure returns (uint64) {
        return input.toList().readUint64();
    }

    function readUint32(bytes calldata input) external pure returns (uint32) {
        return input.toList().readUint32();
    }

    function readUint8(bytes calldata input) external pure returns (uint8) {
        return input.toList().readUint8();
    }

    function readBytes32(bytes calldata input) external pure returns (bytes32 value) {
        Rlp.Cursor memory cursor = input.toList();
        value = cursor.readBytes32();
        cursor.requireDone();
    }

    function readAddress(bytes calldata input) external pure returns (address value) {
        Rlp.Cursor memory cursor = input.toList();
        value = cursor.readAddress();
        cursor.requireDone();
    }

    function readFixed(bytes calldata input, uint256 width) external pure returns (uint256) {
        return input.toList().readFixed(width);
    }

    function readList(bytes calldata input) external pure {
        input.toList().readList();
    }

    /// @dev Skips `skipped` items; the rest must be none.
    function skip(bytes calldata input, uint256 skipped) external pure returns (bool isDone) {
        Rlp.Cursor memory cursor = input.toList();
        for (uint256 i = 0; i < skipped; ++i) {
            cursor.skip();
        }
        isDone = cursor.isDone();
        cursor.requireDone();
    }
}
