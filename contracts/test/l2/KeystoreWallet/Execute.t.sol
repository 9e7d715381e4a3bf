// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {Call} from "keyroll/libraries/Call.sol";
import {OwnerSignature} from "keyroll/libraries/OwnerSignature.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {Target, WalletTest} from "./WalletTest.sol";

/// @notice Batches that their approvals alone authorise, and who may ask for others.
contract ExecuteTest is WalletTest {
    bytes private _badSignature = abi.encodeWithSelector(Approvals.BadSignature.selector, 0);

    function test_supports_the_two_modes_of_ERC7821() public view {
        assertTrue(wallet.supportsExecutionMode(BATCH));
        assertTrue(wallet.supportsExecutionMode(BATCH_WITH_OP_DATA));
        // What comes after the parts that have a meaning is anybody's to use.
        assertTrue(wallet.supportsExecutionMode(BATCH | bytes32(uint256(7))));
        assertFalse(wallet.supportsExecutionMode(0));
        assertFalse(wallet.supportsExecutionMode(bytes32(bytes10(0x01000000000078210002))));
        assertFalse(wallet.supportsExecutionMode(bytes32(bytes10(0x01010000000000000000))));
    }

    function test_other_modes_are_refused() public {
        bytes32 mode = bytes32(bytes10(0x01010000000000000000));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreWallet.UnsupportedExecutionMode.selector, mode));
        vm.prank(account);
        wallet.execute(mode, abi.encode(oneCall(address(target), 0, "")));
    }

    function test_calls_the_targets_for_the_signers() public {
        Call[] memory calls = new Call[](2);
        calls[0] = Call(address(target), 1 ether, abi.encodeCall(Target.echo, ("hello")));
        calls[1] = Call(makeAddr("payee"), 3 ether, "");
        bytes memory data = abi.encode(calls, sign(initial(), executeDigest(calls, 0)));
        vm.expectEmit(account);
        emit IKeystoreWallet.Executed(0);
        vm.expectCall(address(target), 1 ether, calls[0].data);
        vm.prank(makeAddr("relayer"));
        wallet.execute(BATCH_WITH_OP_DATA, data);
        assertEq(makeAddr("payee").balance, 3 ether);
        assertEq(wallet.nonce(), 1);
    }

    function test_gas() public {
        Call[] memory calls = oneCall(address(target), 1 ether, "");
        bytes memory data = abi.encode(calls, sign(initial(), executeDigest(calls, 0)));
        wallet.execute(BATCH_WITH_OP_DATA, data);
        vm.snapshotGasLastCall("KeystoreWallet", "execute first, secp256k1");
    }

    function test_target_zero_means_the_wallet() public {
        bytes memory inner =
            abi.encodeCall(wallet.execute, (BATCH, abi.encode(oneCall(makeAddr("payee"), 1 ether, ""))));
        execute(initial(), address(0), 0, inner);
        assertEq(makeAddr("payee").balance, 1 ether);
    }

    function test_only_the_entry_point_and_the_wallet_itself_need_no_approval() public {
        bytes memory data = abi.encode(oneCall(makeAddr("payee"), 1 ether, ""));
        bytes memory emptyOpData = abi.encode(oneCall(makeAddr("payee"), 1 ether, ""), bytes(""));
        address[2] memory allowed = [address(entryPoint), account];
        for (uint256 i = 0; i < 2; ++i) {
            vm.startPrank(allowed[i]);
            wallet.execute(BATCH, data);
            wallet.execute(BATCH_WITH_OP_DATA, data);
            wallet.execute(BATCH_WITH_OP_DATA, emptyOpData);
            vm.stopPrank();
        }
        assertEq(makeAddr("payee").balance, 6 ether);
        assertEq(wallet.nonce(), 0);
    }

    function test_fuzz_nobody_else_executes_without_approval(address caller) public {
        vm.assume(caller != address(entryPoint) && caller != account);
        Call[] memory calls = oneCall(address(target), 1 ether, "");
        bytes memory notAllowed = abi.encodeWithSelector(IKeystoreWallet.NotEntryPointOrSelf.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(notAllowed);
        wallet.execute(BATCH, abi.encode(calls));
        vm.expectRevert(notAllowed);
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls));
        vm.expectRevert(notAllowed);
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, bytes("")));
        // In this mode what follows the calls is not read.
        bytes memory withOpData = abi.encode(calls, sign(initial(), executeDigest(calls, 0)));
        vm.expectRevert(notAllowed);
        wallet.execute(BATCH, withOpData);
    }

    function test_batch_is_made_whole_or_not_at_all() public {
        Call[] memory calls = new Call[](2);
        calls[0] = Call(makeAddr("payee"), 1 ether, "");
        calls[1] = Call(address(target), 0, abi.encodeCall(Target.refuse, (7)));
        bytes memory data = abi.encode(calls, sign(initial(), executeDigest(calls, 0)));
        vm.expectRevert(abi.encodeWithSelector(Target.Refused.selector, 7));
        wallet.execute(BATCH_WITH_OP_DATA, data);
        assertEq(makeAddr("payee").balance, 0);
        assertEq(wallet.nonce(), 0);
    }

    function test_obeys_the_new_signer_and_refuses_the_old_after_a_rotation() public {
        Keystore memory next = keystore(3, 2, 1, 0);
        preconfirm(initial(), next);
        execute(next, address(target), 0, abi.encodeCall(Target.echo, ("new")));

        Call[] memory calls = oneCall(address(target), 0, "");
        bytes32 digest = executeDigest(calls, wallet.nonce());
        bytes memory data = abi.encode(calls, sign(initial(), digest));
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        wallet.execute(BATCH_WITH_OP_DATA, data);
        data = abi.encode(
            calls, abi.encodePacked(uint8(0), abi.encode(next.config, approve(initial(), digest)))
        );
        vm.expectRevert(abi.encodeWithSelector(Approvals.NotASigner.selector, 0));
        wallet.execute(BATCH_WITH_OP_DATA, data);
    }

    function test_carries_the_set_config_that_makes_its_signer_one() public {
        Keystore memory next = keystore(2, 2, 1, 0);
        Call[] memory calls = oneCall(makeAddr("payee"), 1 ether, "");
        bytes memory opData = signPreconfirming(initial(), next, executeDigest(calls, 0));
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
        assertEq(makeAddr("payee").balance, 1 ether);
        assertInForce(next);
    }

    function test_set_config_is_not_put_in_force_when_the_batch_is_not_approved() public {
        Keystore memory next = keystore(2, 2, 1, 0);
        Call[] memory calls = oneCall(makeAddr("payee"), 1 ether, "");
        bytes memory data = abi.encode(calls, signPreconfirming(initial(), next, "another digest"));
        vm.expectRevert(_badSignature);
        wallet.execute(BATCH_WITH_OP_DATA, data);
        assertInForce(initial());
    }

    function test_unknown_signature_mode_is_refused() public {
        Call[] memory calls = oneCall(address(target), 0, "");
        bytes memory opData = sign(initial(), executeDigest(calls, 0));
        opData[0] = 0x02;
        vm.expectRevert(abi.encodeWithSelector(OwnerSignature.UnknownSignatureMode.selector, 2));
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
    }

    function test_approvals_count_once() public {
        Call[] memory calls = oneCall(address(target), 0, abi.encodeCall(Target.echo, ("once")));
        bytes memory data = abi.encode(calls, sign(initial(), executeDigest(calls, 0)));
        wallet.execute(BATCH_WITH_OP_DATA, data);
        vm.expectRevert(_badSignature);
        wallet.execute(BATCH_WITH_OP_DATA, data);
    }

    function test_target_cannot_use_the_approvals_again() public {
        Call[] memory calls = oneCall(address(target), 0, abi.encodeCall(Target.reenter, ()));
        bytes memory data = abi.encode(calls, sign(initial(), executeDigest(calls, 0)));
        target.reenterWith(account, abi.encodeCall(wallet.execute, (BATCH_WITH_OP_DATA, data)));
        vm.expectRevert(_badSignature);
        wallet.execute(BATCH_WITH_OP_DATA, data);
    }

    function test_every_part_of_the_batch_is_signed() public {
        bytes memory call = abi.encodeCall(Target.echo, ("signed"));
        Call[] memory calls = oneCall(address(target), 1, call);
        bytes memory opData = sign(initial(), executeDigest(calls, 0));
        assertRefused(oneCall(makeAddr("another"), 1, call), opData);
        assertRefused(oneCall(address(target), 2, call), opData);
        assertRefused(oneCall(address(target), 1, bytes.concat(call, hex"00")), opData);
        assertRefused(new Call[](0), opData);
        Call[] memory more = new Call[](2);
        (more[0], more[1]) = (calls[0], calls[0]);
        assertRefused(more, opData);
        uint256 chainId = block.chainid;
        vm.chainId(chainId + 1);
        assertRefused(calls, opData);
        vm.chainId(chainId);
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
    }

    function test_stale_wallet_refuses_until_it_is_cured() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        vm.warp(GENESIS + 20 days);
        execute(mayBeStale, address(target), 0, "");

        vm.warp(GENESIS + 20 days + 1);
        Call[] memory calls = oneCall(address(target), 0, "");
        bytes memory data = abi.encode(calls, sign(mayBeStale, executeDigest(calls, 1)));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreWallet.Stale.selector, GENESIS + 20 days));
        wallet.execute(BATCH_WITH_OP_DATA, data);

        confirm(100, mayBeStale.config, false);
        wallet.execute(BATCH_WITH_OP_DATA, data);
    }

    function test_wallet_never_confirmed_is_stale_if_its_initial_config_can_be() public {
        Keystore memory mayBeStale = keystore(1, 5, 0, 20 days);
        id = mayBeStale.config.hash();
        account = factory.createWallet(id);
        wallet = IKeystoreWallet(account);
        Call[] memory calls = oneCall(address(target), 0, "");
        bytes memory data = abi.encode(calls, sign(mayBeStale, executeDigest(calls, 0)));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreWallet.Stale.selector, 20 days));
        wallet.execute(BATCH_WITH_OP_DATA, data);
    }

    function test_wallet_enables_an_appended_source_for_itself() public {
        address appended = makeAddr("appended");
        execute(
            initial(), address(replica), 0, abi.encodeCall(IKeystoreReplica.enableSource, (appended, true))
        );
        assertTrue(replica.isEnabled(appended, account));
    }

    function assertRefused(Call[] memory calls, bytes memory opData) private {
        vm.expectRevert(_badSignature);
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
    }
}
