// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Approval} from "../../libraries/Approval.sol";
import {ShortConfig} from "../../libraries/Config.sol";
import {IKeystoreReplica} from "./IKeystoreReplica.sol";

/// @title Keystore wallet
/// @notice A wallet owned by a keystore: it obeys the signers of the config that its chain's replica holds in force.
/// @dev EIP-712 domain `{name: "Keyroll Wallet", version: "1", chainId: this chain, verifyingContract: this wallet}`.
/// ERC-1271 signatures are `abi.encode(ShortConfig current, Approval[] approvals)` over `Message(bytes32 hash)`.
interface IKeystoreWallet {
    event Executed(uint256 indexed nonce, address indexed target, uint256 value);

    /// @notice The replica has not confirmed this wallet's keystore for longer than its config allows.
    error Stale(uint256 validUntil);

    /// @notice Calls `target` when the signers of the config in force approve
    /// `Execute(address target,uint256 value,bytes data,uint256 nonce)`. Anybody may send it. Reverts as the target
    /// does.
    function execute(
        address target,
        uint256 value,
        bytes calldata data,
        ShortConfig calldata current,
        Approval[] calldata approvals
    ) external payable returns (bytes memory);

    /// @notice ERC-1271: the magic value when `signature` approves `hash` and the config in force is fresh.
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4);

    /// @notice The keystore that owns this wallet.
    function id() external view returns (bytes32);

    function replica() external view returns (IKeystoreReplica);

    /// @notice The nonce of the next `execute`.
    function nonce() external view returns (uint256);

    function domainSeparator() external view returns (bytes32);
}
