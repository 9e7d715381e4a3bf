// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OutputBridge} from "keyroll/l1/OutputBridge.sol";
import {IKeystoreReplica, Root} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {BridgeTest} from "./BridgeTest.sol";

/// @dev One chain plays all: replica and bridge have the same addresses on an L2 and on the L3 on top of it.
contract ForwardOutputTest is BridgeTest {
    function test_whatTheReplicaHereHoldsAsFinalReachesTheReplicaOfTheChainAbove() public {
        uint256 index = propose();
        nextBlock(CHALLENGE_PERIOD);
        uint256 beforeTheReplicaHears = vm.snapshotState();
        _bridge.deliverOutput(_replica, _output(index));
        address source = _replica.outputBridgeAlias();
        Root memory held = _replica.root(source, index);

        vm.recordLogs();
        vm.expectEmit(address(_bridge));
        emit OutputBridge.OutputSent(address(_optimismPortal), address(_replica), index);
        vm.prank(makeAddr("anybody"));
        _bridge.forwardOutput(_optimismPortal, _replica, source, index, _GAS_LIMIT);

        // On the chain above, the replica has not heard of anything yet.
        vm.revertToState(beforeTheReplicaHears);
        assertFalse(_replica.root(source, index).finalized);
        _executeDeposit();
        assertEq(abi.encode(_replica.root(source, index)), abi.encode(held));
    }

    function test_refusesWhatTheReplicaHereDoesNotHold() public {
        uint256 index = propose();
        address source = _replica.outputBridgeAlias();
        expectNotHeld(source, index);
    }

    function test_refusesWhatTheReplicaHereHoldsAsProposed() public {
        address source = makeAddr("source");
        mockRoot(source, Root(KEYSTORE_ROOT, 10, 1, 1, false, true));
        expectNotHeld(source, 0);
    }

    /// @dev An appended source counts for those that enabled it: its word is not everybody's.
    function test_refusesWhatAnAppendedSourceSaid() public {
        address source = makeAddr("source");
        mockRoot(source, Root(KEYSTORE_ROOT, 10, 1, 1, true, false));
        expectNotHeld(source, 0);
    }

    /// @dev What a contract of a stranger claims to hold goes to the same address, which on the chain above is no replica.
    function test_aFalseReplicaTalksToItselfAlone() public {
        IKeystoreReplica impostor = IKeystoreReplica(makeAddr("impostor"));
        Root memory lie = Root(KEYSTORE_ROOT, 10, 1, 1, true, true);
        vm.mockCall(address(impostor), abi.encodeCall(impostor.root, (address(this), 0)), abi.encode(lie));
        bytes memory message = abi.encodeCall(IKeystoreReplica.receiveOutput, (0, KEYSTORE_ROOT, 10, 1, 1));
        vm.expectCall(
            address(_optimismPortal),
            abi.encodeCall(
                _optimismPortal.depositTransaction, (address(impostor), 0, _GAS_LIMIT, false, message)
            )
        );
        _bridge.forwardOutput(_optimismPortal, impostor, address(this), 0, _GAS_LIMIT);
    }

    function expectNotHeld(address source, uint256 index) private {
        vm.expectRevert(
            abi.encodeWithSelector(OutputBridge.OutputNotHeld.selector, address(_replica), source, index)
        );
        _bridge.forwardOutput(_optimismPortal, _replica, source, index, _GAS_LIMIT);
    }

    function mockRoot(address source, Root memory root) private {
        vm.mockCall(address(_replica), abi.encodeCall(_replica.root, (source, 0)), abi.encode(root));
    }
}
