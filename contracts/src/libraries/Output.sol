// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice The preimage of an output's word in the OutputOracle, and of its output root (protocol.md 4, 5.4).
struct Output {
    uint256 index;
    bytes32 stateRoot;
    bytes32 keystoreRoot;
    bytes32 blockHash;
    /// @dev When the output was proposed, in seconds of L1 time.
    uint256 l1Timestamp;
    uint256 l2BlockNumber;
    bytes32 inputsHash;
}

using OutputLib for Output global;

/// @title OutputLib
/// @notice What the OutputOracle keeps of an output, and where.
library OutputLib {
    /// @notice The word that the OutputOracle keeps of the output.
    function commitment(Output calldata output) internal pure returns (bytes32) {
        bytes32 outputRoot =
            keccak256(abi.encode(bytes32(0), output.stateRoot, output.keystoreRoot, output.blockHash));
        return keccak256(
            abi.encode(output.index, outputRoot, output.l1Timestamp, output.l2BlockNumber, output.inputsHash)
        );
    }

    /// @notice The storage slot of that word: `commitments` is the mapping in the OutputOracle's slot 0.
    function commitmentSlot(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode(index, uint256(0)));
    }
}
