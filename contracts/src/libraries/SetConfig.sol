// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {EfficientHashLib} from "solady/utils/EfficientHashLib.sol";

import {Approvals, ApprovalView} from "./Approvals.sol";
import {Authority, ConfigLimits, ShortConfig} from "./Config.sol";
import {Rlp} from "./Rlp.sol";
import {SliceLib} from "./Slice.sol";

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
    using Rlp for Rlp.Cursor;

    error SetConfigTooLong(uint256 length);
    error WrongTransactionType();
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
    bytes1 private constant _SIBLING_PREFIX = 0xa0;

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
        Rlp.Cursor memory fields = Rlp.toList(raw[1:]);

        uint64 chainId = fields.readUint64();
        if (chainId != l2ChainId) revert WrongChainId(chainId);
        setConfig.id = fields.readBytes32();
        setConfig.kind = fields.readUint8();
        if (setConfig.kind > COMPLETE_RECOVERY) revert UnknownKind(setConfig.kind);
        Rlp.Cursor memory initial = fields.readList();
        _readConfig(fields.readList(), setConfig.next);
        if (setConfig.next.nonce == 0) revert NextNonceZero();
        _checkInitial(initial, setConfig.next.nonce == 1, setConfig.id);
        setConfig.approvals = _readApprovals(fields.readList(), false);
        setConfig.openings = _readApprovals(fields.readList(), true);
        fields.requireDone();
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

    function _checkInitial(Rlp.Cursor memory initial, bool isExpected, bytes32 id) private pure {
        if (!isExpected) {
            initial.requireDone();
            return;
        }
        ShortConfig memory config;
        _readConfig(initial, config);
        if (config.nonce != 0 || config.hash() != id) revert InitialMismatch(id);
    }

    // What follows fills in memory that its caller has: Solidity would allocate it once more for each value returned.

    function _readConfig(Rlp.Cursor memory fields, ShortConfig memory config) private pure {
        config.nonce = fields.readUint64();
        _readAuthority(fields, config.signers);
        _readAuthority(fields, config.guardians);
        config.recoveryDelay = fields.readUint32();
        config.maxStaleness = fields.readUint32();
        bytes calldata data = fields.readBytes();
        if (data.length > _MAX_DATA_BYTES) revert DataTooLong(data.length);
        config.dataHash = keccak256(data);
        fields.requireDone();
    }

    function _readAuthority(Rlp.Cursor memory fields, Authority memory authority) private pure {
        authority.root = fields.readBytes32();
        authority.threshold = fields.readUint8();
    }

    function _readApprovals(Rlp.Cursor memory list, bool mayBeUnsigned)
        private
        pure
        returns (ApprovalView[] memory approvals)
    {
        approvals = new ApprovalView[](list.count());
        for (uint256 i = 0; i < approvals.length; ++i) {
            ApprovalView memory approval = approvals[i];
            _readApproval(list.readList(), approval);
            if (!Approvals.isWellShaped(approval, mayBeUnsigned)) revert Approvals.MalformedApproval(i);
        }
    }

    function _readApproval(Rlp.Cursor memory fields, ApprovalView memory approval) private pure {
        approval.scheme = fields.readUint8();
        approval.key = SliceLib.from(fields.readBytes());
        Rlp.Cursor memory proof = fields.readList();
        bytes calldata siblings = Rlp.slice(proof.position, proof.end);
        if (siblings.length % _SIBLING_BYTES != 0) revert MalformedProof();
        for (uint256 i = 0; i < siblings.length; i += _SIBLING_BYTES) {
            if (siblings[i] != _SIBLING_PREFIX) revert MalformedProof();
        }
        approval.proof = SliceLib.from(siblings);
        approval.proofStride = _SIBLING_BYTES;
        approval.signature = SliceLib.from(fields.readBytes());
        fields.requireDone();
    }

    function _areSame(Authority memory left, Authority memory right) private pure returns (bool) {
        return left.root == right.root && left.threshold == right.threshold;
    }
}
