// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica} from "../l2/interfaces/IKeystoreReplica.sol";
import {Output} from "../libraries/Output.sol";
import {IOptimismPortal} from "./interfaces/IOptimismPortal.sol";
import {IOutputOracle} from "./interfaces/IOutputOracle.sol";

/// @title OutputBridge
/// @notice Sends final outputs to the replicas of OP Stack chains by the chains' own bridges (protocol.md §5.5). Anybody
///         may call. It is the way to confirm that no fork of L1 can break: it reads a contract, and no header, trie or
///         beacon block.
/// @dev Replicas believe what the alias of this contract's address says, so it says only what the OutputOracle holds and
///      nobody can delete any more. Portal and replica are the caller's choice: a wrong one hears the truth in vain.
contract OutputBridge {
    /// @notice The rollup's OutputOracle.
    IOutputOracle public immutable outputOracle;

    /// @notice An output was handed to a portal.
    event OutputSent(address indexed portal, address indexed replica, uint256 indexed outputIndex);

    /// @notice The OutputOracle holds another word for this index, or none.
    error OutputMismatch(bytes32 computed, bytes32 held);
    /// @notice The output can still be deleted.
    error OutputNotFinal(uint256 outputIndex, uint256 finalAt);

    /// @param outputOracle_ The rollup's OutputOracle.
    constructor(IOutputOracle outputOracle_) {
        outputOracle = outputOracle_;
    }

    /// @notice Sends an output that is final to a replica.
    /// @param portal The OptimismPortal of the replica's chain.
    /// @param replica The replica, on that chain.
    /// @param output The output, whole.
    /// @param gasLimit Gas for the replica's call on its chain, which the portal charges for. With too little the call
    ///        fails there, and the output has to be sent again.
    function sendOutput(IOptimismPortal portal, address replica, Output calldata output, uint64 gasLimit)
        external
    {
        bytes32 commitment = output.commitment();
        bytes32 held = outputOracle.commitments(output.index);
        if (commitment != held) revert OutputMismatch(commitment, held);
        uint256 finalAt = output.l1Timestamp + outputOracle.finalizationPeriodSeconds();
        if (block.timestamp < finalAt) revert OutputNotFinal(output.index, finalAt);

        emit OutputSent(address(portal), replica, output.index);
        bytes memory message = abi.encodeCall(
            IKeystoreReplica.receiveOutput,
            (output.index, output.keystoreRoot, output.l2BlockNumber, output.l1Timestamp, block.number)
        );
        portal.depositTransaction(replica, 0, gasLimit, false, message);
    }
}
