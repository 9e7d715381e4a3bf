// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {OracleTest} from "./OracleTest.sol";

contract OutputOracleProposeL2OutputTest is OracleTest {
    function testFuzz_StoresOneWordThatCommitsToEverything(
        bytes32 stateRoot,
        bytes32 keystoreRoot,
        bytes32 blockHash,
        uint8 submissions,
        uint8 deposits
    ) public {
        for (uint256 i = 0; i < submissions % 3; ++i) {
            submit(abi.encodePacked(bytes1(0x00), i));
        }
        for (uint256 i = 0; i < deposits % 3; ++i) {
            deposit(abi.encode(i));
        }
        nextBlock(SUBMISSION_INTERVAL * L2_BLOCK_TIME + 1);
        bytes32 outputRoot = outputRootOf(stateRoot, keystoreRoot, blockHash);

        vm.expectEmit(address(oracle));
        emit IOutputOracle.OutputProposed(outputRoot, 0, SUBMISSION_INTERVAL, block.timestamp);
        vm.prank(proposer);
        oracle.proposeL2Output(stateRoot, keystoreRoot, blockHash, SUBMISSION_INTERVAL, 0, 0);

        bytes32 inputsHash = keccak256(
            abi.encode(uint256(submissions % 3), inbox.chainHash(), uint256(deposits % 3), portal.chainHash())
        );
        bytes32 commitment = keccak256(
            abi.encode(uint256(0), outputRoot, block.timestamp, uint256(SUBMISSION_INTERVAL), inputsHash)
        );
        assertEq(oracle.commitments(0), commitment);
        assertEq(wordOf(0), commitment);
        IOutputOracle.OutputInputs memory inputs = oracle.getOutputInputs(0);
        assertEq(
            inputsHash,
            keccak256(
                abi.encode(
                    inputs.inboxCount, inputs.inboxChainHash, inputs.depositCount, inputs.depositChainHash
                )
            )
        );
    }

    function test_PinsTheInputsOfItsOwnMomentOnly() public {
        submit(hex"0001");
        uint256 index = propose();
        bytes32 word = oracle.commitments(index);
        submit(hex"0002");
        deposit("later");
        assertEq(oracle.commitments(index), word);
        assertEq(oracle.getOutputInputs(index).inboxCount, 1);
        assertEq(oracle.getOutputInputs(index).depositCount, 0);
        propose();
        assertEq(oracle.getOutputInputs(index + 1).inboxCount, 2);
        assertEq(oracle.getOutputInputs(index + 1).depositCount, 1);
        assertNotEq(oracle.commitments(index + 1), word);
    }

    function test_AnOutputCostsLittle() public {
        submit(hex"0001");
        deposit("deposit");
        propose();
        vm.snapshotGasLastCall("OutputOracle", "proposeL2Output, first");
        propose();
        vm.snapshotGasLastCall("OutputOracle", "proposeL2Output, later");
    }

    function testFuzz_RevertWhen_TheBlockNumberIsNotTheNext(uint256 l2BlockNumber) public {
        vm.assume(l2BlockNumber != SUBMISSION_INTERVAL);
        nextBlock(1 days);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOutputOracle.WrongBlockNumber.selector, l2BlockNumber, SUBMISSION_INTERVAL
            )
        );
        vm.prank(proposer);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, l2BlockNumber, 0, 0);
    }

    function test_RevertWhen_TheBlocksTimeIsNotPast() public {
        uint256 l2Timestamp = GENESIS_TIME + SUBMISSION_INTERVAL * L2_BLOCK_TIME;
        vm.warp(l2Timestamp);
        vm.expectRevert(
            abi.encodeWithSelector(IOutputOracle.BlockInFuture.selector, l2Timestamp, l2Timestamp)
        );
        vm.prank(proposer);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, 0, 0);
        vm.warp(l2Timestamp + 1);
        vm.prank(proposer);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, 0, 0);
    }

    function test_RevertWhen_TheL1BlockIsOfAnotherFork() public {
        nextBlock(1 days);
        bytes32 canonical = keccak256("canonical");
        vm.setBlockhash(block.number - 5, canonical);
        bytes32 orphaned = keccak256("orphaned");
        vm.expectRevert(
            abi.encodeWithSelector(IOutputOracle.WrongL1Block.selector, block.number - 5, orphaned, canonical)
        );
        vm.prank(proposer);
        oracle.proposeL2Output(
            STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, orphaned, block.number - 5
        );
        vm.prank(proposer);
        oracle.proposeL2Output(
            STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, canonical, block.number - 5
        );
    }

    function test_WhoNamesNoL1BlockProposesOnAnyFork() public {
        nextBlock(1 days);
        vm.setBlockhash(block.number - 5, keccak256("canonical"));
        vm.prank(proposer);
        oracle.proposeL2Output(
            STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, 0, block.number - 5
        );
        assertEq(oracle.nextOutputIndex(), 1);
    }

    function testFuzz_RevertWhen_NotTheProposer(address sender) public {
        vm.assume(sender != proposer);
        uint256 permissionlessAt = _timeOf(SUBMISSION_INTERVAL) + PERMISSIONLESS_DELAY;
        vm.warp(permissionlessAt);
        vm.expectRevert(
            abi.encodeWithSelector(IOutputOracle.NotProposer.selector, sender, proposer, permissionlessAt)
        );
        vm.prank(sender);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, 0, 0);
    }

    function testFuzz_AnybodyProposesABlockOlderThanTheDelay(address sender) public {
        vm.warp(_timeOf(SUBMISSION_INTERVAL) + PERMISSIONLESS_DELAY + 1);
        vm.startPrank(sender);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, 0, 0);
        assertEq(oracle.nextOutputIndex(), 1);
        // The next block is younger, and the proposer's.
        if (sender == proposer) return;
        vm.expectPartialRevert(IOutputOracle.NotProposer.selector);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, 2 * SUBMISSION_INTERVAL, 0, 0);
    }

    /// @dev Not one output for each silence: the rollup would outrun them, and no recovery would ever be confirmed.
    function test_WithoutAProposerOutputsLagNoMoreThanTheDelay() public {
        uint256 behind = 20;
        vm.warp(_timeOf(behind * SUBMISSION_INTERVAL) + PERMISSIONLESS_DELAY + 1);
        vm.startPrank(makeAddr("anybody"));
        for (uint256 i = 1; i <= behind; ++i) {
            oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, i * SUBMISSION_INTERVAL, 0, 0);
        }
        assertEq(oracle.latestBlockNumber(), behind * SUBMISSION_INTERVAL);
    }

    function test_AProposerWhoDawdlesKeepsNobodyOut() public {
        propose();
        propose();
        uint256 next = oracle.nextBlockNumber();
        vm.warp(_timeOf(next) + PERMISSIONLESS_DELAY + 1);
        // An output a moment ago does not make the next block any younger.
        vm.prank(proposer);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, next, 0, 0);
        vm.warp(vm.getBlockTimestamp() + SUBMISSION_INTERVAL * L2_BLOCK_TIME);
        vm.prank(makeAddr("anybody"));
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, next + SUBMISSION_INTERVAL, 0, 0);
    }

    function _timeOf(uint256 l2BlockNumber) private pure returns (uint256) {
        return GENESIS_TIME + l2BlockNumber * L2_BLOCK_TIME;
    }

    function test_TheNextProposerProposesOnceInOffice() public {
        address next = makeAddr("next proposer");
        vm.prank(owner);
        systemConfig.announceProposer(next);
        nextBlock(1 days);
        vm.expectRevert();
        vm.prank(next);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, 0, 0);
        nextBlock(1 days);
        vm.prank(next);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, SUBMISSION_INTERVAL, 0, 0);
        vm.expectRevert();
        vm.prank(proposer);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, 2 * SUBMISSION_INTERVAL, 0, 0);
    }
}
