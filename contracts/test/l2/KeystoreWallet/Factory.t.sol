// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreWalletFactory} from "keyroll/l2/interfaces/IKeystoreWalletFactory.sol";
import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {KeystoreWallet} from "keyroll/l2/KeystoreWallet.sol";
import {WalletTest} from "./WalletTest.sol";

contract FactoryTest is WalletTest {
    function test_wallet_knows_its_keystore_and_replica() public view {
        assertEq(wallet.id(), id);
        assertEq(address(wallet.replica()), address(replica));
    }

    function test_fuzz_address_follows_from_the_id_alone(bytes32 anyId, uint64 chainId, address caller)
        public
    {
        vm.assume(anyId != id);
        address predicted = factory.walletOf(anyId);
        assertEq(
            predicted,
            vm.computeCreate2Address(
                0,
                keccak256(abi.encodePacked(type(KeystoreWallet).creationCode, abi.encode(replica, anyId))),
                address(factory)
            )
        );
        vm.chainId(bound(chainId, 1, type(uint64).max - 1));
        vm.prank(caller);
        vm.expectEmit(address(factory));
        emit IKeystoreWalletFactory.WalletCreated(anyId, predicted);
        assertEq(factory.createWallet(anyId), predicted);
        assertEq(IKeystoreWallet(predicted).id(), anyId);
    }

    function test_standing_wallet_is_answered_not_deployed_again() public {
        vm.recordLogs();
        assertEq(factory.createWallet(id), account);
        assertEq(vm.getRecordedLogs().length, 0);
    }
}
