// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStakeManager} from "@account-abstraction/contracts/interfaces/IStakeManager.sol";
import {LibClone} from "solady/utils/LibClone.sol";

import {IKeystoreReplica} from "./interfaces/IKeystoreReplica.sol";
import {IKeystoreWalletFactory} from "./interfaces/IKeystoreWalletFactory.sol";
import {ENTRY_POINT, KeystoreWallet} from "./KeystoreWallet.sol";

/// @title KeystoreWalletFactory
/// @notice See {IKeystoreWalletFactory}.
contract KeystoreWalletFactory is IKeystoreWalletFactory {
    bytes32 private constant _SALT = 0;

    IStakeManager private constant _STAKES = IStakeManager(ENTRY_POINT);

    /// @inheritdoc IKeystoreWalletFactory
    /// @dev The least that bundlers take. Fixed, since a longer delay could never be made shorter again.
    uint32 public constant UNSTAKE_DELAY = 1 days;

    /// @inheritdoc IKeystoreWalletFactory
    IKeystoreReplica public immutable replica;
    /// @inheritdoc IKeystoreWalletFactory
    address public immutable staker;
    /// @inheritdoc IKeystoreWalletFactory
    address public immutable implementation;

    modifier onlyStaker() {
        if (msg.sender != staker) revert NotStaker(msg.sender);
        _;
    }

    constructor(IKeystoreReplica replica_, address staker_) {
        replica = replica_;
        staker = staker_;
        implementation = address(new KeystoreWallet(replica_));
    }

    /// @inheritdoc IKeystoreWalletFactory
    function createWallet(bytes32 id) external returns (address wallet) {
        wallet = walletOf(id);
        if (wallet.code.length != 0) return wallet;
        LibClone.cloneDeterministic(implementation, abi.encode(id), _SALT);
        emit WalletCreated(id, wallet);
    }

    /// @inheritdoc IKeystoreWalletFactory
    function addStake() external payable {
        if (msg.sender != staker && _STAKES.getDepositInfo(address(this)).withdrawTime != 0) {
            revert StakeBeingUnlocked();
        }
        _STAKES.addStake{value: msg.value}(UNSTAKE_DELAY);
    }

    /// @inheritdoc IKeystoreWalletFactory
    function unlockStake() external onlyStaker {
        _STAKES.unlockStake();
    }

    /// @inheritdoc IKeystoreWalletFactory
    function withdrawStake(address payable to) external onlyStaker {
        _STAKES.withdrawStake(to);
    }

    /// @inheritdoc IKeystoreWalletFactory
    function walletOf(bytes32 id) public view returns (address) {
        return LibClone.predictDeterministicAddress(implementation, abi.encode(id), _SALT, address(this));
    }
}
