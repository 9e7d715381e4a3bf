// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {Target, WalletTest} from "./WalletTest.sol";

contract ExecuteTest is WalletTest {
    function test_calls_the_target_for_the_signers() public {
        bytes memory data = abi.encodeCall(Target.echo, ("hello"));
        Approval[] memory approvals = approve(initial(), executeDigest(address(target), 1 ether, data, 0));
        vm.expectEmit(account);
        emit IKeystoreWallet.Executed(0, address(target), 1 ether);
        vm.prank(makeAddr("relayer"));
        bytes memory result = wallet.execute(address(target), 1 ether, data, initial().config, approvals);
        vm.snapshotGasLastCall("KeystoreWallet", "execute first, secp256k1");

        (bytes memory echoed, uint256 value, address sender) = abi.decode(result, (bytes, uint256, address));
        assertEq(echoed, "hello");
        assertEq(value, 1 ether);
        assertEq(sender, account);
        assertEq(wallet.nonce(), 1);
    }

    function test_sends_value() public {
        execute(initial(), makeAddr("payee"), 3 ether, "");
        assertEq(makeAddr("payee").balance, 3 ether);
    }

    function test_obeys_the_new_signer_and_refuses_the_old_after_a_rotation() public {
        Keystore memory next = keystore(3, 2, 1, 0);
        preconfirm(initial(), next);
        execute(next, address(target), 0, abi.encodeCall(Target.echo, ("new")));

        Approval[] memory approvals =
            approve(initial(), executeDigest(address(target), 0, "", wallet.nonce()));
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        wallet.execute(address(target), 0, "", initial().config, approvals);
        vm.expectRevert(abi.encodeWithSelector(Approvals.NotASigner.selector, 0));
        wallet.execute(address(target), 0, "", next.config, approvals);
    }

    function test_approvals_count_once() public {
        bytes memory data = abi.encodeCall(Target.echo, ("once"));
        Approval[] memory approvals = approve(initial(), executeDigest(address(target), 0, data, 0));
        wallet.execute(address(target), 0, data, initial().config, approvals);
        vm.expectRevert(abi.encodeWithSelector(Approvals.BadSignature.selector, 0));
        wallet.execute(address(target), 0, data, initial().config, approvals);
    }

    function test_target_cannot_use_the_approvals_again() public {
        bytes memory data = abi.encodeCall(Target.reenter, ());
        Approval[] memory approvals = approve(initial(), executeDigest(address(target), 0, data, 0));
        target.reenterWith(
            abi.encodeCall(wallet.execute, (address(target), 0, data, initial().config, approvals))
        );
        vm.expectRevert(abi.encodeWithSelector(Approvals.BadSignature.selector, 0));
        wallet.execute(address(target), 0, data, initial().config, approvals);
    }

    function test_every_part_of_the_call_is_signed() public {
        bytes memory data = abi.encodeCall(Target.echo, ("signed"));
        Approval[] memory approvals = approve(initial(), executeDigest(address(target), 1, data, 0));
        bytes memory badSignature = abi.encodeWithSelector(Approvals.BadSignature.selector, 0);
        vm.expectRevert(badSignature);
        wallet.execute(makeAddr("another"), 1, data, initial().config, approvals);
        vm.expectRevert(badSignature);
        wallet.execute(address(target), 2, data, initial().config, approvals);
        vm.expectRevert(badSignature);
        wallet.execute(address(target), 1, bytes.concat(data, hex"00"), initial().config, approvals);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(badSignature);
        wallet.execute(address(target), 1, data, initial().config, approvals);
    }

    function test_reverts_as_the_target_does_and_keeps_the_nonce() public {
        bytes memory data = abi.encodeCall(Target.refuse, (7));
        Approval[] memory approvals = approve(initial(), executeDigest(address(target), 0, data, 0));
        vm.expectRevert(abi.encodeWithSelector(Target.Refused.selector, 7));
        wallet.execute(address(target), 0, data, initial().config, approvals);
        assertEq(wallet.nonce(), 0);
    }

    function test_stale_wallet_refuses_until_it_is_cured() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        vm.warp(GENESIS + 20 days);
        execute(mayBeStale, address(target), 0, "");

        vm.warp(GENESIS + 20 days + 1);
        Approval[] memory approvals = approve(mayBeStale, executeDigest(address(target), 0, "", 1));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreWallet.Stale.selector, GENESIS + 20 days));
        wallet.execute(address(target), 0, "", mayBeStale.config, approvals);

        confirm(100, mayBeStale.config, false);
        wallet.execute(address(target), 0, "", mayBeStale.config, approvals);
    }

    function test_wallet_never_confirmed_is_stale_if_its_initial_config_can_be() public {
        Keystore memory mayBeStale = keystore(1, 5, 0, 20 days);
        id = mayBeStale.config.hash();
        account = factory.createWallet(id);
        wallet = IKeystoreWallet(account);
        Approval[] memory approvals = approve(mayBeStale, executeDigest(address(target), 0, "", 0));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreWallet.Stale.selector, 20 days));
        wallet.execute(address(target), 0, "", mayBeStale.config, approvals);
    }

    function test_wallet_enables_an_appended_source_for_itself() public {
        address appended = makeAddr("appended");
        execute(
            initial(), address(replica), 0, abi.encodeCall(IKeystoreReplica.enableSource, (appended, true))
        );
        assertTrue(replica.isEnabled(appended, account));
    }
}
