// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IStakeManager} from "@account-abstraction/contracts/interfaces/IStakeManager.sol";

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {IKeystoreWalletFactory} from "keyroll/l2/interfaces/IKeystoreWalletFactory.sol";
import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {Call} from "keyroll/libraries/Call.sol";
import {WalletTest} from "./WalletTest.sol";

contract FactoryTest is WalletTest {
    function test_wallet_knows_its_keystore_and_replica() public view {
        assertEq(wallet.id(), id);
        assertEq(address(wallet.replica()), address(replica));
        assertEq(address(factory.replica()), address(replica));
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
                keccak256(
                    abi.encodePacked(
                        // Returns all that follows: 0x4d bytes.
                        hex"61004d3d81600a3d39f3",
                        hex"363d3d373d3d3d363d73",
                        factory.implementation(),
                        hex"5af43d82803e903d91602b57fd5bf3",
                        anyId
                    )
                ),
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

    function test_implementation_obeys_nobody() public {
        IKeystoreWallet implementation = IKeystoreWallet(factory.implementation());
        assertEq(address(implementation.replica()), address(replica));
        assertEq(replica.record(implementation.id(), address(implementation)).headNonce, 0);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreWallet.NotEntryPointOrSelf.selector, address(this)));
        implementation.execute(BATCH, abi.encode(oneCall(address(target), 0, "")));
        Call[] memory calls = oneCall(address(target), 0, "");
        bytes memory opData = sign(initial(), executeDigest(calls, 0));
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        implementation.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
    }

    function test_gas() public {
        factory.createWallet("another");
        vm.snapshotGasLastCall("KeystoreWallet", "createWallet");
    }

    function test_standing_wallet_is_answered_not_deployed_again() public {
        vm.recordLogs();
        assertEq(factory.createWallet(id), account);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_stake_is_the_stakers() public {
        address donor = makeAddr("donor");
        vm.deal(donor, 3 ether);
        vm.prank(donor);
        factory.addStake{value: 2 ether}();
        IStakeManager.DepositInfo memory info = entryPoint.getDepositInfo(address(factory));
        assertEq(info.stake, 2 ether);
        assertTrue(info.staked);
        assertEq(info.unstakeDelaySec, 1 days);

        vm.prank(staker);
        factory.unlockStake();
        vm.expectRevert(IKeystoreWalletFactory.StakeBeingUnlocked.selector);
        vm.prank(donor);
        factory.addStake{value: 1}();

        vm.warp(block.timestamp + 1 days);
        vm.prank(staker);
        factory.withdrawStake(payable(staker));
        assertEq(staker.balance, 2 ether);
        vm.prank(donor);
        factory.addStake{value: 1 ether}();
        assertTrue(entryPoint.getDepositInfo(address(factory)).staked);
    }

    function test_staker_may_lock_the_stake_again() public {
        vm.deal(staker, 2 ether);
        vm.startPrank(staker);
        factory.addStake{value: 1 ether}();
        factory.unlockStake();
        assertFalse(entryPoint.getDepositInfo(address(factory)).staked);
        factory.addStake{value: 1 ether}();
        assertTrue(entryPoint.getDepositInfo(address(factory)).staked);
    }

    function test_fuzz_nobody_else_takes_the_stake(address caller) public {
        vm.assume(caller != staker);
        factory.addStake{value: 1 ether}();
        bytes memory notStaker = abi.encodeWithSelector(IKeystoreWalletFactory.NotStaker.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(notStaker);
        factory.unlockStake();
        vm.expectRevert(notStaker);
        factory.withdrawStake(payable(caller));
    }
}
