// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBatchInbox} from "keyroll/l1/interfaces/IBatchInbox.sol";
import {L1Test} from "../L1Test.sol";

contract BatchInboxReadersTest is L1Test {
    function test_StartsEmpty() public view {
        assertEq(inbox.submissionCount(), 0);
        assertEq(inbox.chainHash(), bytes32(0));
        assertEq(address(inbox.systemConfig()), address(systemConfig));
    }

    function test_ChainHashAt_RevertWhen_ItIsTheNext() public {
        submit(hex"00");
        vm.expectRevert(abi.encodeWithSelector(IBatchInbox.NoSuchSubmission.selector, 1, 1));
        inbox.chainHashAt(1);
    }

    function testFuzz_ChainHashAt_RevertWhen_ThereIsNone(uint256 index) public {
        submit(hex"00");
        index = bound(index, 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IBatchInbox.NoSuchSubmission.selector, index, 1));
        inbox.chainHashAt(index);
    }
}
