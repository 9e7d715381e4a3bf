// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Gas of a whole transaction, from what its call took.
library Transaction {
    /// @notice Intrinsic gas, calldata and its floor (EIP-7623) included.
    /// @param executionGas What the call took, calldata not counted.
    function gasOf(bytes memory data, uint256 executionGas) internal pure returns (uint256) {
        uint256 tokens = 0;
        for (uint256 i = 0; i < data.length; ++i) {
            tokens += data[i] == 0 ? 1 : 4;
        }
        uint256 used = 4 * tokens + executionGas;
        uint256 least = 10 * tokens;
        return 21_000 + (used > least ? used : least);
    }
}
