// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";

import {IKeystoreReplica} from "../l2/interfaces/IKeystoreReplica.sol";
import {Approvals} from "./Approvals.sol";
import {ShortConfig} from "./Config.sol";

/// @notice Whose approval `account` asks for: the signers of keystore `id` that are in force for it, as `replica` knows
/// them.
struct Owner {
    IKeystoreReplica replica;
    bytes32 id;
    address account;
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
    error SignatureTooShort();

    uint8 private constant _APPROVED = 0;
    uint8 private constant _PRECONFIRMED = 1;

    uint256 private constant _CONFIG_LENGTH = 8 * 32;
    uint256 private constant _LENGTH_AT = 1 + _CONFIG_LENGTH;
    uint256 private constant _RAW_AT = _LENGTH_AT + 4;
    /// @dev Of the config and the offset of the approvals.
    uint256 private constant _HEAD_LENGTH = _CONFIG_LENGTH + 32;

    uint256 private constant _SIGNATURE_FAILED = 1;
    uint256 private constant _VALID_UNTIL_AT = 160;

    /// @notice ERC-4337's validation data: 1 where a signature is not one over `digest` or its key not a signer's, else
    /// the time until which the config in force is fresh. Reverts where the signature could not count whatever it signs.
    /// Reads no clock. Writes, to the replica alone, when the signature carries a set-config.
    function validate(Owner memory owner, bytes calldata signature, bytes32 digest)
        internal
        returns (uint256)
    {
        (bool success, bytes32 result) = _check(owner, _preconfirm(owner, signature), digest);
        if (success) {
            uint256 until = uint256(result);
            return until == type(uint48).max ? 0 : until << _VALID_UNTIL_AT;
        }
        bytes4 reason = bytes4(result);
        if (reason == Approvals.BadSignature.selector || reason == Approvals.NotASigner.selector) {
            return _SIGNATURE_FAILED;
        }
        LowLevelCall.bubbleRevert();
    }

    /// @notice Reverts unless the signature approves `digest`, and returns the time until which that may be trusted.
    function requireApproved(Owner memory owner, bytes calldata signature, bytes32 digest)
        internal
        returns (uint48)
    {
        (bool success, bytes32 result) = _check(owner, _preconfirm(owner, signature), digest);
        if (!success) LowLevelCall.bubbleRevert();
        return uint48(uint256(result));
    }

    /// @notice Whether the signature, which may carry no set-config, approves `digest` now. Reverts for want of gas alone,
    /// without a reason: else whoever gives little gas would have a good signature called a bad one.
    function isApproved(Owner memory owner, bytes calldata signature, bytes32 digest)
        internal
        view
        returns (bool)
    {
        if (signature.length < 1 + _HEAD_LENGTH || uint8(signature[0]) != _APPROVED) return false;
        uint256 gasBefore = gasleft();
        (bool success, bytes32 result) = _check(owner, signature[1:], digest);
        // No reason, and hardly any gas left: the replica ran out of it, or what it calls did. Each of them leaves its
        // caller 1/64 (EIP-150), and there are three: replica, P-256 contract, and the precompile which that one asks.
        if (result == 0 && gasleft() <= gasBefore / 16) revert();
        return success && block.timestamp <= uint256(result);
    }

    /// @dev Preconfirms the set-config that the signature may carry, and returns what comes after it.
    function _preconfirm(Owner memory owner, bytes calldata signature) private returns (bytes calldata) {
        if (signature.length == 0) revert SignatureTooShort();
        uint8 mode = uint8(signature[0]);
        if (mode == _APPROVED) return signature[1:];
        if (mode != _PRECONFIRMED) revert UnknownSignatureMode(mode);
        ShortConfig memory head = abi.decode(signature[1:_LENGTH_AT], (ShortConfig));
        uint256 end = _RAW_AT + uint32(bytes4(signature[_LENGTH_AT:_RAW_AT]));
        owner.replica.preconfirm(owner.account, head, signature[_RAW_AT:end]);
        return signature[end:];
    }

    /// @dev Calls `checkApprovals` with the approvals as they stand encoded: decoding them and encoding them again would
    /// cost more than all else in the account. The replica finds what is malformed.
    /// @return success Whether the signers approve.
    /// @return result What the replica answers, or the first word of the error with which it reverts; all of that is the
    /// return data.
    function _check(Owner memory owner, bytes calldata approved, bytes32 digest)
        private
        view
        returns (bool success, bytes32 result)
    {
        if (approved.length < _HEAD_LENGTH) revert SignatureTooShort();
        bytes4 selector = IKeystoreReplica.checkApprovals.selector;
        assembly ("memory-safe") {
            // As Solidity would encode the call: selector, id, account, config (8 words), digest, offset, approvals.
            let input := mload(0x40)
            mstore(input, selector)
            mstore(add(input, 0x04), mload(add(owner, 0x20)))
            mstore(add(input, 0x24), mload(add(owner, 0x40)))
            calldatacopy(add(input, 0x44), approved.offset, 0x100)
            mstore(add(input, 0x144), digest)
            // Id, account and digest come before the approvals and move them three words away from the beginning. An
            // offset that wraps points, as every bad one, at what the replica refuses or at approvals all the same.
            mstore(add(input, 0x164), add(calldataload(add(approved.offset, 0x100)), 0x60))
            calldatacopy(add(input, 0x184), add(approved.offset, 0x120), sub(approved.length, 0x120))
            // Under an error shorter than a word stands zero, with which no error begins.
            mstore(0x00, 0)
            success := staticcall(gas(), mload(owner), input, add(approved.length, 0x64), 0x00, 0x20)
            // Where there is no replica (yet), whoever asks is answered nothing, and that is no approval.
            success := and(success, eq(returndatasize(), 0x20))
            result := mload(0x00)
        }
    }
}
