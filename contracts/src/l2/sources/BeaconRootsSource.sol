// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ssz} from "../../libraries/Ssz.sol";
import {IL1BlockHashSource} from "../interfaces/IL1BlockHashSource.sol";

/// @notice Where a beacon block names an L1 block hash, for slots from `fromSlot` until before `untilSlot`.
struct BlockHashIndex {
    uint64 fromSlot;
    uint64 untilSlot;
    /// @dev Generalized index in the BeaconBlock.
    uint64 index;
}

/// @title BeaconRootsSource
/// @notice Vouches for the L1 block hashes that beacon blocks name whose roots the EIP-4788 contract holds, or held at a
///         checkpoint.
/// @dev The proof is `abi.encode(uint64 timestamp, bytes32 beaconRoot, uint64 slot, bytes32[] slotProof,
///      bytes32[] blockHashProof)`. The beacon root is the contract's answer for `timestamp` or, with `timestamp` 0, a
///      stored one. In the beacon block with this root,
///      1. the slot is proven,
///      2. the schedule gives the generalized index at which a block of that slot names an L1 block hash,
///      3. the L1 block hash is proven there.
///
///      Trusted: the chain's 4788 contract holds roots of L1's beacon blocks, as on L1 and OP Stack chains. A fork of L1
///      that moves the block hash makes slots from then on refused, if the schedule ends there, or leads to whatever
///      else stands at the index; so the last period of a schedule ends where the next fork is not known.
contract BeaconRootsSource is IL1BlockHashSource {
    /// @notice The EIP-4788 contract.
    address public constant BEACON_ROOTS = 0x000F3df6D732807Ef1319fB7B8bB8522d0Beac02;

    /// @dev `slot` is the first of a BeaconBlock's five fields, hence of the eight leaves of its tree.
    uint256 private constant _SLOT_INDEX = 8;

    /// @notice Whether a checkpoint stored this beacon root.
    mapping(bytes32 beaconRoot => bool) public isCheckpoint;

    BlockHashIndex[] private _schedule;

    /// @notice This chain's EIP-4788 contract is missing, or has no root for the current block.
    error NoBeaconRoot(uint256 timestamp);
    /// @notice No period of the schedule holds the slot.
    error SlotNotScheduled(uint64 slot);
    /// @notice A schedule has at least one period.
    error EmptySchedule();
    /// @notice A period ends before it begins, overlaps the one before it, or has no generalized index below the root.
    error InvalidPeriod(uint256 position, BlockHashIndex period);

    /// @param periods The schedule, in ascending order; gaps are allowed, and slots in them refused.
    constructor(BlockHashIndex[] memory periods) {
        if (periods.length == 0) revert EmptySchedule();
        uint64 previousUntil = 0;
        for (uint256 i = 0; i < periods.length; ++i) {
            BlockHashIndex memory period = periods[i];
            if (period.fromSlot < previousUntil || period.untilSlot <= period.fromSlot || period.index < 2) {
                revert InvalidPeriod(i, period);
            }
            previousUntil = period.untilSlot;
            _schedule.push(period);
        }
    }

    /// @notice The periods of slots that are accepted, and where blocks in them name the L1 block hash.
    function schedule() external view returns (BlockHashIndex[] memory) {
        return _schedule;
    }

    /// @inheritdoc IL1BlockHashSource
    function isL1BlockHash(bytes32 blockHash, bytes calldata proof) external view returns (bool) {
        (
            uint64 timestamp,
            bytes32 beaconRoot,
            uint64 slot,
            bytes32[] memory slotProof,
            bytes32[] memory blockHashProof
        ) = abi.decode(proof, (uint64, bytes32, uint64, bytes32[], bytes32[]));
        if (blockHash == 0 || !_isBeaconRoot(beaconRoot, timestamp)) return false;

        // 1. the slot is proven
        Ssz.requireBranch(beaconRoot, Ssz.uint64Leaf(slot), _SLOT_INDEX, slotProof);
        // 2. the schedule gives the generalized index at which a block of that slot names an L1 block hash
        uint256 index = _indexAt(slot);
        // 3. the L1 block hash is proven there
        Ssz.requireBranch(beaconRoot, blockHash, index, blockHashProof);
        return true;
    }

    /// @inheritdoc IL1BlockHashSource
    function checkpoint() external returns (bytes32 beaconRoot) {
        beaconRoot = _rootAt(block.timestamp);
        if (beaconRoot == 0) revert NoBeaconRoot(block.timestamp);
        isCheckpoint[beaconRoot] = true;
        emit Checkpointed(beaconRoot);
    }

    function _isBeaconRoot(bytes32 beaconRoot, uint64 timestamp) private view returns (bool) {
        if (timestamp == 0) return isCheckpoint[beaconRoot];
        return beaconRoot != 0 && beaconRoot == _rootAt(timestamp);
    }

    /// @dev The newest period first: proofs are mostly of recent slots.
    function _indexAt(uint64 slot) private view returns (uint64) {
        for (uint256 i = _schedule.length; i > 0; --i) {
            BlockHashIndex memory period = _schedule[i - 1];
            if (period.fromSlot <= slot && slot < period.untilSlot) return period.index;
        }
        revert SlotNotScheduled(slot);
    }

    /// @dev The contract's answer: the root of the parent beacon block of the block with this timestamp. It reverts where
    ///      it has none; that, and nothing or something else at its address, is zero here.
    function _rootAt(uint256 timestamp) private view returns (bytes32) {
        (bool success, bytes memory answer) = BEACON_ROOTS.staticcall(abi.encode(timestamp));
        return success && answer.length == 32 ? bytes32(answer) : bytes32(0);
    }
}
