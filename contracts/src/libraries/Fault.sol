// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Fault
/// @notice Errors as values: what a call would revert with, so that one of many may be skipped for a reason by the same
///         rules by which one alone reverts. No bytes mean no fault.
/// @dev All arguments of these errors are words. Encoding them in one place keeps contracts small.
library Fault {
    /// @notice Reverts with `fault`, if there is one.
    function raise(bytes memory fault) internal pure {
        if (fault.length == 0) return;
        assembly ("memory-safe") {
            revert(add(fault, 0x20), mload(fault))
        }
    }

    function encode(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodePacked(selector);
    }

    function encode(bytes4 selector, uint256 a) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a);
    }

    function encode(bytes4 selector, uint256 a, uint256 b) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, a, b);
    }

    function encode(bytes4 selector, bytes32 a, bytes32 b) internal pure returns (bytes memory) {
        return encode(selector, uint256(a), uint256(b));
    }
}
