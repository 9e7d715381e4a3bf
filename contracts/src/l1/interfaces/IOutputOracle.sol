// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBatchInbox} from "./IBatchInbox.sol";
import {IKeystorePortal} from "./IKeystorePortal.sol";
import {ISystemConfig} from "./ISystemConfig.sol";

/// @title IOutputOracle
/// @notice Keeps the rollup's proposed outputs, one provable word each (protocol.md §5.4). Reads like the OP Stack's
/// L2OutputOracle; the writer is Keyroll's own.
/// @dev Trust: the proposer may propose a wrong output; until disputes exist, the challenger is trusted to delete it
/// within the challenge period, and not to delete right ones. Nobody can change an output older than that period.
/// `commitments` is a mapping at storage slot 0: replicas prove it, so it may never move.
interface IOutputOracle {
    /// @notice What the OP Stack's readers return of an output.
    /// @param outputRoot `keccak256(0^32 ‖ stateRoot ‖ keystoreRoot ‖ blockHash)`.
    /// @param timestamp The L1 time of the proposal, in seconds.
    /// @param l2BlockNumber The rollup block that the output is of.
    struct OutputProposal {
        bytes32 outputRoot;
        uint128 timestamp;
        uint128 l2BlockNumber;
    }

    /// @notice What the inbox and the portal held when an output was proposed.
    /// @param inboxCount Submissions in the inbox.
    /// @param inboxChainHash The inbox's hash chain.
    /// @param depositCount Deposits in the portal.
    /// @param depositChainHash The portal's hash chain.
    struct OutputInputs {
        uint256 inboxCount;
        bytes32 inboxChainHash;
        uint256 depositCount;
        bytes32 depositChainHash;
    }

    /// @notice An output was proposed, as in the OP Stack.
    event OutputProposed(
        bytes32 indexed outputRoot,
        uint256 indexed l2OutputIndex,
        uint256 indexed l2BlockNumber,
        uint256 l1Timestamp
    );
    /// @notice Outputs were deleted from the end, as in the OP Stack.
    event OutputsDeleted(uint256 indexed prevNextOutputIndex, uint256 indexed newNextOutputIndex);

    /// @notice The oracle may be deployed on L1 only. Replicas know it by its address, and on a chain that is not L1, but
    /// that some source takes for it (a sidechain with beacon roots of its own, an L3's parent), nobody would watch it.
    error WrongChain(uint256 chainId, uint256 l1ChainId);
    /// @notice The inbox or the portal belongs to another rollup.
    error WrongSystemConfig(address part, address expected, address actual);
    /// @notice A proposer or challenger could change within the challenge period.
    error RotationDelayTooShort(uint256 rotationDelay, uint256 challengePeriod);
    /// @notice The submission interval, block time and challenge period may not be zero.
    error ZeroParameter();
    /// @notice Only the proposer proposes the block, until `permissionlessAt` is past.
    error NotProposer(address sender, address proposer, uint256 permissionlessAt);
    /// @notice Outputs are of every `submissionInterval`-th block.
    error WrongBlockNumber(uint256 l2BlockNumber, uint256 expected);
    /// @notice The rollup block's time is not past.
    error BlockInFuture(uint256 l2Timestamp, uint256 l1Timestamp);
    /// @notice The output was made for another fork of L1.
    error WrongL1Block(uint256 l1BlockNumber, bytes32 expected, bytes32 actual);
    /// @notice Only the challenger deletes.
    error NotChallenger(address sender, address challenger);
    /// @notice There is nothing to delete from this index on.
    error NothingToDelete(uint256 newLength, uint256 length);
    /// @notice A call deletes a bounded number of outputs.
    error TooManyDeletions(uint256 count, uint256 maximum);
    /// @notice The output's challenge period is over.
    error OutputFinalized(uint256 index, uint256 finalizedAt);
    /// @notice There is no output at this index.
    error NoSuchOutput(uint256 index, uint256 length);
    /// @notice The rollup block comes before the first.
    error BlockBeforeStart(uint256 l2BlockNumber, uint256 startingBlockNumber);

    /// @notice Proposes the output of block `nextBlockNumber()`. By the proposer, or by anybody when the block is older than
    /// `permissionlessDelay`.
    /// @param stateRoot The block's state root.
    /// @param keystoreRoot The block's keystore storage root.
    /// @param blockHash The block's hash.
    /// @param l2BlockNumber The block's number, so that a delayed transaction cannot land at another index.
    /// @param l1BlockHash Zero, or the hash of the L1 block that the output was derived from; binds it to that fork.
    /// @param l1BlockNumber That block's number, one of the last 256.
    function proposeL2Output(
        bytes32 stateRoot,
        bytes32 keystoreRoot,
        bytes32 blockHash,
        uint256 l2BlockNumber,
        bytes32 l1BlockHash,
        uint256 l1BlockNumber
    ) external;

    /// @notice Deletes the outputs from index `newLength` on, zeroing every word. Challenger only, at most 256 outputs,
    /// each within its challenge period.
    function deleteL2Outputs(uint256 newLength) external;

    /// @notice The word that replicas prove: `keccak256(abi.encode(index, outputRoot, l1Timestamp, l2BlockNumber,
    /// inputsHash))`, or zero. `inputsHash = keccak256(abi.encode(inboxCount, inboxChainHash, depositCount,
    /// depositChainHash))`.
    function commitments(uint256 index) external view returns (bytes32);

    /// @notice What the inbox and the portal held when the output was proposed.
    function getOutputInputs(uint256 index) external view returns (OutputInputs memory);

    /// @notice The output at an index.
    function getL2Output(uint256 index) external view returns (OutputProposal memory);

    /// @notice The first output at or after a rollup block.
    function getL2OutputAfter(uint256 l2BlockNumber) external view returns (OutputProposal memory);

    /// @notice The index of the first output at or after a rollup block.
    /// @dev Reverts with the OP Stack's own messages, which its SDK compares.
    function getL2OutputIndexAfter(uint256 l2BlockNumber) external view returns (uint256);

    /// @notice The index of the newest output; reverts when there is none.
    function latestOutputIndex() external view returns (uint256);

    /// @notice The number of outputs.
    function nextOutputIndex() external view returns (uint256);

    /// @notice The rollup block of the newest output, or the first block.
    function latestBlockNumber() external view returns (uint256);

    /// @notice The rollup block that the next output must be of.
    function nextBlockNumber() external view returns (uint256);

    /// @notice The time of a rollup block, in seconds.
    function computeL2Timestamp(uint256 l2BlockNumber) external view returns (uint256);

    /// @notice The chain id of L1, the only chain this code can be deployed to.
    function l1ChainId() external view returns (uint256);

    /// @notice The rollup's parties.
    function systemConfig() external view returns (ISystemConfig);

    /// @notice The inbox whose hash chain the outputs pin.
    function batchInbox() external view returns (IBatchInbox);

    /// @notice The portal whose hash chain the outputs pin.
    function keystorePortal() external view returns (IKeystorePortal);

    /// @notice Rollup blocks between two outputs.
    function submissionInterval() external view returns (uint256);

    /// @notice Seconds between two rollup blocks.
    function l2BlockTime() external view returns (uint256);

    /// @notice The number of the rollup's first block.
    function startingBlockNumber() external view returns (uint256);

    /// @notice The time of the rollup's first block, in seconds.
    function startingTimestamp() external view returns (uint256);

    /// @notice The challenge period, in seconds.
    function finalizationPeriodSeconds() external view returns (uint256);

    /// @notice The age, in seconds, from which on anybody may propose a block's output.
    function permissionlessDelay() external view returns (uint256);

    /// @notice As `submissionInterval`.
    function SUBMISSION_INTERVAL() external view returns (uint256);

    /// @notice As `l2BlockTime`.
    function L2_BLOCK_TIME() external view returns (uint256);

    /// @notice As `finalizationPeriodSeconds`.
    function FINALIZATION_PERIOD_SECONDS() external view returns (uint256);

    /// @notice As `challenger`.
    function CHALLENGER() external view returns (address);

    /// @notice As `proposer`.
    function PROPOSER() external view returns (address);

    /// @notice The account that may delete outputs.
    function challenger() external view returns (address);

    /// @notice The account that may propose outputs.
    function proposer() external view returns (address);

    /// @notice The OP Stack's L2OutputOracle version this contract reads like.
    function version() external view returns (string memory);
}
