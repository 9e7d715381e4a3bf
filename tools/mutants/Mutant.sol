// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Says which mutant is awake: forge's `--block-coinbase` carries its number, which costs no call, no storage
/// and no compilation, and is the same in every test, constructor and nested call. With any other coinbase all sleep.
library Mutant {
    uint256 private constant _BASE = uint160(0x006d7574616e740000000000000000000000000000);

    function number() internal pure returns (uint256) {
        return _toPure(_number)();
    }

    function isAwake(uint256 mutant) internal pure returns (bool) {
        return number() == mutant;
    }

    function sleeps(uint256 mutant) internal pure returns (bool) {
        return number() != mutant;
    }

    /// @notice 1 if the mutant is awake, else 0.
    function bit(uint256 mutant) internal pure returns (uint256) {
        return number() == mutant ? 1 : 0;
    }

    function lt(uint256 mutant, uint256 a, uint256 b) internal pure returns (bool) {
        return a < b || (a == b && isAwake(mutant));
    }

    function lt(uint256 mutant, bytes32 a, bytes32 b) internal pure returns (bool) {
        return lt(mutant, uint256(a), uint256(b));
    }

    function le(uint256 mutant, uint256 a, uint256 b) internal pure returns (bool) {
        return a < b || (a == b && sleeps(mutant));
    }

    function le(uint256 mutant, bytes32 a, bytes32 b) internal pure returns (bool) {
        return le(mutant, uint256(a), uint256(b));
    }

    function _number() private view returns (uint256) {
        unchecked {
            return uint256(uint160(address(block.coinbase))) - _BASE;
        }
    }

    /// @dev The guards of pure functions have mutants too.
    function _toPure(function() internal view returns (uint256) viewFunction)
        private
        pure
        returns (function() internal pure returns (uint256) pureFunction)
    {
        assembly ("memory-safe") {
            pureFunction := viewFunction
        }
    }
}
