// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IKeystoreReplica, Record} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {ConfigLib, ShortConfig} from "keyroll/libraries/Config.sol";
import {SetConfigLib} from "keyroll/libraries/SetConfig.sol";
import {Keystore, RawSetConfig, TestSetConfig} from "../../kit/TestSetConfig.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract PreconfirmTest is ReplicaTest {
    function test_first_update_comes_into_force() public {
        Keystore memory next = keystore(2, 1);
        bytes memory raw = rawUpdate(initial(), next);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.Preconfirmed(id, account, 1, next.config.hash());
        replica.preconfirm(account, initial().config, raw);
        vm.snapshotGasLastCall("KeystoreReplica", "preconfirm first, secp256k1 to secp256k1");
        assertInForce(next);
        assertConfirmed(0);
    }

    function test_later_update_comes_into_force() public {
        Keystore memory first = keystore(2, 1);
        Keystore memory second = keystore(3, 2);
        preconfirm(initial(), first);
        bytes memory raw = rawUpdate(first, second);
        replica.preconfirm(account, first.config, raw);
        vm.snapshotGasLastCall("KeystoreReplica", "preconfirm later, secp256k1 to secp256k1");
        assertInForce(second);
        assertConfirmed(0);
        assertEq(replica.hashAt(id, account, 1), first.config.hash());
    }

    function test_first_update_writes_its_hash_alone() public {
        Keystore memory next = keystore(2, 1);
        bytes memory raw = rawUpdate(initial(), next);
        vm.record();
        replica.preconfirm(account, initial().config, raw);
        (, bytes32[] memory writes) = vm.accesses(address(replica));
        assertEq(writes.length, 1);
        assertEq(vm.load(address(replica), writes[0]), next.config.hash());
        assertEq(abi.encode(replica.record(id, account)), abi.encode(Record(0, 1, 0, 0, 0)));
        assertEq(replica.hashAt(id, account, 1), next.config.hash());
        assertEq(replica.hashAt(id, account, 2), 0);
        assertEq(replica.validUntil(id, account, next.config), type(uint48).max);
    }

    function test_first_update_of_a_config_that_gets_stale_writes_how_soon() public {
        Keystore memory current = keystore(1, 1, 0, 30 days);
        id = current.config.hash();
        Keystore memory next = keystore(1, 2, 1, 0);
        preconfirm(current, next);
        assertEq(abi.encode(replica.record(id, account)), abi.encode(Record(0, 1, 0, 0, 30 days)));
        assertEq(replica.validUntil(id, account, next.config), 30 days);
    }

    function test_first_update_after_a_confirmation_is_written_to_the_record() public {
        confirm(0, initial().config, true);
        preconfirm(initial(), keystore(2, 1));
        assertEq(abi.encode(replica.record(id, account)), abi.encode(Record(0, 1, GENESIS, 100, 0)));
        assertInForce(keystore(2, 1));
    }

    function test_absence_confirmed_after_the_first_update_keeps_it() public {
        preconfirm(initial(), keystore(2, 1));
        confirm(0, initial().config, true);
        assertEq(abi.encode(replica.record(id, account)), abi.encode(Record(0, 1, GENESIS, 100, 0)));
        assertInForce(keystore(2, 1));
    }

    function test_update_that_keeps_the_signers_needs_no_opening() public {
        Keystore memory next = keystore(1, 1);
        preconfirm(initial(), next);
        Keystore memory later = keystore(1, 2);
        bytes memory raw = rawUpdate(next, later);
        replica.preconfirm(account, next.config, raw);
        vm.snapshotGasLastCall("KeystoreReplica", "preconfirm later, secp256k1 kept");
        assertInForce(later);
    }

    function test_webauthn_signer_replaces_another() public {
        Keystore memory first = keystore(3, 2, 1, 0);
        Keystore memory second = keystore(3, 3, 2, 0);
        preconfirm(initial(), first);
        bytes memory raw = rawUpdate(first, second);
        replica.preconfirm(account, first.config, raw);
        vm.snapshotGasLastCall("KeystoreReplica", "preconfirm later, WebAuthn to WebAuthn");
        assertInForce(second);
    }

    function test_p256_signer_replaces_another() public {
        Keystore memory first = keystore(2, 2, 1, 0);
        preconfirm(initial(), first);
        Keystore memory second = keystore(2, 3, 2, 0);
        preconfirm(first, second);
        assertInForce(second);
    }

    function test_held_update_succeeds_without_effect() public {
        Keystore memory first = keystore(2, 1);
        preconfirm(initial(), first);
        preconfirm(first, keystore(3, 2));
        Record memory before = replica.record(id, account);
        bytes memory raw = rawUpdate(initial(), first);

        vm.recordLogs();
        vm.prank(makeAddr("stranger"));
        replica.preconfirm(account, initial().config, raw);

        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(abi.encode(replica.record(id, account)), abi.encode(before));
        assertInForce(keystore(3, 2));
    }

    function test_held_update_succeeds_without_effect_below_the_confirmed_nonce() public {
        Keystore memory first = keystore(2, 1);
        preconfirm(initial(), first);
        preconfirm(first, keystore(3, 2));
        confirm(0, keystore(3, 2).config, true);
        preconfirm(initial(), first);
        assertInForce(keystore(3, 2));
        assertConfirmed(2);
    }

    function test_updates_in_sequence_come_into_force() public {
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.Preconfirmed(id, account, 1, keystore(2, 1).config.hash());
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.Preconfirmed(id, account, 2, keystore(3, 2).config.hash());
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.Preconfirmed(id, account, 3, keystore(4, 3).config.hash());
        replica.preconfirmMany(account, initial().config, sequence());
        assertInForce(keystore(4, 3));
        assertEq(replica.hashAt(id, account, 1), keystore(2, 1).config.hash());
        assertEq(replica.hashAt(id, account, 2), keystore(3, 2).config.hash());
    }

    function test_sequence_succeeds_however_much_of_it_is_held() public {
        for (uint256 held = 1; held <= 3; ++held) {
            uint256 snapshot = vm.snapshotState();
            preconfirm(initial(), keystore(2, 1));
            if (held > 1) preconfirm(keystore(2, 1), keystore(3, 2));
            if (held > 2) preconfirm(keystore(3, 2), keystore(4, 3));
            vm.recordLogs();
            replica.preconfirmMany(account, initial().config, sequence());
            assertEq(vm.getRecordedLogs().length, 3 - held);
            assertInForce(keystore(4, 3));
            vm.revertToState(snapshot);
        }
    }

    function test_sequence_on_top_of_the_head_may_begin_with_what_is_held_below() public {
        preconfirm(initial(), keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        bytes[] memory raws = new bytes[](2);
        raws[0] = sequence()[0];
        raws[1] = sequence()[2];
        replica.preconfirmMany(account, keystore(3, 2).config, raws);
        assertInForce(keystore(4, 3));
    }

    function test_sequence_with_a_gap_is_refused_as_a_whole() public {
        bytes[] memory raws = sequence();
        raws[1] = raws[2];
        vm.expectRevert(abi.encodeWithSelector(SetConfigLib.NonceTooHigh.selector, 3, 2));
        replica.preconfirmMany(account, initial().config, raws);
        assertInForce(initial());
    }

    function test_sequence_that_conflicts_with_what_is_held_is_refused() public {
        preconfirm(initial(), keystore(9, 1));
        bytes[] memory raws = sequence();
        vm.expectRevert(
            abi.encodeWithSelector(
                IKeystoreReplica.ConflictingConfig.selector, 1, keystore(2, 1).config.hash()
            )
        );
        replica.preconfirmMany(account, initial().config, raws);
    }

    function test_sequence_on_top_of_a_config_that_is_not_in_force_is_refused() public {
        preconfirm(initial(), keystore(2, 1));
        bytes[] memory raws = new bytes[](1);
        raws[0] = rawUpdate(keystore(2, 1), keystore(3, 2));
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConfigMismatch.selector, id, keystore(2, 1).config.hash())
        );
        replica.preconfirmMany(account, initial().config, raws);
    }

    /// @dev Three updates, each on top of the one before.
    function sequence() internal view returns (bytes[] memory raws) {
        raws = new bytes[](3);
        raws[0] = rawUpdate(initial(), keystore(2, 1));
        raws[1] = rawUpdate(keystore(2, 1), keystore(3, 2));
        raws[2] = rawUpdate(keystore(3, 2), keystore(4, 3));
    }

    function test_conflicting_update_of_a_held_nonce_is_refused() public {
        preconfirm(initial(), keystore(2, 1));
        Keystore memory other = keystore(3, 1);
        bytes memory raw = rawUpdate(initial(), other);
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConflictingConfig.selector, 1, other.config.hash())
        );
        replica.preconfirm(account, initial().config, raw);
    }

    function test_accounts_of_one_keystore_are_apart() public {
        preconfirm(initial(), keystore(2, 1));
        address other = makeAddr("other account");
        assertEq(replica.configHash(id, other), id);
        replica.preconfirm(other, initial().config, rawUpdate(initial(), keystore(3, 1)));
        assertEq(replica.configHash(id, other), keystore(3, 1).config.hash());
        assertInForce(keystore(2, 1));
    }

    function test_extends_a_confirmed_config() public {
        confirm(0, keystore(2, 5).config, true);
        preconfirm(keystore(2, 5), keystore(3, 6));
        assertInForce(keystore(3, 6));
        assertConfirmed(5);
    }

    function test_current_config_that_is_not_in_force_is_refused() public {
        Keystore memory wrong = keystore(9, 0);
        bytes memory raw = rawUpdate(initial(), keystore(2, 1));
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConfigMismatch.selector, wrong.config.hash(), id)
        );
        replica.preconfirm(account, wrong.config, raw);
    }

    function test_id_of_a_config_with_another_nonce_than_zero_is_refused() public {
        Keystore memory odd = keystore(1, 4);
        id = odd.config.hash();
        bytes memory raw = rawUpdate(odd, keystore(2, 5));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.ConfigMismatch.selector, id, id));
        replica.preconfirm(account, odd.config, raw);
    }

    function test_nonce_that_skips_one_is_refused() public {
        bytes memory raw = rawUpdate(initial(), keystore(2, 2));
        vm.expectRevert(abi.encodeWithSelector(SetConfigLib.NonceTooHigh.selector, 2, 1));
        replica.preconfirm(account, initial().config, raw);
    }

    function test_recoveries_are_refused() public {
        RawSetConfig memory raw = TestSetConfig.update(L2_CHAIN_ID, id, initial(), keystore(2, 1));
        for (raw.kind = 1; raw.kind <= 2; ++raw.kind) {
            bytes memory encoded = TestSetConfig.encode(raw);
            vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.KindNotAccepted.selector, raw.kind));
            replica.preconfirm(account, initial().config, encoded);
        }
    }

    function test_signature_for_another_rollup_is_refused() public {
        RawSetConfig memory raw = TestSetConfig.update(L2_CHAIN_ID + 1, id, initial(), keystore(2, 1));
        bytes memory encoded = TestSetConfig.encode(raw);
        vm.expectRevert(abi.encodeWithSelector(SetConfigLib.WrongChainId.selector, L2_CHAIN_ID + 1));
        replica.preconfirm(account, initial().config, encoded);

        raw.chainId = L2_CHAIN_ID;
        encoded = TestSetConfig.encode(raw);
        vm.expectRevert(abi.encodeWithSelector(Approvals.BadSignature.selector, 0));
        replica.preconfirm(account, initial().config, encoded);
    }

    function test_signature_on_top_of_another_config_is_refused() public {
        // Signed on top of a config that another one replaced since.
        bytes memory raw = rawUpdate(keystore(2, 1), keystore(3, 2));
        Keystore memory actual = keystore(2, 1);
        actual.config.dataHash = keccak256("other data");
        actual.data = "other data";
        preconfirm(initial(), actual);
        vm.expectRevert(abi.encodeWithSelector(Approvals.BadSignature.selector, 0));
        replica.preconfirm(account, actual.config, raw);
    }

    function test_ill_formed_initial_config_cannot_be_replaced() public {
        Keystore memory odd = initial();
        odd.config.recoveryDelay = 5;
        id = odd.config.hash();
        bytes memory raw = rawUpdate(odd, keystore(2, 1));
        vm.expectRevert(ConfigLib.ConfigNotWellFormed.selector);
        replica.preconfirm(account, odd.config, raw);
    }

    function test_first_record_keeps_the_initial_staleness() public {
        Keystore memory stale = keystore(1, 1, 0, 20 days);
        id = stale.config.hash();
        preconfirm(stale, keystore(1, 2, 1, 0));
        assertEq(replica.record(id, account).maxStaleness, 20 days);
    }

    /// @dev Nobody but the signers moves a record: any change of any byte is refused, or has no other meaning.
    function test_fuzz_changed_bytes_are_refused(uint256 at, uint8 flip) public {
        bytes memory raw = rawUpdate(initial(), keystore(2, 1));
        raw[at % raw.length] ^= bytes1(uint8(bound(flip, 1, 255)));
        (bool success,) = address(replica)
            .call(abi.encodeCall(IKeystoreReplica.preconfirm, (account, initial().config, raw)));
        assertFalse(success);
        assertEq(replica.configHash(id, account), id);
    }
}
