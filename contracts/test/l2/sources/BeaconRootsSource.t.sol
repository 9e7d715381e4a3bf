// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {IL1BlockHashSource} from "../../../src/l2/interfaces/IL1BlockHashSource.sol";
import {BeaconRootsSource, BlockHashIndex} from "../../../src/l2/sources/BeaconRootsSource.sol";
import {Ssz} from "../../../src/libraries/Ssz.sol";
import {FalseAnswers} from "../../kit/FalseAnswers.sol";

contract BeaconRootsSourceTest is Test {
    /// @dev The contract of EIP-4788, and who calls it at the start of every block.
    bytes internal constant BEACON_ROOTS_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500";
    bytes32 internal constant BEACON_ROOTS_CODE_HASH =
        0xf57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c;
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    uint256 internal constant HISTORY = 8191;

    /// @dev The vectors' Deneb, Electra and Fulu slots have the payload's block hash here, Gloas' the bid's parent.
    uint64 internal constant PAYLOAD_INDEX = 6444;
    uint64 internal constant BID_INDEX = 25_384;
    uint64 internal constant GLOAS_SLOT = 17_000_000;
    string internal constant VECTORS = "test/vectors/keyroll/ssz_proofs.json";

    struct Vector {
        bytes32 beaconRoot;
        bytes32 blockHash;
        uint64 index;
        uint64 slot;
        bytes32[] slotProof;
        bytes32[] blockHashProof;
    }

    BeaconRootsSource internal _source;
    Vector internal _deneb;
    Vector internal _gloas;

    function setUp() public {
        vm.warp(1_800_000_000);
        string memory json = vm.readFile(VECTORS);
        _deneb = _vector(json, 0);
        _gloas = _vector(json, 6);
        BlockHashIndex[] memory schedule = new BlockHashIndex[](2);
        schedule[0] = BlockHashIndex(8_626_176, GLOAS_SLOT, PAYLOAD_INDEX);
        schedule[1] = BlockHashIndex(GLOAS_SLOT, 18_000_000, BID_INDEX);
        _source = new BeaconRootsSource(schedule);
        vm.etch(_source.BEACON_ROOTS(), BEACON_ROOTS_CODE);
        assertEq(_source.BEACON_ROOTS().codehash, BEACON_ROOTS_CODE_HASH);
    }

    function test_vouchesForBlockHashesOfEveryForkItsScheduleHolds() public {
        string memory json = vm.readFile(VECTORS);
        uint256 count = 0;
        for (; vm.keyExistsJson(json, _at(count, "")); ++count) {
            Vector memory v = _vector(json, count);
            // The vectors' slots do not ascend: a source for each.
            BeaconRootsSource source = new BeaconRootsSource(_period(v.slot, v.slot + 1, v.index));
            _setBeaconRoot(v.beaconRoot);
            assertTrue(source.isL1BlockHash(v.blockHash, _proof(v, uint64(block.timestamp))));
            skip(12);
        }
        assertEq(count, 8);
    }

    function test_vouchesByTheContractsAnswerForATimestamp() public {
        _setBeaconRoot(_deneb.beaconRoot);
        uint64 timestamp = uint64(block.timestamp);
        skip(1200);
        _setBeaconRoot("another");
        bytes memory proof = _proof(_deneb, timestamp);
        assertTrue(_source.isL1BlockHash(_deneb.blockHash, proof));
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, timestamp + 1)));
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, uint64(block.timestamp))));
    }

    function test_doesNotVouchByRootsThatTheContractHasForgotten() public {
        _setBeaconRoot(_deneb.beaconRoot);
        uint64 timestamp = uint64(block.timestamp);
        skip(HISTORY);
        _setBeaconRoot("another");
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, timestamp)));
    }

    function test_vouchesByCheckpointsForEver() public {
        _setBeaconRoot(_deneb.beaconRoot);
        vm.expectEmit(true, false, false, true, address(_source));
        emit IL1BlockHashSource.Checkpointed(_deneb.beaconRoot);
        assertEq(_source.checkpoint(), _deneb.beaconRoot);
        skip(HISTORY);
        _setBeaconRoot("another");
        assertTrue(_source.isCheckpoint(_deneb.beaconRoot));
        assertTrue(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, 0)));
    }

    function test_doesNotVouchByRootsWithoutACheckpoint() public {
        _setBeaconRoot(_deneb.beaconRoot);
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, 0)));
    }

    function test_checkpointNeedsTheRootOfTheCurrentBlock() public {
        _setBeaconRoot(_deneb.beaconRoot);
        skip(1);
        vm.expectRevert(abi.encodeWithSelector(BeaconRootsSource.NoBeaconRoot.selector, block.timestamp));
        _source.checkpoint();
    }

    /// @dev An OP Stack chain whose L1 origin has no beacon root writes zero.
    function test_neverVouchesByARootOfZero() public {
        _setBeaconRoot(0);
        vm.expectRevert(abi.encodeWithSelector(BeaconRootsSource.NoBeaconRoot.selector, block.timestamp));
        _source.checkpoint();
        _deneb.beaconRoot = 0;
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, uint64(block.timestamp))));
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, 0)));
    }

    function test_neverVouchesForZero() public {
        _setBeaconRoot(_deneb.beaconRoot);
        assertFalse(_source.isL1BlockHash(0, _proof(_deneb, uint64(block.timestamp))));
    }

    function test_vouchesForNothingWhereTheContractIsMissing() public {
        vm.etch(_source.BEACON_ROOTS(), "");
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, uint64(block.timestamp))));
        assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, 0)));
        vm.expectRevert(abi.encodeWithSelector(BeaconRootsSource.NoBeaconRoot.selector, block.timestamp));
        _source.checkpoint();
    }

    function test_vouchesForNothingWhereSomethingElseStandsAtTheContractsAddress() public {
        bytes[3] memory codes = FalseAnswers.withWord(_deneb.beaconRoot);
        for (uint256 i = 0; i < codes.length; ++i) {
            vm.etch(_source.BEACON_ROOTS(), codes[i]);
            assertFalse(_source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, uint64(block.timestamp))));
            vm.etch(_source.BEACON_ROOTS(), FalseAnswers.withWord("root")[i]);
            vm.expectRevert(abi.encodeWithSelector(BeaconRootsSource.NoBeaconRoot.selector, block.timestamp));
            _source.checkpoint();
        }
    }

    function test_refusesBranchesToOtherBlockHashes() public {
        _checkpoint(_deneb.beaconRoot);
        bytes memory proof = _proof(_deneb, 0);
        vm.expectPartialRevert(Ssz.SszWrongRoot.selector);
        _source.isL1BlockHash(~_deneb.blockHash, proof);
    }

    function test_refusesAnotherSlotThanTheBlocks() public {
        _checkpoint(_deneb.beaconRoot);
        _deneb.slot += 1;
        bytes memory proof = _proof(_deneb, 0);
        vm.expectPartialRevert(Ssz.SszWrongRoot.selector);
        _source.isL1BlockHash(_deneb.blockHash, proof);
    }

    function test_refusesSlotsOutsideTheSchedule() public {
        uint64[3] memory slots = [_deneb.slot - 1, 18_000_000, type(uint64).max];
        for (uint256 i = 0; i < slots.length; ++i) {
            _requireNotScheduled(_source, slots[i]);
        }
        BlockHashIndex[] memory schedule = new BlockHashIndex[](2);
        schedule[0] = BlockHashIndex(10, 20, PAYLOAD_INDEX);
        schedule[1] = BlockHashIndex(30, 40, BID_INDEX);
        BeaconRootsSource gapped = new BeaconRootsSource(schedule);
        for (uint64 slot = 0; slot < 50; ++slot) {
            if (slot < 10 || (slot >= 20 && slot < 30) || slot >= 40) _requireNotScheduled(gapped, slot);
        }
    }

    function test_provesABlockHashOnlyWhereItsSlotsForkNamesIt() public {
        _checkpoint(_gloas.beaconRoot);
        bytes memory proof = _proof(_gloas, 0);
        assertTrue(_source.isL1BlockHash(_gloas.blockHash, proof));
        // The same block with a schedule that knows nothing of Gloas.
        BeaconRootsSource old = new BeaconRootsSource(_period(0, type(uint64).max, PAYLOAD_INDEX));
        old.checkpoint();
        vm.expectRevert(
            abi.encodeWithSelector(
                Ssz.SszWrongProofLength.selector, _gloas.blockHashProof.length, uint256(PAYLOAD_INDEX)
            )
        );
        old.isL1BlockHash(_gloas.blockHash, proof);
    }

    function test_refusesBytesThatAreNoProof() public {
        vm.expectRevert();
        _source.isL1BlockHash(_deneb.blockHash, "");
        bytes memory proof = _proof(_deneb, 0);
        bytes memory cut = new bytes(proof.length - 1);
        for (uint256 i = 0; i < cut.length; ++i) {
            cut[i] = proof[i];
        }
        vm.expectRevert();
        _source.isL1BlockHash(_deneb.blockHash, cut);
    }

    function test_refusesAProofWithAnyByteChanged() public {
        _checkpoint(_deneb.beaconRoot);
        bytes memory proof = _proof(_deneb, 0);
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] ^= 0x01;
            try _source.isL1BlockHash(_deneb.blockHash, proof) returns (bool vouched) {
                assertFalse(vouched);
            } catch {}
            proof[i] ^= 0x01;
        }
    }

    /// forge-config: default.isolate = true
    function test_gas() public {
        _setBeaconRoot(_deneb.beaconRoot);
        _source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, uint64(block.timestamp)));
        vm.snapshotGasLastCall("BeaconRootsSource", "isL1BlockHash, by timestamp");
        _source.checkpoint();
        vm.snapshotGasLastCall("BeaconRootsSource", "checkpoint");
        _source.isL1BlockHash(_deneb.blockHash, _proof(_deneb, 0));
        vm.snapshotGasLastCall("BeaconRootsSource", "isL1BlockHash, checkpointed");
    }

    function test_tellsItsSchedule() public view {
        BlockHashIndex[] memory schedule = _source.schedule();
        assertEq(schedule.length, 2);
        assertEq(schedule[0].fromSlot, 8_626_176);
        assertEq(schedule[0].untilSlot, GLOAS_SLOT);
        assertEq(schedule[0].index, PAYLOAD_INDEX);
        assertEq(schedule[1].fromSlot, GLOAS_SLOT);
        assertEq(schedule[1].untilSlot, 18_000_000);
        assertEq(schedule[1].index, BID_INDEX);
    }

    function test_aChildOfTheRootMayBeScheduled() public {
        BeaconRootsSource source = new BeaconRootsSource(_period(10, 20, 2));
        assertEq(source.schedule()[0].index, 2);
    }

    function test_refusesMalformedSchedules() public {
        vm.expectRevert(BeaconRootsSource.EmptySchedule.selector);
        new BeaconRootsSource(new BlockHashIndex[](0));
        _requireInvalidPeriod(_period(20, 20, PAYLOAD_INDEX), 0);
        _requireInvalidPeriod(_period(20, 10, PAYLOAD_INDEX), 0);
        _requireInvalidPeriod(_period(10, 20, 0), 0);
        _requireInvalidPeriod(_period(10, 20, 1), 0);
        BlockHashIndex[] memory overlapping = new BlockHashIndex[](2);
        overlapping[0] = BlockHashIndex(10, 20, PAYLOAD_INDEX);
        overlapping[1] = BlockHashIndex(19, 30, BID_INDEX);
        _requireInvalidPeriod(overlapping, 1);
        (overlapping[0], overlapping[1]) = (BlockHashIndex(30, 40, BID_INDEX), overlapping[0]);
        _requireInvalidPeriod(overlapping, 1);
    }

    function _requireInvalidPeriod(BlockHashIndex[] memory schedule, uint256 position) internal {
        vm.expectRevert(
            abi.encodeWithSelector(BeaconRootsSource.InvalidPeriod.selector, position, schedule[position])
        );
        new BeaconRootsSource(schedule);
    }

    /// @dev A block that is nothing but its slot suffices: the slot is checked before the block hash is looked at.
    function _requireNotScheduled(BeaconRootsSource source, uint64 slot) internal {
        Vector memory v;
        v.slot = slot;
        v.slotProof = new bytes32[](3);
        v.beaconRoot = Ssz.uint64Leaf(slot);
        for (uint256 i = 0; i < 3; ++i) {
            v.beaconRoot = sha256(abi.encode(v.beaconRoot, bytes32(0)));
        }
        _setBeaconRoot(v.beaconRoot);
        bytes memory proof = _proof(v, uint64(block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(BeaconRootsSource.SlotNotScheduled.selector, slot));
        source.isL1BlockHash("hash", proof);
    }

    function _checkpoint(bytes32 beaconRoot) internal {
        _setBeaconRoot(beaconRoot);
        _source.checkpoint();
    }

    function _setBeaconRoot(bytes32 beaconRoot) internal {
        address beaconRoots = _source.BEACON_ROOTS();
        vm.prank(SYSTEM);
        (bool success,) = beaconRoots.call(abi.encode(beaconRoot));
        assertTrue(success);
    }

    function _period(uint64 fromSlot, uint64 untilSlot, uint64 index)
        internal
        pure
        returns (BlockHashIndex[] memory schedule)
    {
        schedule = new BlockHashIndex[](1);
        schedule[0] = BlockHashIndex(fromSlot, untilSlot, index);
    }

    function _proof(Vector memory v, uint64 timestamp) internal pure returns (bytes memory) {
        return abi.encode(timestamp, v.beaconRoot, v.slot, v.slotProof, v.blockHashProof);
    }

    function _vector(string memory json, uint256 i) internal pure returns (Vector memory v) {
        v.beaconRoot = vm.parseJsonBytes32(json, _at(i, ".beaconRoot"));
        v.blockHash = vm.parseJsonBytes32(json, _at(i, ".blockHash"));
        v.index = uint64(vm.parseJsonUint(json, _at(i, ".blockHashIndex")));
        v.slot = uint64(vm.parseJsonUint(json, _at(i, ".slot")));
        v.slotProof = vm.parseJsonBytes32Array(json, _at(i, ".slotProof"));
        v.blockHashProof = vm.parseJsonBytes32Array(json, _at(i, ".blockHashProof"));
    }

    function _at(uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]", field);
    }
}
