// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ISystemConfig
/// @notice Names the parties that run one Keyroll rollup (protocol.md §5.1).
/// @dev Trust: the owner may stop the chain's fast path (a bad batcher or promise signer) but cannot change what is
/// derived or proven, except through a proposer or challenger, and a change of those is visible for `rotationDelay`
/// seconds before it counts. The owner may be the zero address: then nothing ever changes.
interface ISystemConfig {
    /// @notice A party was changed, or its change was announced.
    /// @param version Always 0, as in the OP Stack.
    /// @param updateType 0 batcher, 0x80 promise signer, 0x81 proposer, 0x82 challenger.
    /// @param data `abi.encode(address)` for the batcher and the promise signer,
    /// `abi.encode(address, uint64 takesOfficeAt)` for the other two.
    event ConfigUpdate(uint256 indexed version, uint8 indexed updateType, bytes data);

    /// @notice A party may not be the zero address.
    error ZeroAddress();
    /// @notice The chain id of a rollup may not be zero.
    error ZeroChainId();

    /// @notice The account whose transactions to the batch inbox are batches.
    function batcher() external view returns (address);

    /// @notice The account that signs the sequencer's promises.
    function promiseSigner() external view returns (address);

    /// @notice The account that may propose outputs, at this block's time.
    function proposer() external view returns (address);

    /// @notice The account that may delete outputs, at this block's time.
    function challenger() external view returns (address);

    /// @notice The announced proposer and the time, in seconds, at which it takes (or took) office; zero if none was.
    function nextProposer() external view returns (address account, uint64 takesOfficeAt);

    /// @notice The announced challenger and the time, in seconds, at which it takes (or took) office; zero if none was.
    function nextChallenger() external view returns (address account, uint64 takesOfficeAt);

    /// @notice The account that changes the parties.
    function owner() external view returns (address);

    /// @notice The rollup's chain id, unique to this deployment.
    function l2ChainId() external view returns (uint256);

    /// @notice Seconds between the announcement of a proposer or challenger and its taking office.
    function rotationDelay() external view returns (uint64);

    /// @notice Replaces the batcher at once. Owner only.
    function setBatcher(address newBatcher) external;

    /// @notice Replaces the promise signer at once. Owner only.
    function setPromiseSigner(address newPromiseSigner) external;

    /// @notice Announces a proposer that takes office after `rotationDelay` seconds, in place of any announced before
    /// that has not taken office. Announcing the present one cancels. Owner only.
    function announceProposer(address newProposer) external;

    /// @notice Announces a challenger, as `announceProposer`. Owner only.
    function announceChallenger(address newChallenger) external;
}
