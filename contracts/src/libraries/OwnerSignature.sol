// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";

import {IKeystoreReplica} from "../l2/interfaces/IKeystoreReplica.sol";
import {Approvals} from "./Approvals.sol";
import {ShortConfig} from "./Config.sol";

/// @notice Whose approval an account asks for: the signers in force of keystore `id`, as `replica` knows them.
struct Owner {
    IKeystoreReplica replica;
    bytes32 id;
}

/// @notice Signatures by which a keystore approves a digest for an account that it owns (protocol.md 7.5):
///
/// ```
/// approved:     0x00 ‖ abi.encode(ShortConfig current, Approval[] approvals)
/// preconfirmed: 0x01 ‖ abi.encode(ShortConfig head) ‖ uint32 length ‖ raw set-config of that length
///                    ‖ abi.encode(ShortConfig current, Approval[] approvals)
/// ```
///
/// The second first puts the set-config in force on top of `head`. Nobody signs that it be so carried: a set-config is
/// anybody's to preconfirm.
library OwnerSignature {
    error UnknownSignatureMode(uint8 mode);

    uint8 private constant _APPROVED = 0;
    uint8 private constant _PRECONFIRMED = 1;

    uint256 private constant _CONFIG_LENGTH = 8 * 32;
    uint256 private constant _LENGTH_AT = 1 + _CONFIG_LENGTH;
    uint256 private constant _RAW_AT = _LENGTH_AT + 4;
    /// @dev Of the config and the offset of the approvals.
    uint256 private constant _HEAD_LENGTH = _CONFIG_LENGTH + 32;
    /// @dev By how much the approvals move away from the beginning: `id`, `account` and `digest` come before them.
    uint256 private constant _SHIFT = 3 * 32;

    uint256 private constant _SIGNATURE_FAILED = 1;
    uint256 private constant _VALID_UNTIL_AT = 160;

    /// @notice ERC-4337's validation data: 1 where a signature is not one over `digest` or its key not a signer's, else
    /// the time until which the config in force is fresh. Reverts where the signature could not count whatever it signs.
    /// Reads no clock. Writes, to the replica alone, when the signature carries a set-config.
    function validate(Owner memory owner, bytes calldata signature, bytes32 digest)
        internal
        returns (uint256)
    {
        (bool success, bytes memory result) = _check(owner, _preconfirm(owner, signature), digest);
        if (success) {
            uint48 until = abi.decode(result, (uint48));
            return until == type(uint48).max ? 0 : uint256(until) << _VALID_UNTIL_AT;
        }
        bytes4 reason = bytes4(result);
        if (reason == Approvals.BadSignature.selector || reason == Approvals.NotASigner.selector) {
            return _SIGNATURE_FAILED;
        }
        LowLevelCall.bubbleRevert(result);
    }

    /// @notice Reverts unless the signature approves `digest`, and returns the time until which that may be trusted.
    function requireApproved(Owner memory owner, bytes calldata signature, bytes32 digest)
        internal
        returns (uint48)
    {
        (bool success, bytes memory result) = _check(owner, _preconfirm(owner, signature), digest);
        if (!success) LowLevelCall.bubbleRevert(result);
        return abi.decode(result, (uint48));
    }

    /// @notice Whether the signature, which may carry no set-config, approves `digest` now. Never reverts.
    function isApproved(Owner memory owner, bytes calldata signature, bytes32 digest)
        internal
        view
        returns (bool)
    {
        if (signature.length < 1 + _HEAD_LENGTH || uint8(signature[0]) != _APPROVED) return false;
        (bool success, bytes memory result) = _check(owner, signature[1:], digest);
        return success && result.length == 32 && block.timestamp <= uint256(bytes32(result));
    }

    /// @dev Preconfirms the set-config that the signature may carry, and returns what comes after it.
    function _preconfirm(Owner memory owner, bytes calldata signature) private returns (bytes calldata) {
        uint8 mode = uint8(bytes1(signature[:1]));
        if (mode == _APPROVED) return signature[1:];
        if (mode != _PRECONFIRMED) revert UnknownSignatureMode(mode);
        ShortConfig memory head = abi.decode(signature[1:_LENGTH_AT], (ShortConfig));
        uint256 end = _RAW_AT + uint32(bytes4(signature[_LENGTH_AT:_RAW_AT]));
        owner.replica.preconfirm(address(this), head, signature[_RAW_AT:end]);
        return signature[end:];
    }

    /// @dev Calls `checkApprovals` with the approvals as they stand encoded: decoding them and encoding them again would
    /// cost more than all else in the account. The replica finds what is malformed.
    function _check(Owner memory owner, bytes calldata approved, bytes32 digest)
        private
        view
        returns (bool, bytes memory)
    {
        uint256 offset = uint256(bytes32(approved[_CONFIG_LENGTH:_HEAD_LENGTH]));
        unchecked {
            // An offset that wraps points, as every bad one, at what the replica refuses or at approvals all the same.
            offset += _SHIFT;
        }
        return address(owner.replica)
            .staticcall(
                bytes.concat(
                    IKeystoreReplica.checkApprovals.selector,
                    owner.id,
                    bytes32(uint256(uint160(address(this)))),
                    approved[:_CONFIG_LENGTH],
                    digest,
                    bytes32(offset),
                    approved[_HEAD_LENGTH:]
                )
            );
    }
}
