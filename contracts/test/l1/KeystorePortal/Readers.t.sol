// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystorePortal} from "keyroll/l1/interfaces/IKeystorePortal.sol";
import {L1Test} from "../L1Test.sol";

contract KeystorePortalReadersTest is L1Test {
    function test_StartsEmpty() public view {
        assertEq(portal.depositCount(), 0);
        assertEq(portal.chainHash(), bytes32(0));
        assertEq(portal.entryCount(), 0);
        assertEq(address(portal.systemConfig()), address(systemConfig));
    }

    function test_ReadsLikeASecondGenerationPortal() public view {
        assertEq(portal.version(), "2.0.0");
    }

    function test_EntryAt_RevertWhen_ItIsTheNext() public {
        deposit("");
        vm.expectRevert(abi.encodeWithSelector(IKeystorePortal.NoSuchEntry.selector, 1, 1));
        portal.entryAt(1);
    }

    function testFuzz_EntryAt_RevertWhen_ThereIsNone(uint256 index) public {
        deposit("");
        index = bound(index, 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IKeystorePortal.NoSuchEntry.selector, index, 1));
        portal.entryAt(index);
    }
}
