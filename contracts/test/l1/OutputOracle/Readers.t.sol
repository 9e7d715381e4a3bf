// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OutputOracle} from "keyroll/l1/OutputOracle.sol";
import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {OracleTest} from "./OracleTest.sol";

contract OutputOracleReadersTest is OracleTest {
    function test_ReadsLikeTheOpStackBeforeTheFirstOutput() public {
        assertEq(oracle.nextOutputIndex(), 0);
        assertEq(oracle.latestBlockNumber(), 0);
        assertEq(oracle.nextBlockNumber(), SUBMISSION_INTERVAL);
        assertEq(oracle.startingBlockNumber(), 0);
        assertEq(oracle.startingTimestamp(), GENESIS_TIME);
        assertEq(oracle.submissionInterval(), SUBMISSION_INTERVAL);
        assertEq(oracle.SUBMISSION_INTERVAL(), SUBMISSION_INTERVAL);
        assertEq(oracle.l2BlockTime(), L2_BLOCK_TIME);
        assertEq(oracle.L2_BLOCK_TIME(), L2_BLOCK_TIME);
        assertEq(oracle.finalizationPeriodSeconds(), CHALLENGE_PERIOD);
        assertEq(oracle.FINALIZATION_PERIOD_SECONDS(), CHALLENGE_PERIOD);
        assertEq(oracle.proposer(), proposer);
        assertEq(oracle.PROPOSER(), proposer);
        assertEq(oracle.challenger(), challenger);
        assertEq(oracle.CHALLENGER(), challenger);
        assertEq(oracle.version(), "1.8.0");
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.NoSuchOutput.selector, 0, 0));
        oracle.latestOutputIndex();
        vm.expectRevert("L2OutputOracle: cannot get output as no outputs have been proposed yet");
        oracle.getL2OutputIndexAfter(0);
        vm.expectRevert("L2OutputOracle: cannot get output for a block that has not been proposed");
        oracle.getL2OutputIndexAfter(1);
    }

    function testFuzz_FindsTheFirstOutputAtOrAfterABlock(uint256 count, uint256 l2BlockNumber) public {
        count = bound(count, 1, 12);
        for (uint256 i = 0; i < count; ++i) {
            propose();
        }
        assertEq(oracle.latestOutputIndex(), count - 1);
        assertEq(oracle.latestBlockNumber(), count * SUBMISSION_INTERVAL);
        l2BlockNumber = bound(l2BlockNumber, 0, count * SUBMISSION_INTERVAL);
        uint256 expected =
            l2BlockNumber == 0 ? 0 : (l2BlockNumber + SUBMISSION_INTERVAL - 1) / SUBMISSION_INTERVAL - 1;
        assertEq(oracle.getL2OutputIndexAfter(l2BlockNumber), expected);
        IOutputOracle.OutputProposal memory output = oracle.getL2OutputAfter(l2BlockNumber);
        assertEq(output.l2BlockNumber, (expected + 1) * SUBMISSION_INTERVAL);
        assertEq(output.outputRoot, outputRootOf(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH));
        assertEq(output.timestamp, oracle.getL2Output(expected).timestamp);
    }

    function testFuzz_ComputesTheTimeOfABlock(uint64 l2BlockNumber) public view {
        assertEq(
            oracle.computeL2Timestamp(l2BlockNumber), GENESIS_TIME + uint256(l2BlockNumber) * L2_BLOCK_TIME
        );
    }

    function test_ABlockBeforeTheFirstHasNoTime() public {
        OutputOracle.Parameters memory p = oracleParameters();
        p.startingBlockNumber = 5;
        oracle = new OutputOracle(p);
        assertEq(oracle.computeL2Timestamp(6), GENESIS_TIME + L2_BLOCK_TIME);
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.BlockBeforeStart.selector, 4, 5));
        oracle.computeL2Timestamp(4);
    }
}
