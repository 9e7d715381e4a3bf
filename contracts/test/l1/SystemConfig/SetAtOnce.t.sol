// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ISystemConfig} from "keyroll/l1/interfaces/ISystemConfig.sol";
import {L1Test} from "../L1Test.sol";

contract SystemConfigSetAtOnceTest is L1Test {
    function testFuzz_BatcherCountsAtOnce(address next) public {
        vm.assume(next != address(0));
        vm.expectEmit(address(systemConfig));
        emit ISystemConfig.ConfigUpdate(0, 0, abi.encode(next));
        vm.prank(owner);
        systemConfig.setBatcher(next);
        assertEq(systemConfig.batcher(), next);
    }

    function test_TheBatchersUpdateIsThatOfTheOPStack() public {
        string memory json = vm.readFile("test/vectors/config_updates.json");
        vm.recordLogs();
        vm.prank(owner);
        systemConfig.setBatcher(vm.parseJsonAddress(json, ".cases[0].expected.batcherAddress"));
        Vm.Log memory log = vm.getRecordedLogs()[0];
        assertEq(log.topics.length, 3);
        assertEq(log.topics[0], vm.parseJsonBytes32(json, ".topic0"));
        assertEq(log.topics[1], vm.parseJsonBytes32(json, ".topic1_version0"));
        assertEq(log.topics[2], vm.parseJsonBytes32(json, ".cases[0].topic2"));
        assertEq(log.data, vm.parseJsonBytes(json, ".cases[0].data"));
    }

    function testFuzz_PromiseSignerCountsAtOnce(address next) public {
        vm.assume(next != address(0));
        vm.expectEmit(address(systemConfig));
        emit ISystemConfig.ConfigUpdate(0, 0x80, abi.encode(next));
        vm.prank(owner);
        systemConfig.setPromiseSigner(next);
        assertEq(systemConfig.promiseSigner(), next);
    }

    function testFuzz_RevertWhen_NotOwner(address caller) public {
        vm.assume(caller != owner);
        bytes memory refusal = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(refusal);
        systemConfig.setBatcher(caller);
        vm.expectRevert(refusal);
        systemConfig.setPromiseSigner(caller);
        vm.expectRevert(refusal);
        systemConfig.announceProposer(caller);
        vm.expectRevert(refusal);
        systemConfig.announceChallenger(caller);
    }

    function test_RevertWhen_Zero() public {
        vm.startPrank(owner);
        vm.expectRevert(ISystemConfig.ZeroAddress.selector);
        systemConfig.setBatcher(address(0));
        vm.expectRevert(ISystemConfig.ZeroAddress.selector);
        systemConfig.setPromiseSigner(address(0));
    }

    function test_OwnershipMovesInTwoSteps() public {
        address next = makeAddr("next owner");
        vm.prank(owner);
        systemConfig.transferOwnership(next);
        assertEq(systemConfig.owner(), owner);
        vm.prank(next);
        systemConfig.acceptOwnership();
        assertEq(systemConfig.owner(), next);
    }

    function test_ARenouncedConfigNeverChanges() public {
        vm.prank(owner);
        systemConfig.renounceOwnership();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, owner));
        vm.prank(owner);
        systemConfig.setBatcher(owner);
    }
}
