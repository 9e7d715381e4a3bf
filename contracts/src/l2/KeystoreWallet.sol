// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {ERC721Holder} from "@openzeppelin/contracts/token/ERC721/utils/ERC721Holder.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {AccountDomain, Domain} from "../libraries/AccountDomain.sol";
import {Call, Calls} from "../libraries/Call.sol";
import {NestedSignature} from "../libraries/NestedSignature.sol";
import {Owner, OwnerSignature} from "../libraries/OwnerSignature.sol";
import {IKeystoreReplica} from "./interfaces/IKeystoreReplica.sol";
import {IKeystoreWallet} from "./interfaces/IKeystoreWallet.sol";

/// @dev EntryPoint v0.8, at the same address on every chain.
address constant ENTRY_POINT = 0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108;

/// @title KeystoreWallet
/// @notice See {IKeystoreWallet}. Each wallet is a minimal proxy (ERC-1167) to this code, with the keystore's id at its
/// end. Of this contract itself the id is a piece of its code, which is no config's hash: nobody owns it. Of an account
/// that delegates to it (EIP-7702) the id is zero: no keystore owns that one either, so its own key alone is obeyed.
contract KeystoreWallet is IKeystoreWallet, ERC721Holder, ERC1155Holder {
    string private constant _NAME = "Keyroll Wallet";
    string private constant _VERSION = "1";
    bytes32 private constant _EXECUTE_TYPEHASH =
        keccak256("Execute(Call[] calls,uint256 nonce)Call(address to,uint256 value,bytes data)");

    uint256 private constant _PROXY_LENGTH = 45;

    bytes4 private constant _MAGIC_VALUE = 0x1626ba7e;
    bytes4 private constant _NOT_VALID = 0xffffffff;

    /// @dev The parts of a mode that ERC-7821 gives a meaning.
    bytes10 private constant _BATCH = 0x01000000000000000000;
    bytes10 private constant _BATCH_WITH_OP_DATA = 0x01000000000078210001;

    /// @inheritdoc IKeystoreWallet
    address public constant entryPoint = ENTRY_POINT;
    /// @inheritdoc IKeystoreWallet
    IKeystoreReplica public immutable replica;
    /// @inheritdoc IKeystoreWallet
    uint256 public nonce;

    constructor(IKeystoreReplica replica_) {
        replica = replica_;
    }

    receive() external payable {}

    /// @inheritdoc IKeystoreWallet
    function validateUserOp(
        PackedUserOperation calldata userOp,
        bytes32 userOpHash,
        uint256 missingAccountFunds
    ) external returns (uint256 validationData) {
        if (msg.sender != ENTRY_POINT) revert NotEntryPoint(msg.sender);
        validationData = OwnerSignature.validate(_owner(), userOp.signature, userOpHash);
        if (missingAccountFunds != 0) {
            // Whether it got enough is the EntryPoint's to check.
            (bool ignored,) = msg.sender.call{value: missingAccountFunds}("");
            ignored;
        }
    }

    /// @inheritdoc IKeystoreWallet
    function execute(bytes32 mode, bytes calldata executionData) external payable {
        if (!supportsExecutionMode(mode)) revert UnsupportedExecutionMode(mode);
        Call[] memory calls = abi.decode(executionData, (Call[]));
        bytes calldata opData = executionData[:0];
        if (bytes10(mode) == _BATCH_WITH_OP_DATA) opData = _opDataOf(executionData);
        if (opData.length != 0) {
            _useApproval(calls, opData);
        } else if (msg.sender != ENTRY_POINT && msg.sender != address(this)) {
            revert NotEntryPointOrSelf(msg.sender);
        }
        Calls.make(calls);
    }

    /// @inheritdoc IKeystoreWallet
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (NestedSignature.isProbe(hash, signature)) return NestedSignature.SUPPORTED;
        (bytes32 digest, bytes calldata inner) = NestedSignature.unwrap(hash, signature, _domain());
        return OwnerSignature.isApproved(_owner(), inner, digest) ? _MAGIC_VALUE : _NOT_VALID;
    }

    function supportsExecutionMode(bytes32 mode) public pure returns (bool) {
        return bytes10(mode) == _BATCH || bytes10(mode) == _BATCH_WITH_OP_DATA;
    }

    /// @inheritdoc IKeystoreWallet
    function id() public view returns (bytes32 id_) {
        assembly ("memory-safe") {
            // The id follows the code of the minimal proxy. An account with less code, one that delegates to this
            // contract (EIP-7702), has zero there.
            extcodecopy(address(), 0x00, _PROXY_LENGTH, 0x20)
            id_ := mload(0x00)
        }
    }

    /// @inheritdoc IKeystoreWallet
    function domainSeparator() public view returns (bytes32) {
        return _domain().separator();
    }

    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (
            AccountDomain.FIELDS, _NAME, _VERSION, block.chainid, address(this), bytes32(0), new uint256[](0)
        );
    }

    /// @dev Requires approval of the batch, which counts once.
    function _useApproval(Call[] memory calls, bytes calldata signature) private {
        uint256 used = nonce;
        bytes32 structHash = keccak256(abi.encode(_EXECUTE_TYPEHASH, Calls.hash(calls), used));
        bytes32 digest = MessageHashUtils.toTypedDataHash(domainSeparator(), structHash);
        uint48 until = OwnerSignature.requireApproved(_owner(), signature, digest);
        if (block.timestamp > until) revert Stale(until);
        // Before the calls, so that their targets cannot use the approvals again.
        nonce = used + 1;
        emit Executed(used);
    }

    /// @dev The second of two dynamic values, ABI encoded.
    function _opDataOf(bytes calldata executionData) private pure returns (bytes calldata) {
        // With one value alone, its offset is the length of what comes before it.
        if (uint256(bytes32(executionData[:32])) < 64) return executionData[:0];
        uint256 lengthAt = uint256(bytes32(executionData[32:64]));
        uint256 dataAt = lengthAt + 32;
        return executionData[dataAt:dataAt + uint256(bytes32(executionData[lengthAt:dataAt]))];
    }

    function _owner() private view returns (Owner memory) {
        return Owner(replica, id(), address(this));
    }

    function _domain() private view returns (Domain memory) {
        return Domain(keccak256(bytes(_NAME)), keccak256(bytes(_VERSION)), address(this));
    }
}
