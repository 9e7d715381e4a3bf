// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {Approvals, ApprovalView} from "./Approvals.sol";
import {Authority, ConfigLimits, ShortConfig} from "./Config.sol";
import {RlpRun} from "./RlpRun.sol";
import {Slice, SliceLib} from "./Slice.sol";

/// @notice A decoded set-config (protocol.md 3).
struct SetConfig {
    bytes32 id;
    uint8 kind;
    ShortConfig next;
    ApprovalView[] approvals;
    ApprovalView[] openings;
}

/// @notice The rollup's parameters that set-configs are checked by.
struct SetConfigRules {
    bytes32 domainSeparator;
    ConfigLimits limits;
    address p256Verifier;
}

/// @notice Decodes set-configs and checks updates.
library SetConfigLib {
    error SetConfigTooLong(uint256 length);
    error WrongTransactionType();
    /// @notice The bytes after the type are not canonical RLP of the layout of protocol.md 3.
    error MalformedSetConfig();
    error WrongChainId(uint256 chainId);
    error UnknownKind(uint8 kind);
    error NextNonceZero();
    error InitialMismatch(bytes32 id);
    error DataTooLong(uint256 length);
    error MalformedProof();
    error NonceTooLow(uint64 nonce, uint256 expected);
    error NonceTooHigh(uint64 nonce, uint256 expected);

    uint8 internal constant UPDATE = 0;
    uint8 internal constant COMPLETE_RECOVERY = 2;

    bytes32 internal constant SET_CONFIG_TYPEHASH = keccak256(
        "SetConfig(bytes32 id,bytes32 previous,Config config)Authority(bytes32 root,uint8 threshold)Config(uint64 nonce,Authority signers,Authority guardians,uint32 recoveryDelay,uint32 maxStaleness,bytes data)"
    );

    address internal constant KEYSTORE_ADDRESS = 0x4200000000000000000000000000000000000016;

    bytes1 private constant _TRANSACTION_TYPE = 0x4b;
    uint256 private constant _MAX_TRANSACTION_BYTES = 32_768;
    uint256 private constant _MAX_DATA_BYTES = 4096;
    /// @dev A sibling in a proof: the prefix of a 32-byte string, and the string.
    uint256 private constant _SIBLING_BYTES = 33;

    /// @notice The EIP-712 domain separator of the rollup `l2ChainId`, whichever chain checks it.
    function domainSeparator(uint64 l2ChainId) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Keyroll"),
                keccak256("1"),
                l2ChainId,
                KEYSTORE_ADDRESS
            )
        );
    }

    /// @notice What the approvals of an update sign (protocol.md 3.2).
    function updateDigest(bytes32 separator, bytes32 id, bytes32 previous, bytes32 next)
        internal
        pure
        returns (bytes32)
    {
        bytes32 structHash = EfficientHashLib.hash(SET_CONFIG_TYPEHASH, id, previous, next);
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }

    /// @notice Decodes `raw`, reverting on all that protocol.md 3.1 calls undecodable.
    function decode(bytes calldata raw, uint64 l2ChainId) internal pure returns (SetConfig memory setConfig) {
        if (raw.length > _MAX_TRANSACTION_BYTES) revert SetConfigTooLong(raw.length);
        if (raw.length == 0 || raw[0] != _TRANSACTION_TYPE) revert WrongTransactionType();
        uint256 start;
        assembly ("memory-safe") {
            start := raw.offset
        }
        (uint256 position, uint256 end) = RlpRun.listAt(start + 1);
        if (end != start + raw.length) revert MalformedSetConfig();

        uint256 number;
        (number, position) = RlpRun.uintAt(position, 8);
        if (number != l2ChainId) revert WrongChainId(number);
        (setConfig.id, position) = RlpRun.bytes32At(position);
        (number, position) = RlpRun.uintAt(position, 1);
        if (number > COMPLETE_RECOVERY) revert UnknownKind(uint8(number));
        setConfig.kind = uint8(number);
        uint256 initial = position;
        uint256 initialPayload;
        (initialPayload, position) = RlpRun.listAt(initial);
        bool isWithoutInitial = initialPayload == position;
        position = _readConfig(position, setConfig.next);
        if (setConfig.next.nonce == 0) revert NextNonceZero();
        if (isWithoutInitial == (setConfig.next.nonce == 1)) revert InitialMismatch(setConfig.id);
        if (!isWithoutInitial) _checkInitial(initial, setConfig.id);
        (setConfig.approvals, position) = _readApprovals(position, false);
        (setConfig.openings, position) = _readApprovals(position, true);
        if (position != end) revert MalformedSetConfig();
    }

    /// @notice Reverts unless `setConfig`, an update, is valid on top of `current` (protocol.md 3.3). Rules are checked
    /// in the order of the table there.
    /// @param currentHash Hash of `current`.
    /// @param nextHash Hash of `setConfig.next`.
    function requireValidUpdate(
        SetConfig memory setConfig,
        ShortConfig memory current,
        bytes32 currentHash,
        bytes32 nextHash,
        SetConfigRules memory rules
    ) internal view {
        ShortConfig memory next = setConfig.next;
        uint256 expected = uint256(current.nonce) + 1;
        if (next.nonce < expected) revert NonceTooLow(next.nonce, expected);
        if (next.nonce > expected) revert NonceTooHigh(next.nonce, expected);
        next.checkWellFormed(rules.limits);
        // With nonce 1, the config in force is the initial one: both hash to the id.
        if (next.nonce == 1) current.checkWellFormed(rules.limits);

        bytes32 digest = updateDigest(rules.domainSeparator, setConfig.id, currentHash, nextHash);
        bytes32[] memory approved =
            Approvals.requireApproved(setConfig.approvals, current.signers, digest, rules.p256Verifier);
        if (_areSame(next.signers, current.signers)) {
            if (setConfig.openings.length != 0) {
                revert Approvals.UnexpectedOpenings(setConfig.openings.length);
            }
        } else {
            Approvals.requireUsable(setConfig.openings, next.signers, digest, approved, rules.p256Verifier);
        }
    }

    function _checkInitial(uint256 position, bytes32 id) private pure {
        ShortConfig memory config;
        if (_readConfig(position, config) >= RlpRun.NOWHERE) revert MalformedSetConfig();
        if (config.nonce != 0 || config.hash() != id) revert InitialMismatch(id);
    }

    // What follows fills in memory that its caller has: Solidity would allocate it once more for each value returned. It
    // answers where the next item starts, or as `RlpRun` does that it found nothing well-formed.

    function _readConfig(uint256 position, ShortConfig memory config) private pure returns (uint256) {
        uint256 end;
        uint256 value;
        (position, end) = RlpRun.listAt(position);
        (value, position) = RlpRun.uintAt(position, 8);
        config.nonce = uint64(value);
        position = _readAuthority(position, config.signers);
        position = _readAuthority(position, config.guardians);
        (value, position) = RlpRun.uintAt(position, 4);
        config.recoveryDelay = uint32(value);
        (value, position) = RlpRun.uintAt(position, 4);
        config.maxStaleness = uint32(value);
        (value, position) = RlpRun.stringAt(position);
        if (position != end) return RlpRun.NOWHERE;
        uint256 length = position - value;
        if (length > _MAX_DATA_BYTES) revert DataTooLong(length);
        config.dataHash = keccak256(SliceLib.between(value, position).toBytes());
        return position;
    }

    function _readAuthority(uint256 position, Authority memory authority)
        private
        pure
        returns (uint256 next)
    {
        uint256 threshold;
        (authority.root, position) = RlpRun.bytes32At(position);
        (threshold, next) = RlpRun.uintAt(position, 1);
        authority.threshold = uint8(threshold);
    }

    function _readApprovals(uint256 position, bool mayBeUnsigned)
        private
        pure
        returns (ApprovalView[] memory approvals, uint256 next)
    {
        (position, next) = RlpRun.listAt(position);
        approvals = new ApprovalView[](_count(position, next));
        for (uint256 i = 0; i < approvals.length; ++i) {
            position = _readApproval(position, approvals[i]);
            if (position >= RlpRun.NOWHERE || !Approvals.isWellShaped(approvals[i], mayBeUnsigned)) {
                revert Approvals.MalformedApproval(i);
            }
        }
        if (position != next) return (approvals, RlpRun.NOWHERE);
    }

    /// @dev How many lists there are up to `end`.
    function _count(uint256 position, uint256 end) private pure returns (uint256 lists) {
        unchecked {
            for (; position < end; ++lists) {
                (, position) = RlpRun.listAt(position);
            }
        }
    }

    function _readApproval(uint256 position, ApprovalView memory approval) private pure returns (uint256) {
        uint256 end;
        uint256 value;
        (position, end) = RlpRun.listAt(position);
        (value, position) = RlpRun.uintAt(position, 1);
        approval.scheme = uint8(value);
        (value, position) = RlpRun.stringAt(position);
        approval.key = SliceLib.between(value, position);
        (value, position) = RlpRun.listAt(position);
        approval.proof = SliceLib.between(value, position);
        approval.proofStride = _SIBLING_BYTES;
        while (value < position) {
            (, value) = RlpRun.bytes32At(value);
        }
        if (value != position) revert MalformedProof();
        (value, position) = RlpRun.stringAt(position);
        approval.signature = SliceLib.between(value, position);
        return position == end ? end : RlpRun.NOWHERE;
    }

    function _areSame(Authority memory left, Authority memory right) private pure returns (bool) {
        return left.root == right.root && left.threshold == right.threshold;
    }
}
