// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica} from "./IKeystoreReplica.sol";

/// @title Keystore wallet factory
/// @notice Deploys each keystore's wallet, at an address that follows from the keystore id alone and so is the same on
/// every chain where this factory and the replica stand.
interface IKeystoreWalletFactory {
    event WalletCreated(bytes32 indexed id, address indexed wallet);

    /// @notice Deploys the wallet of `id`, or answers the one that stands.
    function createWallet(bytes32 id) external returns (address wallet);

    /// @notice The address of the wallet of `id`, deployed or not.
    function walletOf(bytes32 id) external view returns (address wallet);

    function replica() external view returns (IKeystoreReplica);
}
