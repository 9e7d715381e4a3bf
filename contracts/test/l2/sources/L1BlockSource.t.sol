// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {IL1BlockHashSource} from "../../../src/l2/interfaces/IL1BlockHashSource.sol";
import {L1BlockSource} from "../../../src/l2/sources/L1BlockSource.sol";
import {FalseAnswers} from "../../kit/FalseAnswers.sol";

contract L1BlockSourceTest is Test {
    /// @dev Sends the L1 attributes transaction of every OP Stack block.
    address internal constant DEPOSITOR = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
    string internal constant L1_BLOCK_ARTIFACT =
        "node_modules/@eth-optimism/contracts-bedrock/forge-artifacts/L1Block.sol/L1Block.json";

    L1BlockSource internal _source;

    function setUp() public {
        _source = new L1BlockSource();
        vm.etch(
            _source.L1_BLOCK(), vm.parseJsonBytes(vm.readFile(L1_BLOCK_ARTIFACT), ".deployedBytecode.object")
        );
    }

    function testFuzz_vouchesForTheHashThatThePredeployHolds(bytes32 blockHash) public {
        vm.assume(blockHash != 0);
        _setL1Block(blockHash);
        assertTrue(_source.isL1BlockHash(blockHash, ""));
    }

    function testFuzz_vouchesForNoOtherHash(bytes32 blockHash, bytes32 other) public {
        vm.assume(blockHash != 0 && blockHash != other);
        _setL1Block(blockHash);
        _source.checkpoint();
        assertFalse(_source.isL1BlockHash(other, ""));
    }

    function test_doesNotVouchForEarlierHashesWithoutACheckpoint() public {
        _setL1Block("first");
        _setL1Block("second");
        assertFalse(_source.isL1BlockHash("first", ""));
    }

    function test_vouchesForHashesOfEarlierCheckpointsForEver() public {
        for (uint256 i = 1; i < 10; ++i) {
            _setL1Block(bytes32(i));
            vm.expectEmit(true, false, false, true, address(_source));
            emit IL1BlockHashSource.Checkpointed(bytes32(i));
            assertEq(_source.checkpoint(), bytes32(i));
        }
        for (uint256 i = 1; i < 10; ++i) {
            assertTrue(_source.isCheckpoint(bytes32(i)));
            assertTrue(_source.isL1BlockHash(bytes32(i), ""));
        }
    }

    function test_anybodyMayCheckpointTheSameHashAgain() public {
        _setL1Block("hash");
        _source.checkpoint();
        vm.prank(makeAddr("anybody"));
        assertEq(_source.checkpoint(), "hash");
    }

    /// forge-config: default.isolate = true
    function test_gas() public {
        _setL1Block("hash");
        _source.isL1BlockHash("hash", "");
        vm.snapshotGasLastCall("L1BlockSource", "isL1BlockHash, current");
        _source.checkpoint();
        vm.snapshotGasLastCall("L1BlockSource", "checkpoint");
        _source.isL1BlockHash("hash", "");
        vm.snapshotGasLastCall("L1BlockSource", "isL1BlockHash, checkpointed");
    }

    function test_neverVouchesForZero() public {
        assertFalse(_source.isL1BlockHash(0, ""));
        vm.expectRevert(L1BlockSource.NoL1BlockHash.selector);
        _source.checkpoint();
    }

    function test_vouchesForNothingWhereThePredeployIsMissing() public {
        vm.etch(_source.L1_BLOCK(), "");
        assertFalse(_source.isL1BlockHash("hash", ""));
        assertFalse(_source.isL1BlockHash(0, ""));
        vm.expectRevert(L1BlockSource.NoL1BlockHash.selector);
        _source.checkpoint();
    }

    function test_vouchesForNothingWhereSomethingElseStandsAtItsAddress() public {
        bytes[3] memory codes = FalseAnswers.withWord("hash");
        for (uint256 i = 0; i < codes.length; ++i) {
            vm.etch(_source.L1_BLOCK(), codes[i]);
            assertFalse(_source.isL1BlockHash("hash", ""));
            vm.expectRevert(L1BlockSource.NoL1BlockHash.selector);
            _source.checkpoint();
        }
    }

    function test_refusesAProof() public {
        _setL1Block("hash");
        vm.expectRevert(abi.encodeWithSelector(L1BlockSource.UnexpectedProof.selector, 1));
        _source.isL1BlockHash("hash", hex"00");
    }

    /// @dev The call data of the L1 attributes transaction since Ecotone, packed.
    function _setL1Block(bytes32 blockHash) internal {
        bytes memory numbers = abi.encodePacked(
            uint32(1),
            uint32(2),
            uint64(3),
            uint64(block.timestamp),
            uint64(block.number),
            uint256(5),
            uint256(6)
        );
        address l1Block = _source.L1_BLOCK();
        bytes4 selector = bytes4(keccak256("setL1BlockValuesEcotone()"));
        vm.prank(DEPOSITOR);
        (bool success,) = l1Block.call(abi.encodePacked(selector, numbers, blockHash, bytes32("batcher")));
        assertTrue(success);
    }
}
