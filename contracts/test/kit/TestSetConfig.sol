// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {Approval} from "keyroll/libraries/Approval.sol";
import {Authority, ShortConfig} from "keyroll/libraries/Config.sol";
import {SetConfigLib} from "keyroll/libraries/SetConfig.sol";
import {Signer, TestSigner} from "./TestSigner.sol";

/// @notice A config whole, and the signers behind its roots.
struct Keystore {
    ShortConfig config;
    bytes data;
    Signer[] signers;
}

/// @notice A set-config with every field free, to be encoded as it is.
struct RawSetConfig {
    uint256 chainId;
    bytes32 id;
    uint256 kind;
    /// @dev Encoded: a config, or the empty list.
    bytes initial;
    bytes next;
    Approval[] approvals;
    Approval[] openings;
}

/// @notice Makes set-configs, encoding with OpenZeppelin's RLP.
library TestSetConfig {
    bytes internal constant EMPTY_LIST = hex"c0";

    function encode(RawSetConfig memory raw) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](7);
        items[0] = RLP.encode(raw.chainId);
        items[1] = RLP.encode(raw.id);
        items[2] = RLP.encode(raw.kind);
        items[3] = raw.initial;
        items[4] = raw.next;
        items[5] = encodeApprovals(raw.approvals);
        items[6] = encodeApprovals(raw.openings);
        return abi.encodePacked(hex"4b", RLP.encode(items));
    }

    function encodeConfig(ShortConfig memory config, bytes memory data) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](8);
        items[0] = RLP.encode(uint256(config.nonce));
        (items[1], items[2]) = _encodeAuthority(config.signers);
        (items[3], items[4]) = _encodeAuthority(config.guardians);
        items[5] = RLP.encode(uint256(config.recoveryDelay));
        items[6] = RLP.encode(uint256(config.maxStaleness));
        items[7] = RLP.encode(data);
        return RLP.encode(items);
    }

    function encodeApprovals(Approval[] memory approvals) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](approvals.length);
        for (uint256 i = 0; i < approvals.length; ++i) {
            bytes[] memory siblings = new bytes[](approvals[i].proof.length);
            for (uint256 j = 0; j < siblings.length; ++j) {
                siblings[j] = RLP.encode(approvals[i].proof[j]);
            }
            bytes[] memory fields = new bytes[](4);
            fields[0] = RLP.encode(uint256(approvals[i].scheme));
            fields[1] = RLP.encode(approvals[i].key);
            fields[2] = RLP.encode(siblings);
            fields[3] = RLP.encode(approvals[i].signature);
            items[i] = RLP.encode(fields);
        }
        return RLP.encode(items);
    }

    /// @notice A keystore without guardians that all of `signers` must approve for.
    function keystoreOf(Signer[] memory signers, uint64 nonce, uint32 maxStaleness, bytes memory data)
        internal
        pure
        returns (Keystore memory keystore)
    {
        keystore.config.nonce = nonce;
        keystore.config.signers = TestSigner.authorityOf(signers);
        keystore.config.maxStaleness = maxStaleness;
        keystore.config.dataHash = keccak256(data);
        keystore.data = data;
        keystore.signers = signers;
    }

    /// @notice The digest that approvals of the update from `current` to `next` sign.
    function digestOf(uint64 chainId, bytes32 id, Keystore memory current, Keystore memory next)
        internal
        pure
        returns (bytes32)
    {
        return SetConfigLib.updateDigest(
            SetConfigLib.domainSeparator(chainId), id, current.config.hash(), next.config.hash()
        );
    }

    /// @notice The update from `current` to `next`: approved by all current signers, and opened and signed by all next
    /// ones where these are others.
    function update(uint64 chainId, bytes32 id, Keystore memory current, Keystore memory next)
        internal
        pure
        returns (RawSetConfig memory raw)
    {
        bytes32 digest = digestOf(chainId, id, current, next);
        raw.chainId = chainId;
        raw.id = id;
        raw.initial = next.config.nonce == 1 ? encodeConfig(current.config, current.data) : EMPTY_LIST;
        raw.next = encodeConfig(next.config, next.data);
        raw.approvals = TestSigner.approve(current.signers, current.signers, digest);
        if (keccak256(abi.encode(current.config.signers)) != keccak256(abi.encode(next.config.signers))) {
            raw.openings = TestSigner.approve(next.signers, next.signers, digest);
        }
    }

    function _encodeAuthority(Authority memory authority) private pure returns (bytes memory, bytes memory) {
        return (RLP.encode(authority.root), RLP.encode(uint256(authority.threshold)));
    }
}
