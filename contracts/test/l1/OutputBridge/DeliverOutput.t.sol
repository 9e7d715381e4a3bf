// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {OutputBridge} from "keyroll/l1/OutputBridge.sol";
import {Root} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {BridgeTest} from "./BridgeTest.sol";

contract DeliverOutputTest is BridgeTest {
    function test_replicaOnL1HearsOfAFinalOutputWithoutAnyProof() public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD);
        vm.expectEmit(address(_bridge));
        emit OutputBridge.OutputSent(address(0), address(_replica), index);
        vm.prank(makeAddr("anybody"));
        _bridge.deliverOutput(_replica, out);

        Root memory root = _replica.root(_replica.outputBridgeAlias(), index);
        assertEq(root.keystoreRoot, KEYSTORE_ROOT);
        assertEq(root.l2BlockNumber, out.l2BlockNumber);
        assertEq(root.l1Timestamp, out.l1Timestamp);
        assertEq(root.l1BlockNumber, vm.getBlockNumber());
        assertTrue(root.finalized);
        assertTrue(root.builtIn);
    }

    function test_refusesAnOutputUntilNobodyCanDeleteIt() public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                OutputBridge.OutputNotFinal.selector, index, out.l1Timestamp + CHALLENGE_PERIOD
            )
        );
        _bridge.deliverOutput(_replica, out);
    }

    function test_refusesAnOutputThatTheOracleDoesNotHold() public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD);
        out.keystoreRoot = "a lie";
        vm.expectPartialRevert(OutputBridge.OutputMismatch.selector);
        _bridge.deliverOutput(_replica, out);
    }

    /// @dev The bridge may stand at its address on every chain, and there the replica listens to it.
    function test_whereThereIsNoOracleItHasNothingToSay() public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD);
        OutputBridge onL2 = new OutputBridge(IOutputOracle(makeAddr("an oracle on another chain")));
        vm.expectRevert();
        onL2.deliverOutput(_replica, out);
    }
}
