// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {Approval} from "../libraries/Approval.sol";
import {ShortConfig} from "../libraries/Config.sol";
import {IKeystoreReplica} from "./interfaces/IKeystoreReplica.sol";
import {IKeystoreWallet} from "./interfaces/IKeystoreWallet.sol";

/// @title KeystoreWallet
/// @notice See {IKeystoreWallet}.
contract KeystoreWallet is IKeystoreWallet {
    bytes32 private constant _DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant _EXECUTE_TYPEHASH =
        keccak256("Execute(address target,uint256 value,bytes data,uint256 nonce)");
    bytes32 private constant _MESSAGE_TYPEHASH = keccak256("Message(bytes32 hash)");

    bytes4 private constant _MAGIC_VALUE = 0x1626ba7e;
    bytes4 private constant _NOT_VALID = 0xffffffff;

    /// @inheritdoc IKeystoreWallet
    IKeystoreReplica public immutable replica;
    /// @inheritdoc IKeystoreWallet
    bytes32 public immutable id;
    /// @inheritdoc IKeystoreWallet
    uint256 public nonce;

    constructor(IKeystoreReplica replica_, bytes32 id_) {
        replica = replica_;
        id = id_;
    }

    receive() external payable {}

    /// @inheritdoc IKeystoreWallet
    function execute(
        address target,
        uint256 value,
        bytes calldata data,
        ShortConfig calldata current,
        Approval[] calldata approvals
    ) external payable returns (bytes memory) {
        uint256 used = nonce;
        bytes32 structHash = keccak256(abi.encode(_EXECUTE_TYPEHASH, target, value, keccak256(data), used));
        uint48 until = replica.checkApprovals(id, address(this), current, _digest(structHash), approvals);
        if (block.timestamp > until) revert Stale(until);
        // Before the call, so that its target cannot use the approvals again.
        nonce = used + 1;
        emit Executed(used, target, value);

        (bool success, bytes memory result) = target.call{value: value}(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }

    /// @inheritdoc IKeystoreWallet
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (ShortConfig memory current, Approval[] memory approvals) =
            abi.decode(signature, (ShortConfig, Approval[]));
        // Signed in this wallet's domain: the same signers may own other wallets.
        bytes32 digest = _digest(keccak256(abi.encode(_MESSAGE_TYPEHASH, hash)));
        try replica.checkApprovals(id, address(this), current, digest, approvals) returns (uint48 until) {
            return block.timestamp <= until ? _MAGIC_VALUE : _NOT_VALID;
        } catch {
            return _NOT_VALID;
        }
    }

    /// @inheritdoc IKeystoreWallet
    function domainSeparator() public view returns (bytes32) {
        return keccak256(
            abi.encode(
                _DOMAIN_TYPEHASH, keccak256("Keyroll Wallet"), keccak256("1"), block.chainid, address(this)
            )
        );
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator(), structHash);
    }
}
