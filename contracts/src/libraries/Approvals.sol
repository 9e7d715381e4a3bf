// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Approval} from "./Approval.sol";
import {Authority} from "./Config.sol";
import {Signature} from "./Signature.sol";
import {Slice, SliceLib} from "./Slice.sol";

/// @notice An approval, or an opening, left where it stands in calldata, be that ABI or RLP encoded.
struct ApprovalView {
    uint8 scheme;
    Slice key;
    /// @dev The siblings, one at the end of every `proofStride` bytes.
    Slice proof;
    uint256 proofStride;
    Slice signature;
}

/// @notice Checks approvals and openings against authorities (protocol.md 3.3, rules 9 to 18).
library Approvals {
    error MalformedApproval(uint256 index);
    error ThresholdZero();
    error WrongApprovalCount(uint256 count, uint256 threshold);
    error ApprovalsNotAscending(uint256 index);
    error NotASigner(uint256 index);
    error BadSignature(uint256 index);
    error UnexpectedOpenings(uint256 count);
    error WrongOpeningCount(uint256 count, uint256 threshold);
    error OpeningsNotAscending(uint256 index);
    error OpeningNotInRoot(uint256 index);
    error BadOpeningSignature(uint256 index);
    error NoUsableSigner();

    uint256 private constant _MAX_PROOF_LENGTH = 20;
    uint256 private constant _WORD = 32;

    /// @notice Views approvals in ABI encoding, and checks their shapes.
    function toViews(Approval[] calldata approvals) internal pure returns (ApprovalView[] memory views) {
        views = new ApprovalView[](approvals.length);
        for (uint256 i = 0; i < approvals.length; ++i) {
            Approval calldata approval = approvals[i];
            ApprovalView memory view_ = views[i];
            view_.scheme = approval.scheme;
            view_.key = SliceLib.from(approval.key);
            view_.proof = SliceLib.from(approval.proof);
            view_.proofStride = _WORD;
            view_.signature = SliceLib.from(approval.signature);
            if (!isWellShaped(view_, false)) revert MalformedApproval(i);
        }
    }

    /// @notice Whether the scheme is known, and key and signature have its shapes.
    /// @param mayBeUnsigned Whether it is an opening, whose signature may be empty.
    function isWellShaped(ApprovalView memory approval, bool mayBeUnsigned) internal pure returns (bool) {
        if (!Signature.isKeyWellShaped(approval.scheme, approval.key)) return false;
        if (mayBeUnsigned && approval.signature.length() == 0) return true;
        return Signature.isWellShaped(approval.scheme, approval.signature);
    }

    /// @notice Reverts unless exactly `authority.threshold` of its signers approve `digest`.
    /// @return leaves Signer leaves of the approvals.
    function requireApproved(
        ApprovalView[] memory approvals,
        Authority memory authority,
        bytes32 digest,
        address p256Verifier
    ) internal view returns (bytes32[] memory leaves) {
        if (authority.threshold == 0) revert ThresholdZero();
        if (approvals.length != authority.threshold) {
            revert WrongApprovalCount(approvals.length, authority.threshold);
        }
        bool isSound;
        uint256 bad;
        (leaves, isSound, bad) = _leavesOf(approvals);
        if (!isSound) revert ApprovalsNotAscending(bad);
        (isSound, bad) = _areUnder(authority.root, approvals, leaves);
        if (!isSound) revert NotASigner(bad);
        for (uint256 i = 0; i < approvals.length; ++i) {
            if (!_isSigned(approvals[i], digest, p256Verifier)) revert BadSignature(i);
        }
    }

    /// @notice Reverts unless `openings` show that the signers of the next config are usable: exactly a threshold of
    /// them is in its root, and one of those signed `digest`, here or among the approvals.
    /// @param approved Signer leaves of the approvals.
    function requireUsable(
        ApprovalView[] memory openings,
        Authority memory authority,
        bytes32 digest,
        bytes32[] memory approved,
        address p256Verifier
    ) internal view {
        if (openings.length != authority.threshold) {
            revert WrongOpeningCount(openings.length, authority.threshold);
        }
        bool isSound;
        uint256 bad;
        bytes32[] memory leaves;
        (leaves, isSound, bad) = _leavesOf(openings);
        if (!isSound) revert OpeningsNotAscending(bad);
        (isSound, bad) = _areUnder(authority.root, openings, leaves);
        if (!isSound) revert OpeningNotInRoot(bad);
        bool isUsable;
        for (uint256 i = 0; i < openings.length; ++i) {
            if (openings[i].signature.length() == 0) continue;
            if (!_isSigned(openings[i], digest, p256Verifier)) revert BadOpeningSignature(i);
            isUsable = true;
        }
        if (!isUsable && !_intersect(leaves, approved)) revert NoUsableSigner();
    }

    /// @return leaves Signer leaves.
    /// @return isSound Whether they are strictly ascending by their keys' hashes, which also makes the keys distinct.
    /// @return bad The first that is not.
    function _leavesOf(ApprovalView[] memory approvals)
        private
        pure
        returns (bytes32[] memory leaves, bool isSound, uint256 bad)
    {
        leaves = new bytes32[](approvals.length);
        bytes32 previous;
        for (uint256 i = 0; i < approvals.length; ++i) {
            Slice key = approvals[i].key;
            bytes32 keyHash = keccak256(key.toBytes());
            if (i != 0 && keyHash <= previous) return (leaves, false, i);
            previous = keyHash;
            leaves[i] = _leafOf(approvals[i].scheme, key);
        }
        return (leaves, true, 0);
    }

    /// @dev `keccak256(keccak256(abi.encode(scheme, key)))`. Hashed twice, so that no leaf's preimage is an inner node's.
    function _leafOf(uint8 scheme, Slice key) private pure returns (bytes32 leaf) {
        bytes calldata keyBytes = key.toBytes();
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, scheme)
            mstore(add(free, 0x20), 0x40)
            mstore(add(free, 0x40), keyBytes.length)
            // Keys have at most 64 bytes; what pads them is zero.
            mstore(add(free, 0x60), 0)
            mstore(add(free, 0x80), 0)
            calldatacopy(add(free, 0x60), keyBytes.offset, keyBytes.length)
            mstore(0x00, keccak256(free, add(0x60, and(add(keyBytes.length, 31), not(31)))))
            leaf := keccak256(0x00, 0x20)
        }
    }

    function _areUnder(bytes32 root, ApprovalView[] memory approvals, bytes32[] memory leaves)
        private
        pure
        returns (bool, uint256 bad)
    {
        for (uint256 i = 0; i < approvals.length; ++i) {
            if (!_isUnder(root, leaves[i], approvals[i].proof, approvals[i].proofStride)) return (false, i);
        }
        return (true, 0);
    }

    function _isUnder(bytes32 root, bytes32 leaf, Slice proof, uint256 stride) private pure returns (bool) {
        uint256 length = proof.length();
        if (length > _MAX_PROOF_LENGTH * stride) return false;
        bytes32 node = leaf;
        for (uint256 end = stride; end <= length; end += stride) {
            bytes32 sibling = proof.wordAt(end - _WORD);
            node = node < sibling ? _hashPair(node, sibling) : _hashPair(sibling, node);
        }
        return node == root;
    }

    function _hashPair(bytes32 left, bytes32 right) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, left)
            mstore(0x20, right)
            hash := keccak256(0x00, 0x40)
        }
    }

    function _isSigned(ApprovalView memory approval, bytes32 digest, address p256Verifier)
        private
        view
        returns (bool)
    {
        return Signature.verify(approval.scheme, approval.key, digest, approval.signature, p256Verifier);
    }

    function _intersect(bytes32[] memory left, bytes32[] memory right) private pure returns (bool) {
        for (uint256 i = 0; i < left.length; ++i) {
            for (uint256 j = 0; j < right.length; ++j) {
                if (left[i] == right[j]) return true;
            }
        }
        return false;
    }
}
