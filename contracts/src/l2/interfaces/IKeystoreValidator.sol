// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC7579Validator, PackedUserOperation} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";

import {IKeystoreReplica} from "./IKeystoreReplica.sol";

/// @title Keystore validator
/// @notice A validator module (ERC-7579, type 1) by which a modular account obeys a keystore: the signers of the config
/// that its chain's replica holds in force for that account.
/// @dev Every function but the views speaks of its caller, so nobody can install, uninstall or validate for an account
/// but the account itself. Signatures are those of `OwnerSignature`.
interface IKeystoreValidator is IERC7579Validator {
    event KeystoreInstalled(address indexed account, bytes32 indexed id);
    event KeystoreUninstalled(address indexed account, bytes32 indexed id);

    error MalformedInstallation(uint256 length);
    error KeystoreZero();
    error AlreadyInstalled(address account, bytes32 id);
    error NotInstalled(address account);

    /// @notice From now on the calling account obeys keystore `id`.
    /// @dev What the replica knows of that keystore for that account, from earlier installations too, holds at once. An id
    /// that is no keystore's has no signers: nobody can validate anything then.
    /// @param data `abi.encode(bytes32 id)`.
    function onInstall(bytes calldata data) external;

    /// @notice The calling account no longer obeys its keystore.
    /// @param data Not read.
    function onUninstall(bytes calldata data) external;

    /// @notice Validates a user operation of the calling account, whose signature is one over `userOpHash`, and may first
    /// put a set-config in force. Answers ERC-4337's validation data, `validUntil` being the end of the config's
    /// freshness.
    /// @dev Touches only storage associated with the account, here and in the replica; reads no clock (ERC-7562). Only the
    /// signature of `userOp` is read: the account knows which operation `userOpHash` is of.
    function validateUserOp(PackedUserOperation calldata userOp, bytes32 userOpHash)
        external
        returns (uint256);

    /// @notice ERC-1271's magic value when `signature`, nested as ERC-7739 says, approves `hash` for the calling account
    /// and the config in force is fresh.
    /// @dev The domain that it is nested in is the account's own (ERC-5267) where that names exactly name, version, this
    /// chain and the account; else `{name: "Keyroll Validator", version: "1", chainId: this chain,
    /// verifyingContract: the account}`.
    /// @param sender Not read: who asks makes no signature valid.
    function isValidSignatureWithSender(address sender, bytes32 hash, bytes calldata signature)
        external
        view
        returns (bytes4);

    /// @notice Whether `account` obeys a keystore by this module.
    function isInitialized(address account) external view returns (bool);

    /// @notice The keystore that `account` obeys; zero for none.
    function idOf(address account) external view returns (bytes32);

    /// @notice Separator of the domain in which signatures of `account` are nested.
    function domainSeparatorOf(address account) external view returns (bytes32);

    function replica() external view returns (IKeystoreReplica);
}
