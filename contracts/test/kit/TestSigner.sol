// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Base64} from "solady/utils/Base64.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Vm} from "forge-std/Vm.sol";

import {Approval} from "keyroll/libraries/Approval.sol";
import {Authority} from "keyroll/libraries/Config.sol";

/// @notice A signer whose private key the test holds.
struct Signer {
    uint8 scheme;
    uint256 privateKey;
}

using TestSigner for Signer global;

/// @notice Signs with all three schemes, and builds signer trees, plainly.
library TestSigner {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant N_SECP256K1 =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    /// @dev The relying party's id hash, the flags for user present and verified, and a counter.
    bytes internal constant AUTHENTICATOR_DATA =
        hex"49960de5880e8c687434170f6476605b8fe4aeb9a28632c7995cf3ba831d97630500000001";
    bytes internal constant CLIENT_DATA_TAIL = '","origin":"https://wallet.example","crossOrigin":false}';

    function keyOf(Signer memory signer) internal pure returns (bytes memory) {
        if (signer.scheme == 1) return abi.encodePacked(vm.addr(signer.privateKey));
        (uint256 x, uint256 y) = vm.publicKeyP256(signer.privateKey);
        return abi.encodePacked(x, y);
    }

    function leafOf(Signer memory signer) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(keccak256(abi.encode(signer.scheme, signer.keyOf()))));
    }

    function sign(Signer memory signer, bytes32 digest) internal pure returns (bytes memory) {
        if (signer.scheme == 1) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(signer.privateKey, digest);
            return abi.encodePacked(r, s, v);
        }
        if (signer.scheme == 2) return signP256(signer.privateKey, sha256(abi.encodePacked(digest)));
        return signWebAuthn(signer.privateKey, digest, AUTHENTICATOR_DATA, CLIENT_DATA_TAIL);
    }

    function signP256(uint256 privateKey, bytes32 hash) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(privateKey, hash);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
        return abi.encodePacked(r, s);
    }

    function signWebAuthn(
        uint256 privateKey,
        bytes32 digest,
        bytes memory authenticatorData,
        bytes memory clientDataTail
    ) internal pure returns (bytes memory) {
        bytes memory clientData = abi.encodePacked(
            '{"type":"webauthn.get","challenge":"',
            Base64.encode(abi.encodePacked(digest), true, true),
            clientDataTail
        );
        bytes32 hash = sha256(abi.encodePacked(authenticatorData, sha256(clientData)));
        return encodeWebAuthn(authenticatorData, clientDataTail, signP256(privateKey, hash));
    }

    function encodeWebAuthn(bytes memory authenticatorData, bytes memory clientDataTail, bytes memory rs)
        internal
        pure
        returns (bytes memory)
    {
        bytes[] memory items = new bytes[](3);
        items[0] = RLP.encode(authenticatorData);
        items[1] = RLP.encode(clientDataTail);
        items[2] = RLP.encode(rs);
        return RLP.encode(items);
    }

    /// @notice The authority of `signers`, as many of whom must approve as there are.
    function authorityOf(Signer[] memory signers) internal pure returns (Authority memory) {
        return Authority({root: rootOf(signers), threshold: uint8(signers.length)});
    }

    function rootOf(Signer[] memory signers) internal pure returns (bytes32) {
        return _climb(_leavesOf(signers), 0, new bytes32[](0));
    }

    /// @notice Approvals of `digest` by all of `signers` who stand in the tree of `tree`, in order.
    function approve(Signer[] memory signers, Signer[] memory tree, bytes32 digest)
        internal
        pure
        returns (Approval[] memory approvals)
    {
        signers = sort(signers);
        approvals = new Approval[](signers.length);
        for (uint256 i = 0; i < signers.length; ++i) {
            approvals[i] = Approval({
                scheme: signers[i].scheme,
                key: signers[i].keyOf(),
                proof: proofOf(tree, signers[i]),
                signature: signers[i].sign(digest)
            });
        }
    }

    function proofOf(Signer[] memory tree, Signer memory signer)
        internal
        pure
        returns (bytes32[] memory proof)
    {
        bytes32[] memory leaves = _leavesOf(tree);
        for (uint256 i = 0; i < leaves.length; ++i) {
            if (leaves[i] != signer.leafOf()) continue;
            uint256 length = 0;
            for (
                (uint256 width, uint256 at) = (leaves.length, i);
                width > 1;
                (width, at) = ((width + 1) / 2, at / 2)
            ) {
                if (at ^ 1 < width) ++length;
            }
            proof = new bytes32[](length);
            _climb(leaves, i, proof);
            return proof;
        }
        revert("not in the tree");
    }

    /// @notice Ascending by the keys' hashes.
    function sort(Signer[] memory signers) internal pure returns (Signer[] memory sorted) {
        sorted = new Signer[](signers.length);
        for (uint256 i = 0; i < signers.length; ++i) {
            uint256 j = i;
            for (; j > 0 && keccak256(sorted[j - 1].keyOf()) > keccak256(signers[i].keyOf()); --j) {
                sorted[j] = sorted[j - 1];
            }
            sorted[j] = signers[i];
        }
    }

    function _leavesOf(Signer[] memory signers) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](signers.length);
        for (uint256 i = 0; i < signers.length; ++i) {
            leaves[i] = signers[i].leafOf();
        }
    }

    /// @dev Pairs level by level up to the root; an odd node moves up alone. Fills in the proof of the leaf at `at`.
    function _climb(bytes32[] memory leaves, uint256 at, bytes32[] memory proof)
        private
        pure
        returns (bytes32)
    {
        uint256 filled = 0;
        bytes32[] memory level = leaves;
        while (level.length > 1) {
            if (proof.length != 0 && at ^ 1 < level.length) proof[filled++] = level[at ^ 1];
            bytes32[] memory above = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < level.length; i += 2) {
                above[i / 2] = i + 1 == level.length ? level[i] : _hashPair(level[i], level[i + 1]);
            }
            (level, at) = (above, at / 2);
        }
        return level[0];
    }

    function _hashPair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }
}
