// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica} from "./interfaces/IKeystoreReplica.sol";
import {IKeystoreWalletFactory} from "./interfaces/IKeystoreWalletFactory.sol";
import {KeystoreWallet} from "./KeystoreWallet.sol";

/// @title KeystoreWalletFactory
/// @notice See {IKeystoreWalletFactory}.
contract KeystoreWalletFactory is IKeystoreWalletFactory {
    /// @inheritdoc IKeystoreWalletFactory
    IKeystoreReplica public immutable replica;

    constructor(IKeystoreReplica replica_) {
        replica = replica_;
    }

    /// @inheritdoc IKeystoreWalletFactory
    function createWallet(bytes32 id) external returns (address wallet) {
        wallet = walletOf(id);
        if (wallet.code.length != 0) return wallet;
        new KeystoreWallet{salt: 0}(replica, id);
        emit WalletCreated(id, wallet);
    }

    /// @inheritdoc IKeystoreWalletFactory
    function walletOf(bytes32 id) public view returns (address) {
        bytes memory initCode = abi.encodePacked(type(KeystoreWallet).creationCode, abi.encode(replica, id));
        bytes32 hash = keccak256(abi.encodePacked(hex"ff", address(this), bytes32(0), keccak256(initCode)));
        return address(uint160(uint256(hash)));
    }
}
