// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title RlpRun
/// @notice Reads canonical RLP whose layout is known, item after item, from calldata.
/// @dev What {Rlp} checks at every item, the end of its list, is checked here once for all items of a list, which costs a
///      third: each reader answers where the next item starts, and a position at or beyond `NOWHERE` where it found no such
///      item. Positions only grow, and from `NOWHERE` on, where calldata are zero, they never come back. So all items of a
///      list were sound, and inside it, exactly if the last one ends where the list does; which every caller must check.
library RlpRun {
    /// @notice No calldata reach so far.
    uint256 internal constant NOWHERE = 0x100000000000000000000000000000000;

    /// @notice Reads a list.
    /// @return payload Where its first item starts.
    /// @return next Where it ends, and the next item starts.
    function listAt(uint256 position) internal pure returns (uint256 payload, uint256 next) {
        assembly ("memory-safe") {
            let prefix := byte(0, calldataload(position))
            payload := add(position, 1)
            // Wraps for a string, and so is long too.
            let length := sub(prefix, 0xc0)
            if gt(length, 55) {
                let word := calldataload(payload)
                let width := sub(length, 55)
                length := shr(sub(256, shl(3, width)), word)
                payload := add(payload, width)
                // A string, or a length that needs no byte of its own or starts with zero.
                if or(lt(prefix, 0xf8), or(lt(length, 56), iszero(byte(0, word)))) {
                    payload := NOWHERE
                    length := 0
                }
            }
            next := add(payload, length)
        }
    }

    /// @notice Reads a string.
    /// @return payload Where its bytes start.
    /// @return next Where they end, and the next item starts.
    function stringAt(uint256 position) internal pure returns (uint256 payload, uint256 next) {
        assembly ("memory-safe") {
            let prefix := byte(0, calldataload(position))
            payload := add(position, 1)
            // Wraps for a byte that stands for itself, and so is long too.
            let length := sub(prefix, 0x80)
            if gt(length, 55) {
                switch lt(prefix, 0x80)
                case 1 {
                    payload := position
                    length := 1
                }
                default {
                    let word := calldataload(payload)
                    let width := sub(length, 55)
                    length := shr(sub(256, shl(3, width)), word)
                    payload := add(payload, width)
                    // A list, or a length that needs no byte of its own or starts with zero.
                    if or(gt(prefix, 0xbf), or(lt(length, 56), iszero(byte(0, word)))) {
                        length := NOWHERE
                    }
                }
            }
            next := add(payload, length)
            // A byte below 0x80 needs no prefix.
            if eq(prefix, 0x81) { if lt(byte(0, calldataload(payload)), 0x80) { next := NOWHERE } }
        }
    }

    /// @notice Reads a string of 32 bytes.
    function bytes32At(uint256 position) internal pure returns (bytes32 value, uint256 next) {
        assembly ("memory-safe") {
            value := calldataload(add(position, 1))
            next := add(position, 33)
            if iszero(eq(byte(0, calldataload(position)), 0xa0)) { next := NOWHERE }
        }
    }

    /// @notice Reads a minimal integer of at most `maximumWidth` bytes, from 1 to 32.
    function uintAt(uint256 position, uint256 maximumWidth)
        internal
        pure
        returns (uint256 value, uint256 next)
    {
        assembly ("memory-safe") {
            let prefix := byte(0, calldataload(position))
            // Most are small: 1 to 0x7f stand for themselves, 0x80 for zero.
            value := and(prefix, 0x7f)
            next := add(position, 1)
            if gt(sub(prefix, 1), 0x7f) {
                // Wraps for the byte 0, and so is too wide, as a list is.
                let width := sub(prefix, 0x80)
                let word := calldataload(next)
                value := shr(sub(256, shl(3, width)), word)
                next := add(next, width)
                // One byte is at least 0x80, the first of several not zero.
                let isMinimal := gt(byte(0, word), mul(0x7f, eq(width, 1)))
                if iszero(and(isMinimal, iszero(gt(width, maximumWidth)))) { next := NOWHERE }
            }
        }
    }
}
