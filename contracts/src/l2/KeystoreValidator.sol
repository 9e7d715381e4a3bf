// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    MODULE_TYPE_VALIDATOR,
    PackedUserOperation
} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

import {AccountDomain, Domain} from "../libraries/AccountDomain.sol";
import {NestedSignature} from "../libraries/NestedSignature.sol";
import {Owner, OwnerSignature} from "../libraries/OwnerSignature.sol";
import {IKeystoreReplica} from "./interfaces/IKeystoreReplica.sol";
import {IKeystoreValidator} from "./interfaces/IKeystoreValidator.sol";

/// @title KeystoreValidator
/// @notice See {IKeystoreValidator}.
contract KeystoreValidator is IKeystoreValidator {
    bytes32 private constant _NAME_HASH = keccak256("Keyroll Validator");
    bytes32 private constant _VERSION_HASH = keccak256("1");

    bytes4 private constant _NOT_VALID = 0xffffffff;

    /// @inheritdoc IKeystoreValidator
    IKeystoreReplica public immutable replica;

    /// @inheritdoc IKeystoreValidator
    /// @dev Storage associated with the account (ERC-7562).
    mapping(address account => bytes32) public idOf;

    constructor(IKeystoreReplica replica_) {
        replica = replica_;
    }

    /// @inheritdoc IKeystoreValidator
    function onInstall(bytes calldata data) external {
        if (data.length != 32) revert MalformedInstallation(data.length);
        bytes32 id = bytes32(data);
        if (id == 0) revert KeystoreZero();
        bytes32 installed = idOf[msg.sender];
        if (installed != 0) revert AlreadyInstalled(msg.sender, installed);
        idOf[msg.sender] = id;
        emit KeystoreInstalled(msg.sender, id);
    }

    /// @inheritdoc IKeystoreValidator
    function onUninstall(bytes calldata) external {
        bytes32 id = _requireId();
        delete idOf[msg.sender];
        emit KeystoreUninstalled(msg.sender, id);
    }

    /// @inheritdoc IKeystoreValidator
    function validateUserOp(PackedUserOperation calldata userOp, bytes32 userOpHash)
        external
        returns (uint256)
    {
        return OwnerSignature.validate(_ownerBy(_requireId()), userOp.signature, userOpHash);
    }

    /// @inheritdoc IKeystoreValidator
    function isValidSignatureWithSender(address, bytes32 hash, bytes calldata signature)
        external
        view
        returns (bytes4)
    {
        if (NestedSignature.isProbe(hash, signature)) return NestedSignature.SUPPORTED;
        bytes32 id = idOf[msg.sender];
        if (id == 0) return _NOT_VALID;
        (bytes32 digest, bytes calldata inner) =
            NestedSignature.unwrap(hash, signature, _domainOf(msg.sender));
        bool isApproved = OwnerSignature.isApproved(_ownerBy(id), inner, digest);
        return isApproved ? IERC1271.isValidSignature.selector : _NOT_VALID;
    }

    function isModuleType(uint256 moduleTypeId) external pure returns (bool) {
        return moduleTypeId == MODULE_TYPE_VALIDATOR;
    }

    /// @inheritdoc IKeystoreValidator
    function isInitialized(address account) external view returns (bool) {
        return idOf[account] != 0;
    }

    /// @inheritdoc IKeystoreValidator
    function domainSeparatorOf(address account) external view returns (bytes32) {
        return _domainOf(account).separator();
    }

    /// @dev The keystore that the caller obeys.
    function _requireId() private view returns (bytes32 id) {
        id = idOf[msg.sender];
        if (id == 0) revert NotInstalled(msg.sender);
    }

    function _ownerBy(bytes32 id) private view returns (Owner memory) {
        return Owner(replica, id, msg.sender);
    }

    function _domainOf(address account) private view returns (Domain memory domain) {
        bool exists;
        (exists, domain) = AccountDomain.read(account);
        if (!exists) domain = Domain(_NAME_HASH, _VERSION_HASH, account);
    }
}
