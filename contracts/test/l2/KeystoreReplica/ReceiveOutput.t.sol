// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica, Root} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract ReceiveOutputTest is ReplicaTest {
    address private _alias = address(uint160(bridge) + uint160(0x1111000000000000000000000000000000001111));

    function test_bridge_is_a_built_in_source() public {
        assertEq(replica.outputBridgeAlias(), _alias);
        assertTrue(replica.isBuiltIn(_alias));
        vm.prank(admin);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.SourceAlreadyKnown.selector, _alias));
        replica.appendSource(_alias);
    }

    function test_output_by_the_bridge_is_final_at_once() public {
        vm.prank(_alias);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.RootUpdated(_alias, 3, "keystore root", 400, GENESIS, 1000, true);
        replica.receiveOutput(3, "keystore root", 400, GENESIS, 1000);
        requireRoot(3, Root("keystore root", 400, GENESIS, 1000, true, true));
    }

    function test_bridge_itself_is_heard_where_it_stands() public {
        vm.prank(bridge);
        replica.receiveOutput(3, "keystore root", 400, GENESIS, 1000);
        requireRoot(3, Root("keystore root", 400, GENESIS, 1000, true, true));
    }

    function test_output_that_is_known_stays_as_it_is() public {
        vm.startPrank(_alias);
        replica.receiveOutput(3, "keystore root", 400, GENESIS, 1000);
        vm.recordLogs();
        replica.receiveOutput(3, "another", 500, GENESIS + 1, 1001);
        assertEq(vm.getRecordedLogs().length, 0);
        requireRoot(3, Root("keystore root", 400, GENESIS, 1000, true, true));
    }

    function test_fuzz_nobody_else_is_heard(address sender) public {
        vm.assume(sender != _alias && sender != bridge);
        vm.prank(sender);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.NotOutputBridge.selector, sender));
        replica.receiveOutput(3, "keystore root", 400, GENESIS, 1000);
    }

    function requireRoot(uint256 index, Root memory expected) private view {
        assertEq(abi.encode(replica.root(_alias, index)), abi.encode(expected));
    }
}
