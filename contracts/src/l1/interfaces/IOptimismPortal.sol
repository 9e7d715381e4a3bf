// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What is needed of an OP Stack chain's OptimismPortal: its way from L1 to the chain.
interface IOptimismPortal {
    /// @notice Lets a transaction happen on the chain, sent by the caller (by the caller's alias, if a contract).
    function depositTransaction(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external payable;
}
