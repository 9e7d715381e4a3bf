// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBatchInbox} from "./interfaces/IBatchInbox.sol";
import {IKeystorePortal} from "./interfaces/IKeystorePortal.sol";
import {IOutputOracle} from "./interfaces/IOutputOracle.sol";
import {ISystemConfig} from "./interfaces/ISystemConfig.sol";

/// @title OutputOracle
/// @notice Implements {IOutputOracle}, where everything is explained.
contract OutputOracle is IOutputOracle {
    /// @dev The preimage of a commitment, but for its index.
    struct Output {
        bytes32 outputRoot;
        uint64 l1Timestamp;
        uint64 l2BlockNumber;
        uint64 inboxCount;
        uint64 depositCount;
        bytes32 inboxChainHash;
        bytes32 depositChainHash;
    }

    /// @notice What an OutputOracle is deployed with; the meaning of each is its reader's.
    struct Parameters {
        uint256 l1ChainId;
        ISystemConfig systemConfig;
        IBatchInbox batchInbox;
        IKeystorePortal keystorePortal;
        uint64 submissionInterval;
        uint64 l2BlockTime;
        uint64 startingBlockNumber;
        uint64 startingTimestamp;
        uint64 challengePeriod;
        uint64 permissionlessDelay;
    }

    uint256 private constant _MAX_DELETIONS = 256;

    /// @inheritdoc IOutputOracle
    string public constant version = "1.8.0";

    /// @inheritdoc IOutputOracle
    mapping(uint256 index => bytes32) public commitments;
    Output[] private _outputs;

    /// @inheritdoc IOutputOracle
    uint256 public immutable l1ChainId;
    /// @inheritdoc IOutputOracle
    ISystemConfig public immutable systemConfig;
    /// @inheritdoc IOutputOracle
    IBatchInbox public immutable batchInbox;
    /// @inheritdoc IOutputOracle
    IKeystorePortal public immutable keystorePortal;
    /// @inheritdoc IOutputOracle
    uint256 public immutable submissionInterval;
    /// @inheritdoc IOutputOracle
    uint256 public immutable l2BlockTime;
    /// @inheritdoc IOutputOracle
    uint256 public immutable startingBlockNumber;
    /// @inheritdoc IOutputOracle
    uint256 public immutable startingTimestamp;
    /// @inheritdoc IOutputOracle
    uint256 public immutable finalizationPeriodSeconds;
    /// @inheritdoc IOutputOracle
    uint256 public immutable permissionlessDelay;

    /// @param p The rollup's parties, parts and times.
    constructor(Parameters memory p) {
        if (block.chainid != p.l1ChainId) revert WrongChain(block.chainid, p.l1ChainId);
        _requireSameRollup(address(p.batchInbox), p.batchInbox.systemConfig(), p.systemConfig);
        _requireSameRollup(address(p.keystorePortal), p.keystorePortal.systemConfig(), p.systemConfig);
        if (p.submissionInterval == 0 || p.l2BlockTime == 0 || p.challengePeriod == 0) {
            revert ZeroParameter();
        }
        uint256 rotationDelay = p.systemConfig.rotationDelay();
        if (rotationDelay < p.challengePeriod) {
            revert RotationDelayTooShort(rotationDelay, p.challengePeriod);
        }
        l1ChainId = p.l1ChainId;
        systemConfig = p.systemConfig;
        batchInbox = p.batchInbox;
        keystorePortal = p.keystorePortal;
        submissionInterval = p.submissionInterval;
        l2BlockTime = p.l2BlockTime;
        startingBlockNumber = p.startingBlockNumber;
        startingTimestamp = p.startingTimestamp;
        finalizationPeriodSeconds = p.challengePeriod;
        permissionlessDelay = p.permissionlessDelay;
    }

    /// @inheritdoc IOutputOracle
    function proposeL2Output(
        bytes32 stateRoot,
        bytes32 keystoreRoot,
        bytes32 blockHash,
        uint256 l2BlockNumber,
        bytes32 l1BlockHash,
        uint256 l1BlockNumber
    ) external {
        if (l2BlockNumber != nextBlockNumber()) {
            revert WrongBlockNumber(l2BlockNumber, nextBlockNumber());
        }
        uint256 l2Timestamp = computeL2Timestamp(l2BlockNumber);
        _requireMayPropose(l2Timestamp);
        if (l2Timestamp >= block.timestamp) revert BlockInFuture(l2Timestamp, block.timestamp);
        if (l1BlockHash != 0 && blockhash(l1BlockNumber) != l1BlockHash) {
            revert WrongL1Block(l1BlockNumber, l1BlockHash, blockhash(l1BlockNumber));
        }

        Output memory output = Output({
            outputRoot: keccak256(abi.encode(bytes32(0), stateRoot, keystoreRoot, blockHash)),
            l1Timestamp: uint64(block.timestamp),
            l2BlockNumber: uint64(l2BlockNumber),
            inboxCount: uint64(batchInbox.submissionCount()),
            depositCount: uint64(keystorePortal.depositCount()),
            inboxChainHash: batchInbox.chainHash(),
            depositChainHash: keystorePortal.chainHash()
        });
        uint256 index = _outputs.length;
        _outputs.push(output);
        commitments[index] = _commitmentOf(index, output);
        emit OutputProposed(output.outputRoot, index, l2BlockNumber, block.timestamp);
    }

    /// @inheritdoc IOutputOracle
    function deleteL2Outputs(uint256 newLength) external {
        if (msg.sender != challenger()) revert NotChallenger(msg.sender, challenger());
        uint256 length = _outputs.length;
        if (newLength >= length) revert NothingToDelete(newLength, length);
        if (length - newLength > _MAX_DELETIONS) revert TooManyDeletions(length - newLength, _MAX_DELETIONS);
        // Proposal times never decrease, so the first to go is the oldest.
        uint256 finalizedAt = _outputs[newLength].l1Timestamp + finalizationPeriodSeconds;
        if (block.timestamp >= finalizedAt) revert OutputFinalized(newLength, finalizedAt);

        for (uint256 index = length; index > newLength; --index) {
            delete commitments[index - 1];
            _outputs.pop();
        }
        emit OutputsDeleted(length, newLength);
    }

    /// @inheritdoc IOutputOracle
    function getOutputInputs(uint256 index) external view returns (OutputInputs memory) {
        Output storage output = _outputAt(index);
        return OutputInputs({
            inboxCount: output.inboxCount,
            inboxChainHash: output.inboxChainHash,
            depositCount: output.depositCount,
            depositChainHash: output.depositChainHash
        });
    }

    /// @inheritdoc IOutputOracle
    function getL2OutputAfter(uint256 l2BlockNumber) external view returns (OutputProposal memory) {
        return getL2Output(getL2OutputIndexAfter(l2BlockNumber));
    }

    /// @inheritdoc IOutputOracle
    function latestOutputIndex() external view returns (uint256) {
        if (_outputs.length == 0) revert NoSuchOutput(0, 0);
        return _outputs.length - 1;
    }

    /// @inheritdoc IOutputOracle
    function nextOutputIndex() external view returns (uint256) {
        return _outputs.length;
    }

    /// @inheritdoc IOutputOracle
    function SUBMISSION_INTERVAL() external view returns (uint256) {
        return submissionInterval;
    }

    /// @inheritdoc IOutputOracle
    function L2_BLOCK_TIME() external view returns (uint256) {
        return l2BlockTime;
    }

    /// @inheritdoc IOutputOracle
    function FINALIZATION_PERIOD_SECONDS() external view returns (uint256) {
        return finalizationPeriodSeconds;
    }

    /// @inheritdoc IOutputOracle
    function CHALLENGER() external view returns (address) {
        return challenger();
    }

    /// @inheritdoc IOutputOracle
    function PROPOSER() external view returns (address) {
        return proposer();
    }

    /// @inheritdoc IOutputOracle
    function getL2Output(uint256 index) public view returns (OutputProposal memory) {
        Output storage output = _outputAt(index);
        return OutputProposal({
            outputRoot: output.outputRoot, timestamp: output.l1Timestamp, l2BlockNumber: output.l2BlockNumber
        });
    }

    /// @inheritdoc IOutputOracle
    function getL2OutputIndexAfter(uint256 l2BlockNumber) public view returns (uint256) {
        require(
            l2BlockNumber <= latestBlockNumber(),
            "L2OutputOracle: cannot get output for a block that has not been proposed"
        );
        require(_outputs.length > 0, "L2OutputOracle: cannot get output as no outputs have been proposed yet");
        uint256 low = 0;
        uint256 high = _outputs.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_outputs[middle].l2BlockNumber < l2BlockNumber) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// @inheritdoc IOutputOracle
    function latestBlockNumber() public view returns (uint256) {
        return _outputs.length == 0 ? startingBlockNumber : _outputs[_outputs.length - 1].l2BlockNumber;
    }

    /// @inheritdoc IOutputOracle
    function nextBlockNumber() public view returns (uint256) {
        return latestBlockNumber() + submissionInterval;
    }

    /// @inheritdoc IOutputOracle
    function computeL2Timestamp(uint256 l2BlockNumber) public view returns (uint256) {
        if (l2BlockNumber < startingBlockNumber) revert BlockBeforeStart(l2BlockNumber, startingBlockNumber);
        return startingTimestamp + (l2BlockNumber - startingBlockNumber) * l2BlockTime;
    }

    /// @inheritdoc IOutputOracle
    function challenger() public view returns (address) {
        return systemConfig.challenger();
    }

    /// @inheritdoc IOutputOracle
    function proposer() public view returns (address) {
        return systemConfig.proposer();
    }

    /// @dev By the block's age, not by how long nobody proposed: strangers then keep up with the rollup without a proposer,
    /// also where they find much to catch up with.
    function _requireMayPropose(uint256 l2Timestamp) private view {
        uint256 permissionlessAt = l2Timestamp + permissionlessDelay;
        if (block.timestamp > permissionlessAt || msg.sender == proposer()) return;
        revert NotProposer(msg.sender, proposer(), permissionlessAt);
    }

    function _outputAt(uint256 index) private view returns (Output storage) {
        if (index >= _outputs.length) revert NoSuchOutput(index, _outputs.length);
        return _outputs[index];
    }

    function _commitmentOf(uint256 index, Output memory output) private pure returns (bytes32) {
        bytes32 inputsHash = keccak256(
            abi.encode(output.inboxCount, output.inboxChainHash, output.depositCount, output.depositChainHash)
        );
        return
            keccak256(
                abi.encode(index, output.outputRoot, output.l1Timestamp, output.l2BlockNumber, inputsHash)
            );
    }

    function _requireSameRollup(address part, ISystemConfig actual, ISystemConfig expected) private pure {
        if (actual != expected) revert WrongSystemConfig(part, address(expected), address(actual));
    }
}
