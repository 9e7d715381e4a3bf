// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Proofs as `confirmMany` takes them: nodes one after the other, but for those with which the last proof begins.
library SharedProofs {
    /// @notice What is to be told of a proof behind `last`.
    function behind(bytes[] memory last, bytes[] memory proof)
        internal
        pure
        returns (uint8 kept, bytes memory nodes)
    {
        while (kept < last.length && kept < proof.length && keccak256(last[kept]) == keccak256(proof[kept])) {
            ++kept;
        }
        nodes = joined(proof, kept);
    }

    /// @notice All nodes of a proof, one after the other.
    function joined(bytes[] memory proof) internal pure returns (bytes memory nodes) {
        return joined(proof, 0);
    }

    /// @notice The nodes of a proof from `first` on, one after the other.
    function joined(bytes[] memory proof, uint256 first) internal pure returns (bytes memory nodes) {
        for (uint256 i = first; i < proof.length; ++i) {
            nodes = bytes.concat(nodes, proof[i]);
        }
    }
}
