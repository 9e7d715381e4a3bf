// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A range of calldata, as a value that memory structs can hold.
type Slice is uint256;

using SliceLib for Slice global;

library SliceLib {
    /// @dev Offset in the upper half, length in the lower: calldata never reaches 2^128 bytes.
    function from(bytes calldata data) internal pure returns (Slice slice) {
        assembly ("memory-safe") {
            slice := or(shl(128, data.offset), data.length)
        }
    }

    function from(bytes32[] calldata words) internal pure returns (Slice slice) {
        assembly ("memory-safe") {
            slice := or(shl(128, words.offset), shl(5, words.length))
        }
    }

    /// @notice The calldata from one position to another.
    function between(uint256 from_, uint256 to) internal pure returns (Slice slice) {
        assembly ("memory-safe") {
            slice := or(shl(128, from_), sub(to, from_))
        }
    }

    function toBytes(Slice slice) internal pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := shr(128, slice)
            data.length := shr(128, shl(128, slice))
        }
    }

    function start(Slice slice) internal pure returns (uint256) {
        return Slice.unwrap(slice) >> 128;
    }

    function end(Slice slice) internal pure returns (uint256) {
        unchecked {
            return start(slice) + length(slice);
        }
    }

    function length(Slice slice) internal pure returns (uint256) {
        return uint128(Slice.unwrap(slice));
    }

    /// @notice The 32 bytes of calldata at `position` in the slice; the caller minds the slice's length.
    function wordAt(Slice slice, uint256 position) internal pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(shr(128, slice), position))
        }
    }
}
