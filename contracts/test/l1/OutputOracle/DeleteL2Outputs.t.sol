// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {OracleTest} from "./OracleTest.sol";

contract OutputOracleDeleteL2OutputsTest is OracleTest {
    function testFuzz_ZeroesEveryWordFromTheNewLengthOn(uint256 count, uint256 newLength) public {
        count = bound(count, 1, 20);
        newLength = bound(newLength, 0, count - 1);
        bytes32[] memory words = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            words[i] = oracle.commitments(propose());
        }
        vm.expectEmit(address(oracle));
        emit IOutputOracle.OutputsDeleted(count, newLength);
        vm.prank(challenger);
        oracle.deleteL2Outputs(newLength);
        assertEq(oracle.nextOutputIndex(), newLength);
        for (uint256 i = 0; i < count; ++i) {
            assertEq(wordOf(i), i < newLength ? words[i] : bytes32(0));
        }
    }

    function test_ADeletedWordStaysZeroWhenNothingIsProposed() public {
        uint256 index = propose();
        assertNotEq(wordOf(index), bytes32(0));
        vm.prank(challenger);
        oracle.deleteL2Outputs(index);
        assertEq(wordOf(index), bytes32(0));
        vm.warp(block.timestamp + 365 days);
        vm.roll(block.number + 1_000_000);
        assertEq(wordOf(index), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.NoSuchOutput.selector, index, 0));
        oracle.getL2Output(index);
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.NoSuchOutput.selector, index, 0));
        oracle.getOutputInputs(index);
    }

    function test_AnIndexIsUsedAgainWithAnotherWord() public {
        bytes32 wrong = oracle.commitments(propose());
        vm.prank(challenger);
        oracle.deleteL2Outputs(0);
        uint256 index = propose();
        assertEq(index, 0);
        assertEq(oracle.getL2Output(0).l2BlockNumber, SUBMISSION_INTERVAL);
        assertNotEq(oracle.commitments(0), wrong);
        assertNotEq(oracle.commitments(0), bytes32(0));
    }

    function test_TheBoundedChunkFitsATransaction() public {
        for (uint256 i = 0; i < 257; ++i) {
            propose();
        }
        vm.startPrank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.TooManyDeletions.selector, 257, 256));
        oracle.deleteL2Outputs(0);
        uint256 before = gasleft();
        oracle.deleteL2Outputs(1);
        // EIP-7825 caps a transaction at 2^24 gas.
        assertLt(before - gasleft(), 16_000_000);
        oracle.deleteL2Outputs(0);
        assertEq(oracle.nextOutputIndex(), 0);
    }

    function test_RevertWhen_TheOldestToDeleteIsFinalized() public {
        propose();
        uint256 finalizedAt = vm.getBlockTimestamp() + CHALLENGE_PERIOD;
        propose();
        vm.warp(finalizedAt);
        vm.startPrank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.OutputFinalized.selector, 0, finalizedAt));
        oracle.deleteL2Outputs(0);
        oracle.deleteL2Outputs(1);
        assertEq(oracle.nextOutputIndex(), 1);
    }

    function test_DeletesUntilTheLastSecondOfTheChallengePeriod() public {
        propose();
        vm.warp(vm.getBlockTimestamp() + CHALLENGE_PERIOD - 1);
        vm.prank(challenger);
        oracle.deleteL2Outputs(0);
        assertEq(oracle.nextOutputIndex(), 0);
    }

    function testFuzz_RevertWhen_NotTheChallenger(address sender) public {
        vm.assume(sender != challenger);
        propose();
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.NotChallenger.selector, sender, challenger));
        vm.prank(sender);
        oracle.deleteL2Outputs(0);
    }

    function test_RevertWhen_NothingIsThereYet() public {
        propose();
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.NothingToDelete.selector, 1, 1));
        vm.prank(challenger);
        oracle.deleteL2Outputs(1);
    }

    function testFuzz_RevertWhen_NothingIsThere(uint256 newLength) public {
        propose();
        newLength = bound(newLength, 1, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.NothingToDelete.selector, newLength, 1));
        vm.prank(challenger);
        oracle.deleteL2Outputs(newLength);
    }
}
