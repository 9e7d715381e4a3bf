// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Fault} from "./Fault.sol";

/// @title Rlp
/// @notice Reads canonical RLP from calldata and refuses everything else: lengths and integers that are not
///         minimal, single bytes with a prefix, items that reach past their list, bytes after the item.
library Rlp {
    /// @notice The items of one list that have not been read yet.
    struct Cursor {
        uint256 position;
        uint256 end;
    }

    /// @notice An item was to be read where the list, or the input, has ended.
    error RlpNoMoreItems();
    /// @notice An item announces more bytes than its list or input holds.
    error RlpTruncated(uint256 announced, uint256 available);
    /// @notice A length, or a byte below 0x80, is written in a longer form than needed.
    error RlpNotMinimal(uint256 value);
    /// @notice A list stands where a string was expected.
    error RlpExpectedString(uint8 prefix);
    /// @notice A string stands where a list was expected.
    error RlpExpectedList(uint8 prefix);
    /// @notice Bytes, or items, follow where the input, or the list, should have ended.
    error RlpTrailingBytes(uint256 count);
    /// @notice A string of fixed width has another one.
    error RlpWrongWidth(uint256 width, uint256 expected);
    /// @notice An integer has more bytes than its type.
    error RlpIntegerTooWide(uint256 width, uint256 maximum);
    /// @notice An integer starts with a zero byte.
    error RlpLeadingZero();

    /// @notice Opens `input`, which must be one list and nothing after it.
    function toList(bytes calldata input) internal pure returns (Cursor memory list) {
        (uint256 position, uint256 end) = _bounds(input);
        (bool isList, uint256 payload, uint256 payloadEnd) = item(position, end);
        if (!isList) revert RlpExpectedList(_byteAt(position));
        if (payloadEnd != end) revert RlpTrailingBytes(end - payloadEnd);
        (list.position, list.end) = (payload, payloadEnd);
    }

    /// @notice Reads `input`, which must be one string and nothing after it.
    function toBytes(bytes calldata input) internal pure returns (bytes calldata) {
        (bytes calldata payload, bytes memory fault) = tryToBytes(input);
        Fault.raise(fault);
        return payload;
    }

    /// @notice As {toBytes}, but answers the error with which that reverts; empty if there is none.
    function tryToBytes(bytes calldata input) internal pure returns (bytes calldata, bytes memory fault) {
        (uint256 position, uint256 end) = _bounds(input);
        (bool isList, uint256 payload, uint256 payloadEnd) = tryItem(position, end);
        if (payloadEnd == 0) {
            fault = faultAt(position, end);
        } else if (isList) {
            fault = Fault.encode(RlpExpectedString.selector, _byteAt(position));
        } else if (payloadEnd != end) {
            fault = Fault.encode(RlpTrailingBytes.selector, end - payloadEnd);
        }
        return (slice(payload, payloadEnd), fault);
    }

    /// @notice Whether every item has been read.
    function isDone(Cursor memory cursor) internal pure returns (bool) {
        return cursor.position == cursor.end;
    }

    /// @notice Reverts unless every item has been read.
    function requireDone(Cursor memory cursor) internal pure {
        if (cursor.position != cursor.end) revert RlpTrailingBytes(cursor.end - cursor.position);
    }

    /// @notice How many items are left; they are checked only as far as their prefixes.
    function count(Cursor memory cursor) internal pure returns (uint256 items) {
        uint256 position = cursor.position;
        uint256 end = cursor.end;
        while (position != end) {
            (,, position) = item(position, end);
            unchecked {
                ++items;
            }
        }
    }

    /// @notice Reads the next item, which must be a list.
    function readList(Cursor memory cursor) internal pure returns (Cursor memory list) {
        uint256 position = cursor.position;
        (bool isList, uint256 payload, uint256 payloadEnd) = item(position, cursor.end);
        if (!isList) revert RlpExpectedList(_byteAt(position));
        cursor.position = payloadEnd;
        (list.position, list.end) = (payload, payloadEnd);
    }

    /// @notice Reads the next item, which must be a string.
    function readBytes(Cursor memory cursor) internal pure returns (bytes calldata) {
        (uint256 payload, uint256 payloadEnd) = _readString(cursor);
        return slice(payload, payloadEnd);
    }

    /// @notice Reads the next item, which must be a string of 32 bytes.
    function readBytes32(Cursor memory cursor) internal pure returns (bytes32) {
        return bytes32(readFixed(cursor, 32));
    }

    /// @notice Reads the next item, which must be a string of 20 bytes.
    function readAddress(Cursor memory cursor) internal pure returns (address) {
        return address(uint160(readFixed(cursor, 20)));
    }

    /// @notice Reads the next item, which must be a string of `width` bytes, at most 32.
    /// @return value The bytes as a big-endian number.
    function readFixed(Cursor memory cursor, uint256 width) internal pure returns (uint256 value) {
        unchecked {
            // The prefix alone says everything, if it is the right one. A single byte may also be its own prefix.
            uint256 position = cursor.position;
            uint256 next = position + 1 + width;
            if (_byteAt(position) == 0x80 + width && next <= cursor.end && width > 1) {
                cursor.position = next;
                return _number(position + 1, width);
            }
            (uint256 payload, uint256 payloadEnd) = _readString(cursor);
            if (payloadEnd - payload != width) revert RlpWrongWidth(payloadEnd - payload, width);
            return _number(payload, width);
        }
    }

    /// @notice Reads the next item, which must be a minimal integer of at most `maximumWidth` bytes, at most 32.
    function readUint(Cursor memory cursor, uint256 maximumWidth) internal pure returns (uint256 value) {
        unchecked {
            // Most integers are small: 1 to 0x7f stand for themselves, 0x80 for zero.
            uint256 position = cursor.position;
            uint256 prefix = _byteAt(position);
            if (prefix - 1 < 0x80 && position < cursor.end && maximumWidth != 0) {
                cursor.position = position + 1;
                return prefix & 0x7f;
            }
            (uint256 payload, uint256 payloadEnd) = _readString(cursor);
            uint256 width = payloadEnd - payload;
            if (width > maximumWidth) revert RlpIntegerTooWide(width, maximumWidth);
            if (width != 0 && _byteAt(payload) == 0) revert RlpLeadingZero();
            return _number(payload, width);
        }
    }

    /// @notice Reads the next item, which must be a minimal uint64.
    function readUint64(Cursor memory cursor) internal pure returns (uint64) {
        return uint64(readUint(cursor, 8));
    }

    /// @notice Reads the next item, which must be a minimal uint32.
    function readUint32(Cursor memory cursor) internal pure returns (uint32) {
        return uint32(readUint(cursor, 4));
    }

    /// @notice Reads the next item, which must be a minimal uint8.
    function readUint8(Cursor memory cursor) internal pure returns (uint8) {
        return uint8(readUint(cursor, 1));
    }

    /// @notice Steps over the next item, whatever it is; a list's own items are not looked at.
    function skip(Cursor memory cursor) internal pure {
        (,, cursor.position) = item(cursor.position, cursor.end);
    }

    /// @notice Finds the item at `position`, which must lie below `end` as a whole.
    /// @return isList Whether it is a list.
    /// @return payload Where its payload starts.
    /// @return payloadEnd Where its payload, and so the item, ends.
    function item(uint256 position, uint256 end)
        internal
        pure
        returns (bool isList, uint256 payload, uint256 payloadEnd)
    {
        (isList, payload, payloadEnd) = tryItem(position, end);
        if (payloadEnd == 0) Fault.raise(faultAt(position, end));
    }

    /// @notice As {item}, but answers a `payloadEnd` of zero where that reverts.
    function tryItem(uint256 position, uint256 end)
        internal
        pure
        returns (bool isList, uint256 payload, uint256 payloadEnd)
    {
        // Every field of every transaction, header and trie node comes through here, hence the assembly. It only finds
        // out whether something is wrong; `faultAt` says what. Sums cannot overflow: lengths have at most 64 bits.
        assembly ("memory-safe") {
            let prefix := byte(0, calldataload(position))
            let length := 1
            let isCanonical := 1
            payload := position
            // Below 0x80 a byte stands for itself.
            if gt(prefix, 0x7f) {
                isList := gt(prefix, 0xbf)
                payload := add(position, 1)
                // Strings start at 0x80, lists at 0xc0: six bits are the length, or 55 and the length's own width.
                length := and(prefix, 0x3f)
                if gt(length, 55) {
                    let width := sub(length, 55)
                    length := shr(sub(256, shl(3, width)), calldataload(payload))
                    let firstByte := byte(0, calldataload(payload))
                    isCanonical := and(isCanonical, and(gt(length, 55), gt(firstByte, 0)))
                    payload := add(payload, width)
                }
                if eq(prefix, 0x81) {
                    isCanonical := and(isCanonical, gt(byte(0, calldataload(payload)), 0x7f))
                }
            }
            payloadEnd := add(payload, length)
            // An item has a byte at least, so this also refuses to start at the end.
            payloadEnd := mul(payloadEnd, and(isCanonical, iszero(gt(payloadEnd, end))))
        }
    }

    /// @notice Why there is no canonical item at `position`: the error with which {item} reverts.
    function faultAt(uint256 position, uint256 end) internal pure returns (bytes memory) {
        if (position >= end) return Fault.encode(RlpNoMoreItems.selector);
        uint256 length = _byteAt(position) & 0x3f;
        uint256 payload = position + 1;
        if (length > 55) {
            uint256 width = length - 55;
            if (payload + width > end) return _truncated(width, end - payload);
            length = _number(payload, width);
            if (length < 56 || _byteAt(payload) == 0) return _notMinimal(length);
            payload += width;
        }
        if (payload + length > end) return _truncated(length, end - payload);
        return _notMinimal(_byteAt(payload));
    }

    /// @notice The calldata from `position` to `end` as bytes.
    function slice(uint256 position, uint256 end) internal pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := position
            data.length := sub(end, position)
        }
    }

    function _truncated(uint256 announced, uint256 available) private pure returns (bytes memory) {
        return Fault.encode(RlpTruncated.selector, announced, available);
    }

    function _notMinimal(uint256 value) private pure returns (bytes memory) {
        return Fault.encode(RlpNotMinimal.selector, value);
    }

    function _bounds(bytes calldata input) private pure returns (uint256 position, uint256 end) {
        assembly ("memory-safe") {
            position := input.offset
            end := add(position, input.length)
        }
    }

    function _readString(Cursor memory cursor) private pure returns (uint256 payload, uint256 payloadEnd) {
        uint256 position = cursor.position;
        bool isList;
        (isList, payload, payloadEnd) = item(position, cursor.end);
        if (isList) revert RlpExpectedString(_byteAt(position));
        cursor.position = payloadEnd;
    }

    /// @dev The `width` bytes at `position` as a number. A shift by 256, for no bytes, gives zero.
    function _number(uint256 position, uint256 width) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, width)), calldataload(position))
        }
    }

    function _byteAt(uint256 position) private pure returns (uint8 value) {
        assembly ("memory-safe") {
            value := byte(0, calldataload(position))
        }
    }
}
