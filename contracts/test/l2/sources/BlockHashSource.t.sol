// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {IL1BlockHashSource} from "../../../src/l2/interfaces/IL1BlockHashSource.sol";
import {BlockHashSource} from "../../../src/l2/sources/BlockHashSource.sol";
import {FalseAnswers} from "../../kit/FalseAnswers.sol";

contract BlockHashSourceTest is Test {
    /// @dev The contract of EIP-2935, and who calls it at the start of every block.
    bytes internal constant HISTORY_STORAGE_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";
    bytes32 internal constant HISTORY_STORAGE_CODE_HASH =
        0x6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d;
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    uint256 internal constant HISTORY = 8191;
    uint256 internal constant L1 = 1;

    BlockHashSource internal _source;

    function setUp() public {
        vm.chainId(L1);
        vm.roll(20_000_000);
        _source = new BlockHashSource(L1);
        vm.etch(_source.HISTORY_STORAGE(), HISTORY_STORAGE_CODE);
        assertEq(_source.HISTORY_STORAGE().codehash, HISTORY_STORAGE_CODE_HASH);
    }

    function testFuzz_vouchesForTheLast256Blocks(bytes32 blockHash, uint256 age) public {
        vm.assume(blockHash != 0);
        uint256 number = block.number - bound(age, 1, 256);
        vm.setBlockhash(number, blockHash);
        assertTrue(_source.isL1BlockHash(blockHash, abi.encode(number)));
    }

    function test_vouchesForTheLast8191BlocksByTheHistoryContract() public {
        _append("oldest");
        uint256 number = block.number - 1;
        _mineTo(number + HISTORY);
        assertTrue(_source.isL1BlockHash("oldest", abi.encode(number)));
        _mineTo(number + HISTORY + 1);
        assertFalse(_source.isL1BlockHash("oldest", abi.encode(number)));
    }

    function test_vouchesByCheckpointsForEver() public {
        vm.setBlockhash(block.number - 1, "hash");
        vm.expectEmit(true, false, false, true, address(_source));
        emit IL1BlockHashSource.Checkpointed("hash");
        assertEq(_source.checkpoint(), "hash");
        uint256 number = block.number - 1;
        _mineTo(block.number + 10_000);
        assertTrue(_source.isCheckpoint("hash"));
        assertTrue(_source.isL1BlockHash("hash", abi.encode(number)));
    }

    function testFuzz_vouchesForNoOtherHash(bytes32 blockHash, bytes32 other) public {
        vm.assume(blockHash != other);
        uint256 number = block.number - 1;
        vm.setBlockhash(number, blockHash);
        _source.checkpoint();
        assertFalse(_source.isL1BlockHash(other, abi.encode(number)));
    }

    function test_doesNotVouchForAHashByAnotherNumber() public {
        vm.setBlockhash(block.number - 1, "hash");
        assertFalse(_source.isL1BlockHash("hash", abi.encode(block.number - 2)));
        assertFalse(_source.isL1BlockHash("hash", abi.encode(block.number)));
        assertFalse(_source.isL1BlockHash("hash", abi.encode(type(uint256).max)));
    }

    function test_neverVouchesForZero() public view {
        assertFalse(_source.isL1BlockHash(0, abi.encode(block.number)));
        assertFalse(_source.isL1BlockHash(0, abi.encode(block.number - 100_000)));
    }

    /// @dev The same code stands at the same address on chains whose blocks are not L1's.
    function test_vouchesForNothingOnAnotherChain() public {
        vm.setBlockhash(block.number - 1, "hash");
        _source.checkpoint();
        vm.chainId(10);
        assertFalse(_source.isL1BlockHash("hash", abi.encode(block.number - 1)));
        vm.expectRevert(abi.encodeWithSelector(BlockHashSource.NotL1.selector, 10, L1));
        _source.checkpoint();
    }

    function test_vouchesForRecentBlocksWhereTheHistoryContractIsMissing() public {
        vm.etch(_source.HISTORY_STORAGE(), "");
        vm.setBlockhash(block.number - 1, "hash");
        assertTrue(_source.isL1BlockHash("hash", abi.encode(block.number - 1)));
        assertFalse(_source.isL1BlockHash("hash", abi.encode(block.number - 300)));
    }

    function test_vouchesForNothingOldWhereSomethingElseStandsAtTheHistoryContract() public {
        bytes[3] memory codes = FalseAnswers.withWord("hash");
        for (uint256 i = 0; i < codes.length; ++i) {
            vm.etch(_source.HISTORY_STORAGE(), codes[i]);
            assertFalse(_source.isL1BlockHash("hash", abi.encode(block.number - 300)));
        }
    }

    function test_refusesAProofThatIsNotOneWord() public {
        vm.expectRevert(abi.encodeWithSelector(BlockHashSource.MalformedProof.selector, 0));
        _source.isL1BlockHash("hash", "");
        vm.expectRevert(abi.encodeWithSelector(BlockHashSource.MalformedProof.selector, 33));
        _source.isL1BlockHash("hash", new bytes(33));
    }

    /// forge-config: default.isolate = true
    function test_gas() public {
        vm.setBlockhash(block.number - 1, "hash");
        _source.isL1BlockHash("hash", abi.encode(block.number - 1));
        vm.snapshotGasLastCall("BlockHashSource", "isL1BlockHash, BLOCKHASH");
        _source.checkpoint();
        vm.snapshotGasLastCall("BlockHashSource", "checkpoint");
        _append("old");
        uint256 number = block.number - 1;
        vm.roll(block.number + 1_000);
        _source.isL1BlockHash("old", abi.encode(number));
        vm.snapshotGasLastCall("BlockHashSource", "isL1BlockHash, EIP-2935");
    }

    /// @dev Mines a block whose parent has this hash, as the protocol does: the history contract learns it.
    function _append(bytes32 parentHash) internal {
        vm.roll(block.number + 1);
        address history = _source.HISTORY_STORAGE();
        vm.prank(SYSTEM);
        (bool success,) = history.call(abi.encode(parentHash));
        assertTrue(success);
    }

    /// @dev Mines blocks, of which only the last few matter: those that overwrite the oldest entry of the history.
    function _mineTo(uint256 number) internal {
        vm.roll(number - 1);
        _append(keccak256(abi.encode(number)));
    }
}
