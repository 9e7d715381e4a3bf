// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica} from "./IKeystoreReplica.sol";

/// @title Keystore wallet factory
/// @notice Deploys each keystore's wallet, at an address that follows from the keystore id alone and so is the same on
/// every chain where this factory and the replica stand.
/// @dev Bundlers ask a factory for a stake in the EntryPoint when the first operation of the wallet it deploys reads the
/// replica (ERC-7562). Without one, nobody is locked out: anybody can deploy any wallet by a transaction of their own.
interface IKeystoreWalletFactory {
    event WalletCreated(bytes32 indexed id, address indexed wallet);

    error NotStaker(address caller);
    error StakeBeingUnlocked();

    /// @notice Deploys the wallet of `id`, or answers the one that stands. Both as ERC-4337 (`initCode`) and ERC-6492
    /// ask.
    function createWallet(bytes32 id) external returns (address wallet);

    /// @notice Adds the value sent to the factory's stake in the EntryPoint. Anybody; it is the staker's from then on.
    /// While the stake is being unlocked only the staker, since more stake locks it again.
    function addStake() external payable;

    /// @notice Begins to unlock the stake: from then on bundlers do not count it. Only the staker.
    function unlockStake() external;

    /// @notice Withdraws the stake once it is unlocked. Only the staker.
    function withdrawStake(address payable to) external;

    /// @notice The address of the wallet of `id`, deployed or not.
    function walletOf(bytes32 id) external view returns (address wallet);

    function replica() external view returns (IKeystoreReplica);

    /// @notice The code that all wallets run.
    function implementation() external view returns (address);

    /// @notice To whom the stake belongs; zero for nobody, then it stays for ever.
    function staker() external view returns (address);

    /// @notice Seconds from unlocking the stake to withdrawing it.
    function UNSTAKE_DELAY() external view returns (uint32);
}
