// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Sha256} from "./Sha256.sol";

/// @title Ssz
/// @notice Verifies single-leaf Merkle proofs of SSZ objects, hashed with SHA-256.
library Ssz {
    /// @notice A branch for the generalized index needs as many siblings as the index has bits after the first.
    error SszWrongProofLength(uint256 length, uint256 index);
    /// @notice The branch leads to another root.
    error SszWrongRoot(bytes32 computed, bytes32 expected);

    /// @notice Reverts unless `leaf` stands at generalized index `index` under `root`.
    /// @param root Hash tree root of the object.
    /// @param leaf The leaf, or the hash tree root of the subtree, at that index.
    /// @param index Generalized index: 1 is the root, 2i and 2i + 1 are the children of i.
    /// @param proof Siblings from the leaf up.
    function requireBranch(bytes32 root, bytes32 leaf, uint256 index, bytes32[] memory proof) internal view {
        if (index >> proof.length != 1) revert SszWrongProofLength(proof.length, index);
        bytes32 node = leaf;
        for (uint256 i = 0; i < proof.length; ++i) {
            node = (index >> i) & 1 == 0 ? Sha256.ofPair(node, proof[i]) : Sha256.ofPair(proof[i], node);
        }
        if (node != root) revert SszWrongRoot(node, root);
    }

    /// @notice The hash tree root of a uint64: little-endian, zeros after it.
    function uint64Leaf(uint64 value) internal pure returns (bytes32) {
        uint256 v = value;
        v = ((v & 0xff00ff00ff00ff00) >> 8) | ((v & 0x00ff00ff00ff00ff) << 8);
        v = ((v & 0xffff0000ffff0000) >> 16) | ((v & 0x0000ffff0000ffff) << 16);
        v = (v >> 32) | ((v & 0xffffffff) << 32);
        return bytes32(v << 192);
    }
}
