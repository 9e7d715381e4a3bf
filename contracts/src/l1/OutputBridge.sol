// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica, Root} from "../l2/interfaces/IKeystoreReplica.sol";
import {Output} from "../libraries/Output.sol";
import {IOptimismPortal} from "./interfaces/IOptimismPortal.sol";
import {IOutputOracle} from "./interfaces/IOutputOracle.sol";

/// @title OutputBridge
/// @notice Tells replicas of outputs that are final: the one on L1 itself, those of OP Stack chains by the chains' own bridges,
/// and those of chains on top of these in the same way once more (protocol.md §5.5). Anybody may call. It is the way to
/// confirm that no fork of L1 can break: it reads contracts, and no header, trie or beacon block.
/// @dev Replicas believe what comes from this address, and from its alias, so it says only what the OutputOracle holds and
///      nobody can delete any more, or what the very replica's twin on this chain holds as final. It may be deployed anywhere;
///      where there is no OutputOracle, which cannot be deployed but to L1, it has nothing of its own to say. Portal and
///      replica are the caller's choice: a wrong one hears the truth, or only what itself made up.
contract OutputBridge {
    /// @notice The rollup's OutputOracle, on L1.
    IOutputOracle public immutable outputOracle;

    /// @notice An output was handed to a portal, or without one to the replica on this chain.
    event OutputSent(address indexed portal, address indexed replica, uint256 indexed outputIndex);

    /// @notice The OutputOracle holds another word for this index, or none.
    error OutputMismatch(bytes32 computed, bytes32 held);
    /// @notice The output can still be deleted.
    error OutputNotFinal(uint256 outputIndex, uint256 finalAt);
    /// @notice The replica on this chain does not hold the output as final by a built-in source.
    error OutputNotHeld(address replica, address source, uint256 outputIndex);

    /// @param outputOracle_ The rollup's OutputOracle.
    constructor(IOutputOracle outputOracle_) {
        outputOracle = outputOracle_;
    }

    /// @notice On L1: tells the replica on L1 of an output that is final.
    /// @param output The output, whole.
    function deliverOutput(IKeystoreReplica replica, Output calldata output) external {
        _requireFinal(output);
        emit OutputSent(address(0), address(replica), output.index);
        replica.receiveOutput(
            output.index, output.keystoreRoot, output.l2BlockNumber, output.l1Timestamp, block.number
        );
    }

    /// @notice On L1: sends an output that is final to a replica.
    /// @param portal The OptimismPortal of the replica's chain.
    /// @param replica The replica, on that chain.
    /// @param output The output, whole.
    /// @param gasLimit Gas for the replica's call on its chain, which the portal charges for. With too little the call
    ///        fails there, and the output has to be sent again.
    function sendOutput(IOptimismPortal portal, address replica, Output calldata output, uint64 gasLimit)
        external
    {
        _requireFinal(output);
        bytes memory message = abi.encodeCall(
            IKeystoreReplica.receiveOutput,
            (output.index, output.keystoreRoot, output.l2BlockNumber, output.l1Timestamp, block.number)
        );
        _send(portal, replica, output.index, message, gasLimit);
    }

    /// @notice On a chain with chains of its own: sends an output that its replica holds as final to the replica with the same
    /// address on one of those.
    /// @param portal The OptimismPortal, here, of that chain.
    /// @param source By which built-in source the replica here knows the output.
    /// @param gasLimit As in `sendOutput`.
    function forwardOutput(
        IOptimismPortal portal,
        IKeystoreReplica replica,
        address source,
        uint256 outputIndex,
        uint64 gasLimit
    ) external {
        Root memory root = replica.root(source, outputIndex);
        if (!root.finalized || !root.builtIn) revert OutputNotHeld(address(replica), source, outputIndex);
        bytes memory message = abi.encodeCall(
            IKeystoreReplica.receiveOutput,
            (outputIndex, root.keystoreRoot, root.l2BlockNumber, root.l1Timestamp, root.l1BlockNumber)
        );
        _send(portal, address(replica), outputIndex, message, gasLimit);
    }

    function _requireFinal(Output calldata output) private view {
        bytes32 commitment = output.commitment();
        bytes32 held = outputOracle.commitments(output.index);
        if (commitment != held) revert OutputMismatch(commitment, held);
        uint256 finalAt = output.l1Timestamp + outputOracle.finalizationPeriodSeconds();
        if (block.timestamp < finalAt) revert OutputNotFinal(output.index, finalAt);
    }

    function _send(
        IOptimismPortal portal,
        address replica,
        uint256 outputIndex,
        bytes memory message,
        uint64 gasLimit
    ) private {
        emit OutputSent(address(portal), replica, outputIndex);
        portal.depositTransaction(replica, 0, gasLimit, false, message);
    }
}
