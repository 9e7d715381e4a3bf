// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAccount} from "@account-abstraction/contracts/interfaces/IAccount.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IERC7821} from "@openzeppelin/contracts/interfaces/draft-IERC7821.sol";

import {IKeystoreReplica} from "./IKeystoreReplica.sol";

/// @title Keystore wallet
/// @notice A wallet owned by a keystore: it obeys the signers of the config that its chain's replica holds in force.
/// @dev Nobody can change what code it runs. EIP-712 domain
/// `{name: "Keyroll Wallet", version: "1", chainId: this chain, verifyingContract: this wallet}`. Signatures are those of
/// `OwnerSignature`.
interface IKeystoreWallet is IAccount, IERC1271, IERC5267, IERC7821 {
    /// @notice A batch was executed that its approvals alone, not the EntryPoint, authorised.
    event Executed(uint256 indexed nonce);

    error NotEntryPoint(address caller);
    error NotEntryPointOrSelf(address caller);
    error UnsupportedExecutionMode(bytes32 mode);
    /// @notice The replica has not confirmed this wallet's keystore for longer than its config allows.
    error Stale(uint256 validUntil);

    /// @notice Validates a user operation, whose signature is one over `userOpHash`, and may first put a set-config in
    /// force. Only the EntryPoint.
    /// @dev Touches, but for the wallet's own storage and the EntryPoint's, only the replica's storage associated with
    /// the wallet; reads no clock (ERC-7562).
    function validateUserOp(
        PackedUserOperation calldata userOp,
        bytes32 userOpHash,
        uint256 missingAccountFunds
    ) external returns (uint256 validationData);

    /// @notice Executes `calls`, all or none, as ERC-7821 says: mode `0x0100…`, `executionData = abi.encode(calls)`, by
    /// the EntryPoint or the wallet itself; mode `0x01000000000078210001…`,
    /// `executionData = abi.encode(calls, opData)`, by anybody, `opData` being a signature over
    /// `Execute(Call[] calls,uint256 nonce)Call(address to,uint256 value,bytes data)` in the wallet's domain, or empty,
    /// which is as if mode and `opData` were not there.
    function execute(bytes32 mode, bytes calldata executionData) external payable;

    /// @notice ERC-1271: the magic value when `signature`, nested as ERC-7739 says, approves `hash` and the config in
    /// force is fresh.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4);

    /// @notice The keystore that owns this wallet.
    function id() external view returns (bytes32);

    function replica() external view returns (IKeystoreReplica);

    /// @notice The EntryPoint v0.8 of ERC-4337.
    function entryPoint() external view returns (address);

    /// @notice The nonce of the next batch that its approvals alone authorise. User operations have the EntryPoint's.
    function nonce() external view returns (uint256);

    function domainSeparator() external view returns (bytes32);
}
