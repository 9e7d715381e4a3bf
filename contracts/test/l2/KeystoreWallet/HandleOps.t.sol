// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {Call} from "keyroll/libraries/Call.sol";
import {OwnerSignature} from "keyroll/libraries/OwnerSignature.sol";
import {TestEntryPoint} from "../../kit/TestEntryPoint.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {Signer, TestSigner} from "../../kit/TestSigner.sol";
import {TestSetConfig} from "../../kit/TestSetConfig.sol";
import {Target, WalletTest} from "./WalletTest.sol";

/// @notice User operations, by the EntryPoint as published.
contract HandleOpsTest is WalletTest {
    uint256 private constant _SIGNATURE_FAILED = 1;

    address private _payee = makeAddr("payee");

    function test_first_operation_deploys_the_wallet() public {
        Keystore memory owner = keystore(3, 9, 0, 0);
        id = owner.config.hash();
        account = factory.walletOf(id);
        vm.deal(account, 10 ether);
        PackedUserOperation memory op = payment();
        op.initCode = abi.encodePacked(factory, abi.encodeCall(factory.createWallet, (id)));
        assertEq(account.code.length, 0);
        handleSigned(op, owner);
        assertEq(IKeystoreWallet(account).id(), id);
        assertEq(_payee.balance, 1 ether);
    }

    function test_first_operation_may_also_put_its_signer_in_force() public {
        Keystore memory initial_ = keystore(1, 9, 0, 0);
        Keystore memory next = keystore(2, 10, 1, 0);
        id = initial_.config.hash();
        account = factory.walletOf(id);
        vm.deal(account, 10 ether);
        PackedUserOperation memory op = payment();
        op.initCode = abi.encodePacked(factory, abi.encodeCall(factory.createWallet, (id)));
        op.signature = signPreconfirming(initial_, next, entryPoint.getUserOpHash(op));
        TestEntryPoint.handle(op);
        assertEq(_payee.balance, 1 ether);
        assertInForce(next);
    }

    function test_signers_of_all_schemes_operate_the_wallet() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            handleSigned(payment(), next);
            assertEq(_payee.balance, scheme * 1 ether);
        }
    }

    function test_several_signers_operate_the_wallet_together() public {
        Signer[] memory signers = new Signer[](3);
        for (uint8 i = 0; i < 3; ++i) {
            signers[i] = Signer(i + 1, 100 + i);
        }
        Keystore memory next = TestSetConfig.keystoreOf(signers, 1, 0, "three");
        preconfirm(initial(), next);
        handleSigned(payment(), next);
        assertEq(_payee.balance, 1 ether);
    }

    function test_new_signer_puts_itself_in_force_in_its_first_operation() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory head = scheme == 1 ? initial() : keystore(scheme - 1, 10, scheme - 1, 0);
            Keystore memory next = keystore(scheme, 10, scheme, 0);
            PackedUserOperation memory op = payment();
            op.signature = signPreconfirming(head, next, entryPoint.getUserOpHash(op));
            TestEntryPoint.handle(op);
            assertInForce(next);
            assertEq(_payee.balance, scheme * 1 ether);
        }
    }

    function test_operation_stays_valid_when_somebody_else_preconfirms_first() public {
        Keystore memory next = keystore(2, 10, 1, 0);
        PackedUserOperation memory op = payment();
        op.signature = signPreconfirming(initial(), next, entryPoint.getUserOpHash(op));
        preconfirm(initial(), next);
        TestEntryPoint.handle(op);
        assertEq(_payee.balance, 1 ether);
    }

    function test_old_signer_cannot_go_on_after_the_preconfirmation_it_carries() public {
        Keystore memory next = keystore(2, 10, 1, 0);
        PackedUserOperation memory op = payment();
        bytes memory raw = rawUpdate(initial(), next);
        bytes memory approved = abi.encode(next.config, approve(initial(), entryPoint.getUserOpHash(op)));
        op.signature =
            abi.encodePacked(uint8(1), abi.encode(initial().config), uint32(raw.length), raw, approved);
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
    }

    function test_signature_of_another_key_or_over_another_digest_is_a_failed_signature() public {
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        Approval[] memory approvals = approve(initial(), keccak256("another"));
        assertEq(validate(op, initial(), approvals), _SIGNATURE_FAILED);
        assertEq(validate(op, initial(), approve(keystore(2, 0), hash)), _SIGNATURE_FAILED);
        op.signature = sign(initial(), keccak256("another"));
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
    }

    function test_what_no_digest_could_make_valid_reverts() public {
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        vm.startPrank(address(entryPoint));

        op.signature = sign(keystore(2, 1), hash);
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        wallet.validateUserOp(op, hash, 0);

        op.signature = abi.encodePacked(uint8(0), abi.encode(initial().config, new Approval[](0)));
        vm.expectRevert(abi.encodeWithSelector(Approvals.WrongApprovalCount.selector, 0, 1));
        wallet.validateUserOp(op, hash, 0);

        Approval[] memory approvals = approve(initial(), hash);
        approvals[0].scheme = 4;
        op.signature = abi.encodePacked(uint8(0), abi.encode(initial().config, approvals));
        vm.expectRevert(abi.encodeWithSelector(Approvals.MalformedApproval.selector, 0));
        wallet.validateUserOp(op, hash, 0);

        op.signature = hex"02";
        vm.expectRevert(abi.encodeWithSelector(OwnerSignature.UnknownSignatureMode.selector, 2));
        wallet.validateUserOp(op, hash, 0);

        op.signature = "";
        vm.expectRevert();
        wallet.validateUserOp(op, hash, 0);
    }

    /// @dev Whatever the offset of the approvals points at, here the zero that is the guardians' root.
    function test_head_without_approvals_approves_nothing() public {
        PackedUserOperation memory op = payment();
        op.signature = abi.encodePacked(uint8(0), abi.encode(initial().config), uint256(0x40));
        vm.expectRevert(abi.encodeWithSelector(Approvals.WrongApprovalCount.selector, 0, 1));
        vm.prank(address(entryPoint));
        wallet.validateUserOp(op, "hash", 0);
    }

    /// @dev Nothing pads signatures of 64 bytes.
    function test_zero_at_the_end_of_a_signature_is_not_understood() public {
        Keystore memory owner = keystore(2, 2, 1, 0);
        preconfirm(initial(), owner);
        PackedUserOperation memory op = payment();
        bytes memory signature;
        bytes32 hash;
        do {
            hash = keccak256(abi.encode(hash));
            signature = sign(owner, hash);
        } while (signature[signature.length - 1] != 0);
        vm.startPrank(address(entryPoint));
        op.signature = signature;
        assertEq(wallet.validateUserOp(op, hash, 0), 0);
        assembly ("memory-safe") {
            mstore(signature, sub(mload(signature), 1))
        }
        op.signature = signature;
        vm.expectRevert();
        wallet.validateUserOp(op, hash, 0);
    }

    function test_fuzz_cut_signatures_never_validate(uint256 length) public {
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        bytes memory signature = sign(initial(), hash);
        // The last 31 bytes pad the secp256k1 signature; the ABI decoder does not ask for them.
        length = bound(length, 0, signature.length - 32);
        assembly {
            mstore(signature, length)
        }
        op.signature = signature;
        vm.prank(address(entryPoint));
        try wallet.validateUserOp(op, hash, 0) returns (uint256 validationData) {
            assertEq(validationData, _SIGNATURE_FAILED);
        } catch {}
    }

    function test_fuzz_changed_signatures_never_validate_for_another_digest(uint256 at, bytes1 value) public {
        PackedUserOperation memory op = payment();
        bytes memory signature = sign(initial(), keccak256("another"));
        signature[bound(at, 0, signature.length - 1)] = value;
        op.signature = signature;
        bytes32 hash = entryPoint.getUserOpHash(op);
        vm.prank(address(entryPoint));
        try wallet.validateUserOp(op, hash, 0) returns (uint256 validationData) {
            assertEq(validationData, _SIGNATURE_FAILED);
        } catch {}
    }

    function test_validity_ends_when_the_config_becomes_stale() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        uint256 until = GENESIS + 20 days;
        assertEq(validate(op, mayBeStale, approve(mayBeStale, hash)), until << 160);

        op.signature = sign(mayBeStale, hash);
        vm.warp(until + 1);
        expectFailure("AA22 expired or not due");
        TestEntryPoint.handle(op);
        vm.warp(until);
        TestEntryPoint.handle(op);
        assertEq(_payee.balance, 1 ether);
    }

    function test_validity_has_no_end_where_a_config_is_never_stale() public {
        PackedUserOperation memory op = payment();
        assertEq(validate(op, initial(), approve(initial(), entryPoint.getUserOpHash(op))), 0);
    }

    function test_operation_counts_once() public {
        PackedUserOperation memory op = payment();
        handleSigned(op, initial());
        op.signature = sign(initial(), entryPoint.getUserOpHash(op));
        expectFailure("AA25 invalid account nonce");
        TestEntryPoint.handle(op);
    }

    function test_operation_of_one_wallet_is_not_valid_for_another_of_the_keystore() public {
        IKeystoreWallet another = anotherWallet();
        PackedUserOperation memory op = payment();
        op.signature = sign(initial(), entryPoint.getUserOpHash(op));
        op.sender = address(another);
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
    }

    function test_batch_with_a_failing_call_is_undone_and_paid() public {
        Call[] memory calls = new Call[](2);
        calls[0] = Call(_payee, 1 ether, "");
        calls[1] = Call(address(target), 0, abi.encodeCall(Target.refuse, (7)));
        PackedUserOperation memory op = operation(calls);
        op.signature = sign(initial(), entryPoint.getUserOpHash(op));
        vm.expectEmit(address(entryPoint));
        emit IEntryPoint.UserOperationRevertReason(
            entryPoint.getUserOpHash(op), account, 0, abi.encodeWithSelector(Target.Refused.selector, 7)
        );
        TestEntryPoint.handle(op);
        assertEq(_payee.balance, 0);
        assertEq(entryPoint.getNonce(account, 0), 1);
        assertLt(account.balance + entryPoint.balanceOf(account), 10 ether);
    }

    function test_target_can_reenter_neither_the_entry_point_nor_the_wallet() public {
        bytes memory theft = abi.encodeCall(wallet.execute, (BATCH, abi.encode(oneCall(_payee, 1 ether, ""))));
        PackedUserOperation[] memory ops = new PackedUserOperation[](0);
        bytes[2] memory reentries = [theft, abi.encodeCall(entryPoint.handleOps, (ops, payable(_payee)))];
        for (uint256 i = 0; i < 2; ++i) {
            target.reenterWith(i == 0 ? account : address(entryPoint), reentries[i]);
            PackedUserOperation memory op =
                operation(oneCall(address(target), 0, abi.encodeCall(Target.reenter, ())));
            op.signature = sign(initial(), entryPoint.getUserOpHash(op));
            vm.expectEmit(true, true, false, false, address(entryPoint));
            emit IEntryPoint.UserOperationRevertReason(entryPoint.getUserOpHash(op), account, i, "");
            TestEntryPoint.handle(op);
        }
        assertEq(_payee.balance, 0);
    }

    function test_fuzz_only_the_entry_point_may_have_operations_validated(address caller) public {
        vm.assume(caller != address(entryPoint));
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        op.signature = sign(initial(), hash);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreWallet.NotEntryPoint.selector, caller));
        wallet.validateUserOp(op, hash, 1 ether);
    }

    function test_wallet_sends_the_entry_point_nothing_when_that_misses_nothing() public {
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        op.signature = sign(initial(), hash);
        vm.prank(address(entryPoint));
        vm.expectCall(address(entryPoint), "", 0);
        wallet.validateUserOp(op, hash, 0);
    }

    function test_wallet_pays_what_the_entry_point_misses_and_no_more() public {
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        op.signature = sign(initial(), hash);
        vm.prank(address(entryPoint));
        wallet.validateUserOp(op, hash, 3 ether);
        assertEq(account.balance, 7 ether);
        assertEq(entryPoint.balanceOf(account), 3 ether);
    }

    /// @dev Anybody can deploy a wallet to a chain before the replica stands there.
    function test_without_a_replica_nobody_is_obeyed() public {
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        op.signature = sign(initial(), hash);
        Call[] memory calls = oneCall(_payee, 1 ether, "");
        bytes memory data = abi.encode(calls, sign(initial(), executeDigest(calls, 0)));
        bytes memory personal = sign(initial(), domainOf(account).personalDigest("message"));
        vm.etch(address(replica), "");
        vm.prank(address(entryPoint));
        vm.expectRevert();
        wallet.validateUserOp(op, hash, 0);
        vm.expectRevert();
        wallet.execute(BATCH_WITH_OP_DATA, data);
        assertEq(wallet.isValidSignature("message", personal), bytes4(0xffffffff));
    }

    function payment() private view returns (PackedUserOperation memory) {
        return operation(oneCall(_payee, 1 ether, ""));
    }

    function handleSigned(PackedUserOperation memory op, Keystore memory owner) private {
        op.signature = sign(owner, entryPoint.getUserOpHash(op));
        TestEntryPoint.handle(op);
    }

    function validate(PackedUserOperation memory op, Keystore memory owner, Approval[] memory approvals)
        private
        returns (uint256)
    {
        op.signature = abi.encodePacked(uint8(0), abi.encode(owner.config, approvals));
        bytes32 hash = entryPoint.getUserOpHash(op);
        vm.prank(address(entryPoint));
        return wallet.validateUserOp(op, hash, 0);
    }
}
