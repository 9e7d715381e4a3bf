// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {SafeCall, SafeRelease, TestSafe} from "../../kit/TestSafe.sol";
import {SafeTest} from "./SafeTest.sol";

/// @notice Safe 1.3.0, as old as the oldest that OP Stack chains know. 1.4.1 asks its owners in the same way.
contract OldSafeTest is SafeTest {
    function deploy() internal override returns (SafeRelease memory) {
        return TestSafe.deployOld();
    }

    /// @dev By `isValidSignature(bytes,bytes)`, which was a draft of ERC-1271.
    function test_asks_the_wallet_for_signatures_in_a_form_that_it_does_not_answer() public {
        SafeCall memory call = payment();
        bytes memory data = abi.encodePacked(hex"1901", safe.domainSeparator(), call.structHash());
        bytes memory signature = "whatever it is";
        vm.expectCall(account, abi.encodeWithSignature("isValidSignature(bytes,bytes)", data, signature));
        vm.expectRevert();
        call.execute(
            safe, abi.encodePacked(TestSafe.contractSignature(account, 65), signature.length, signature)
        );
    }
}
