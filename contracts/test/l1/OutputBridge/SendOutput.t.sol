// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {OutputBridge} from "keyroll/l1/OutputBridge.sol";
import {IKeystoreReplica, Root} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {BridgeTest} from "./BridgeTest.sol";

contract SendOutputTest is BridgeTest {
    function test_finalOutputReachesTheReplicaByTheChainsOwnBridge() public {
        propose();
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD);
        vm.recordLogs();
        vm.expectEmit(address(_bridge));
        emit OutputBridge.OutputSent(address(_optimismPortal), address(_replica), index);
        vm.prank(makeAddr("anybody"));
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);

        _executeDeposit();
        Root memory root = _replica.root(_replica.outputBridgeAlias(), index);
        assertEq(root.keystoreRoot, KEYSTORE_ROOT);
        assertEq(root.l2BlockNumber, out.l2BlockNumber);
        assertEq(root.l1Timestamp, out.l1Timestamp);
        assertEq(root.l1BlockNumber, vm.getBlockNumber());
        assertTrue(root.finalized);
        assertTrue(root.builtIn);
        assertTrue(_replica.isBuiltIn(_replica.outputBridgeAlias()));
    }

    function test_refusesAnOutputUntilNobodyCanDeleteIt() public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD - 1);
        uint256 finalAt = out.l1Timestamp + CHALLENGE_PERIOD;
        vm.expectRevert(abi.encodeWithSelector(OutputBridge.OutputNotFinal.selector, index, finalAt));
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
        nextBlock(1);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.OutputFinalized.selector, index, finalAt));
        oracle.deleteL2Outputs(index);
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
    }

    function test_refusesADeletedOutput() public {
        uint256 index = propose();
        Output memory out = _output(index);
        vm.prank(challenger);
        oracle.deleteL2Outputs(index);
        nextBlock(CHALLENGE_PERIOD);
        vm.expectRevert(
            abi.encodeWithSelector(OutputBridge.OutputMismatch.selector, _commitmentOf(out), bytes32(0))
        );
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
    }

    function testFuzz_refusesAnyOtherOutputThanTheOraclesOwn(uint256 field, bytes32 value) public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD);
        bytes memory encoded = abi.encode(out);
        field = bound(field, 0, 6);
        assembly ("memory-safe") {
            mstore(add(add(encoded, 0x20), mul(field, 0x20)), value)
        }
        Output memory other = abi.decode(encoded, (Output));
        vm.assume(keccak256(encoded) != keccak256(abi.encode(out)));
        vm.expectPartialRevert(OutputBridge.OutputMismatch.selector);
        _bridge.sendOutput(_optimismPortal, address(_replica), other, _GAS_LIMIT);
    }

    function test_theSameOutputMayBeSentAgain() public {
        uint256 index = propose();
        nextBlock(CHALLENGE_PERIOD);
        for (uint256 i = 0; i < 2; ++i) {
            vm.recordLogs();
            _bridge.sendOutput(_optimismPortal, address(_replica), _output(index), _GAS_LIMIT);
            _executeDeposit();
            nextBlock(12);
        }
        assertEq(_replica.root(_replica.outputBridgeAlias(), index).l1BlockNumber, vm.getBlockNumber() - 2);
    }

    function test_replicaHearsTheBridgeAndItsAliasOnly() public {
        address[2] memory others = [address(this), address(_optimismPortal)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.NotOutputBridge.selector, others[i]));
            _replica.receiveOutput(0, KEYSTORE_ROOT, 1, 1, 1);
        }
    }

    /// @dev Nothing can stand at the alias, which nobody can derive: no source can vouch in the bridge's name.
    function test_aliasIsTheOneOfOpStackChains() public view {
        unchecked {
            uint160 offset = uint160(0x1111000000000000000000000000000000001111);
            assertEq(_replica.outputBridgeAlias(), address(uint160(address(_bridge)) + offset));
        }
    }

    /// forge-config: default.isolate = true
    function test_gas() public {
        uint256 index = propose();
        nextBlock(CHALLENGE_PERIOD);
        Output memory out = _output(index);
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
        vm.snapshotGasLastCall("OutputBridge", "sendOutput");
        vm.prank(_replica.outputBridgeAlias());
        _replica.receiveOutput(index, KEYSTORE_ROOT, 10, GENESIS_TIME, 1000);
        vm.snapshotGasLastCall("OutputBridge", "receiveOutput");
    }

    function _commitmentOf(Output memory out) private pure returns (bytes32) {
        bytes32 root = outputRootOf(out.stateRoot, out.keystoreRoot, out.blockHash);
        return keccak256(abi.encode(out.index, root, out.l1Timestamp, out.l2BlockNumber, out.inputsHash));
    }
}
