// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Sha256
/// @notice SHA-256 by the precompile, and by nothing else: Solidity's own takes, where a chain has none, whatever stands
/// in memory for the hash, since a call of an account without code succeeds.
library Sha256 {
    /// @notice Hashes 32 bytes.
    function ofWord(bytes32 word) internal view returns (bytes32) {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
            mstore(free, word)
        }
        return ofMemory(free, 0x20);
    }

    /// @notice Hashes 64 bytes.
    function ofPair(bytes32 left, bytes32 right) internal view returns (bytes32) {
        uint256 free;
        assembly ("memory-safe") {
            free := mload(0x40)
            mstore(free, left)
            mstore(add(free, 0x20), right)
        }
        return ofMemory(free, 0x40);
    }

    /// @notice Hashes `length` bytes of memory. Reverts where there is no precompile, or no gas for it.
    function ofMemory(uint256 start, uint256 length) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let success := staticcall(gas(), 0x02, start, length, 0x00, 0x20)
            if iszero(and(success, eq(returndatasize(), 0x20))) { revert(0x00, 0x00) }
            hash := mload(0x00)
        }
    }
}
