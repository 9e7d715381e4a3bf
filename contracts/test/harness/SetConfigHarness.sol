// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {P256Fallback} from "keyroll/l2/P256Fallback.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Approvals, ApprovalView} from "keyroll/libraries/Approvals.sol";
import {Authority, ConfigLimits, ShortConfig} from "keyroll/libraries/Config.sol";
import {P256Verifier} from "keyroll/libraries/P256Verifier.sol";
import {SetConfig, SetConfigLib, SetConfigRules} from "keyroll/libraries/SetConfig.sol";
import {Signature} from "keyroll/libraries/Signature.sol";
import {Slice, SliceLib} from "keyroll/libraries/Slice.sol";

/// @notice Makes the libraries of set-configs callable, with calldata, from tests.
contract SetConfigHarness {
    /// @dev What checks P-256 signatures: the precompile, or with `usesFallback` the contract.
    address public immutable p256Verifier;

    constructor(bool usesFallback) {
        p256Verifier = usesFallback ? address(new P256Fallback()) : P256Verifier.PRECOMPILE;
    }

    function hasPrecompile() external view returns (bool) {
        return P256Verifier.hasPrecompile();
    }

    /// @notice Whether the signature is valid; reverts where a part is malformed.
    function verify(uint8 scheme, bytes calldata key, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bool)
    {
        (Slice keySlice, Slice signatureSlice) = (SliceLib.from(key), SliceLib.from(signature));
        return Signature.isKeyWellShaped(scheme, keySlice) && Signature.isWellShaped(scheme, signatureSlice)
            && Signature.verify(scheme, keySlice, digest, signatureSlice, p256Verifier);
    }

    function verifyP256(bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        external
        view
        returns (bool)
    {
        return P256Verifier.verify(p256Verifier, hash, r, s, x, y);
    }

    /// @notice Reverts unless the approvals are those of `authority` over `digest`.
    function requireApproved(Approval[] calldata approvals, Authority calldata authority, bytes32 digest)
        external
        view
        returns (bytes32[] memory leaves)
    {
        return Approvals.requireApproved(Approvals.toViews(approvals), authority, digest, p256Verifier);
    }

    function decode(bytes calldata raw, uint64 l2ChainId)
        external
        pure
        returns (bytes32 id, uint8 kind, ShortConfig memory next, Approval[] memory, Approval[] memory)
    {
        SetConfig memory setConfig = SetConfigLib.decode(raw, l2ChainId);
        return (
            setConfig.id,
            setConfig.kind,
            setConfig.next,
            _toApprovals(setConfig.approvals),
            _toApprovals(setConfig.openings)
        );
    }

    /// @notice Reverts unless `raw` decodes to an update that is valid on top of `current`.
    function requireValidUpdate(
        bytes calldata raw,
        ShortConfig calldata current,
        uint64 l2ChainId,
        ConfigLimits calldata limits
    ) external view returns (bytes32 nextHash) {
        SetConfig memory update = SetConfigLib.decode(raw, l2ChainId);
        nextHash = update.next.hash();
        SetConfigRules memory rules =
            SetConfigRules(SetConfigLib.domainSeparator(l2ChainId), limits, p256Verifier);
        ShortConfig memory config = current;
        SetConfigLib.requireValidUpdate(update, config, config.hash(), nextHash, rules);
    }

    function _toApprovals(ApprovalView[] memory views) private pure returns (Approval[] memory approvals) {
        approvals = new Approval[](views.length);
        for (uint256 i = 0; i < views.length; ++i) {
            uint256 stride = views[i].proofStride;
            bytes32[] memory proof = new bytes32[](views[i].proof.length() / stride);
            for (uint256 j = 0; j < proof.length; ++j) {
                proof[j] = views[i].proof.wordAt((j + 1) * stride - 32);
            }
            approvals[i] =
                Approval(views[i].scheme, views[i].key.toBytes(), proof, views[i].signature.toBytes());
        }
    }
}
