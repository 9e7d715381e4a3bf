// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISystemConfig} from "keyroll/l1/interfaces/ISystemConfig.sol";
import {L1Test} from "../L1Test.sol";

contract SystemConfigAnnounceTest is L1Test {
    address private next = makeAddr("next");
    address private later = makeAddr("later");

    function test_TheAnnouncedProposerTakesOfficeAfterTheDelayOnly() public {
        uint64 takesOfficeAt = uint64(block.timestamp) + ROTATION_DELAY;
        vm.expectEmit(address(systemConfig));
        emit ISystemConfig.ConfigUpdate(0, 0x81, abi.encode(next, takesOfficeAt));
        vm.prank(owner);
        systemConfig.announceProposer(next);
        (address announced, uint64 at) = systemConfig.nextProposer();
        assertEq(announced, next);
        assertEq(at, takesOfficeAt);

        vm.warp(takesOfficeAt - 1);
        assertEq(systemConfig.proposer(), proposer);
        vm.warp(takesOfficeAt);
        assertEq(systemConfig.proposer(), next);
        assertEq(systemConfig.challenger(), challenger);
    }

    function test_TheAnnouncedChallengerTakesOfficeAfterTheDelayOnly() public {
        uint64 takesOfficeAt = uint64(block.timestamp) + ROTATION_DELAY;
        vm.expectEmit(address(systemConfig));
        emit ISystemConfig.ConfigUpdate(0, 0x82, abi.encode(next, takesOfficeAt));
        vm.prank(owner);
        systemConfig.announceChallenger(next);
        (address announced, uint64 at) = systemConfig.nextChallenger();
        assertEq(announced, next);
        assertEq(at, takesOfficeAt);

        vm.warp(takesOfficeAt - 1);
        assertEq(systemConfig.challenger(), challenger);
        vm.warp(takesOfficeAt);
        assertEq(systemConfig.challenger(), next);
        assertEq(systemConfig.proposer(), proposer);
    }

    function test_ASecondAnnouncementReplacesTheFirstAndWaitsAnew() public {
        vm.startPrank(owner);
        systemConfig.announceChallenger(next);
        vm.warp(block.timestamp + ROTATION_DELAY - 1);
        systemConfig.announceChallenger(later);
        uint256 announcedAt = vm.getBlockTimestamp();
        vm.warp(announcedAt + 1);
        assertEq(systemConfig.challenger(), challenger);
        vm.warp(announcedAt + ROTATION_DELAY);
        assertEq(systemConfig.challenger(), later);
    }

    function test_ThePartyInOfficeStaysUntilItsSuccessorsTime() public {
        vm.startPrank(owner);
        systemConfig.announceProposer(next);
        vm.warp(block.timestamp + ROTATION_DELAY);
        systemConfig.announceProposer(later);
        assertEq(systemConfig.proposer(), next);
        vm.warp(vm.getBlockTimestamp() + ROTATION_DELAY);
        assertEq(systemConfig.proposer(), later);
    }

    function test_AnnouncingThePresentPartyCancels() public {
        vm.startPrank(owner);
        systemConfig.announceProposer(next);
        systemConfig.announceProposer(proposer);
        vm.warp(block.timestamp + 10 * ROTATION_DELAY);
        assertEq(systemConfig.proposer(), proposer);
    }

    function testFuzz_NobodyTakesOfficeSoonerThanTheDelay(uint64[5] memory waits) public {
        address holder = proposer;
        address announced = proposer;
        uint256 takesOfficeAt = 0;
        for (uint256 i = 0; i < waits.length; ++i) {
            if (vm.getBlockTimestamp() >= takesOfficeAt) holder = announced;
            announced = address(uint160(i + 1));
            vm.prank(owner);
            systemConfig.announceProposer(announced);
            takesOfficeAt = vm.getBlockTimestamp() + ROTATION_DELAY;
            vm.warp(vm.getBlockTimestamp() + bound(waits[i], 0, 2 * ROTATION_DELAY));
            assertEq(systemConfig.proposer(), vm.getBlockTimestamp() >= takesOfficeAt ? announced : holder);
        }
    }

    function test_RevertWhen_Zero() public {
        vm.startPrank(owner);
        vm.expectRevert(ISystemConfig.ZeroAddress.selector);
        systemConfig.announceProposer(address(0));
        vm.expectRevert(ISystemConfig.ZeroAddress.selector);
        systemConfig.announceChallenger(address(0));
    }
}
