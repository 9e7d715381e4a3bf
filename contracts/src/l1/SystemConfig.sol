// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ISystemConfig} from "./interfaces/ISystemConfig.sol";

/// @title SystemConfig
/// @notice Implements {ISystemConfig}, where everything is explained.
contract SystemConfig is ISystemConfig, Ownable2Step {
    /// @dev A post whose holder changes only after a delay.
    struct Office {
        address holder;
        address next;
        uint64 takesOfficeAt;
    }

    uint8 private constant _BATCHER = 0;
    uint8 private constant _PROMISE_SIGNER = 0x80;
    uint8 private constant _PROPOSER = 0x81;
    uint8 private constant _CHALLENGER = 0x82;

    /// @inheritdoc ISystemConfig
    uint256 public immutable l2ChainId;
    /// @inheritdoc ISystemConfig
    uint64 public immutable rotationDelay;
    /// @inheritdoc ISystemConfig
    address public batcher;
    /// @inheritdoc ISystemConfig
    address public promiseSigner;

    Office private _proposer;
    Office private _challenger;

    /// @param initialOwner The account that changes the parties; not zero (it may renounce).
    /// @param initialBatcher The account whose transactions to the batch inbox are batches.
    /// @param initialPromiseSigner The account that signs the sequencer's promises.
    /// @param initialProposer The account that proposes outputs.
    /// @param initialChallenger The account that deletes outputs.
    /// @param chainId The rollup's chain id.
    /// @param delay Seconds a new proposer or challenger waits; the OutputOracle refuses one below its challenge period.
    constructor(
        address initialOwner,
        address initialBatcher,
        address initialPromiseSigner,
        address initialProposer,
        address initialChallenger,
        uint256 chainId,
        uint64 delay
    ) Ownable(initialOwner) {
        if (chainId == 0) revert ZeroChainId();
        if (initialProposer == address(0) || initialChallenger == address(0)) revert ZeroAddress();
        l2ChainId = chainId;
        rotationDelay = delay;
        _setBatcher(initialBatcher);
        _setPromiseSigner(initialPromiseSigner);
        _proposer.holder = initialProposer;
        _challenger.holder = initialChallenger;
        emit ConfigUpdate(0, _PROPOSER, abi.encode(initialProposer, uint64(block.timestamp)));
        emit ConfigUpdate(0, _CHALLENGER, abi.encode(initialChallenger, uint64(block.timestamp)));
    }

    /// @inheritdoc ISystemConfig
    function setBatcher(address newBatcher) external onlyOwner {
        _setBatcher(newBatcher);
    }

    /// @inheritdoc ISystemConfig
    function setPromiseSigner(address newPromiseSigner) external onlyOwner {
        _setPromiseSigner(newPromiseSigner);
    }

    /// @inheritdoc ISystemConfig
    function announceProposer(address newProposer) external onlyOwner {
        _announce(_proposer, _PROPOSER, newProposer);
    }

    /// @inheritdoc ISystemConfig
    function announceChallenger(address newChallenger) external onlyOwner {
        _announce(_challenger, _CHALLENGER, newChallenger);
    }

    /// @inheritdoc ISystemConfig
    function proposer() external view returns (address) {
        return _holderNow(_proposer);
    }

    /// @inheritdoc ISystemConfig
    function challenger() external view returns (address) {
        return _holderNow(_challenger);
    }

    /// @inheritdoc ISystemConfig
    function nextProposer() external view returns (address account, uint64 takesOfficeAt) {
        return (_proposer.next, _proposer.takesOfficeAt);
    }

    /// @inheritdoc ISystemConfig
    function nextChallenger() external view returns (address account, uint64 takesOfficeAt) {
        return (_challenger.next, _challenger.takesOfficeAt);
    }

    /// @inheritdoc ISystemConfig
    function owner() public view override(ISystemConfig, Ownable) returns (address) {
        return super.owner();
    }

    function _setBatcher(address newBatcher) private {
        if (newBatcher == address(0)) revert ZeroAddress();
        batcher = newBatcher;
        emit ConfigUpdate(0, _BATCHER, abi.encode(newBatcher));
    }

    function _setPromiseSigner(address newPromiseSigner) private {
        if (newPromiseSigner == address(0)) revert ZeroAddress();
        promiseSigner = newPromiseSigner;
        emit ConfigUpdate(0, _PROMISE_SIGNER, abi.encode(newPromiseSigner));
    }

    /// @dev An announced party that already took office stays the holder until the new one does.
    function _announce(Office storage office, uint8 updateType, address next) private {
        if (next == address(0)) revert ZeroAddress();
        office.holder = _holderNow(office);
        office.next = next;
        office.takesOfficeAt = uint64(block.timestamp) + rotationDelay;
        emit ConfigUpdate(0, updateType, abi.encode(next, office.takesOfficeAt));
    }

    function _holderNow(Office storage office) private view returns (address) {
        if (office.next == address(0) || block.timestamp < office.takesOfficeAt) return office.holder;
        return office.next;
    }
}
