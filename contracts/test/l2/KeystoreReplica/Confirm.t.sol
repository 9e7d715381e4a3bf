// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ConfigProof, IKeystoreReplica, Record} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {MerklePatricia} from "keyroll/libraries/MerklePatricia.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract ConfirmTest is ReplicaTest {
    function test_finalized_output_confirms_any_nonce() public {
        ShortConfig memory config = keystore(1, 5, 9, 30 days).config;
        postOutput(3, GENESIS, config, true);
        ConfigProof memory proof = configProof(3, config);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.Confirmed(id, account, 9, config.hash(), 9, GENESIS, true);
        replica.confirm(proof, config);
        vm.snapshotGasLastCall("KeystoreReplica", "confirm first, small trie");
        assertEq(replica.configHash(id, account), config.hash());
        assertEq(abi.encode(replica.record(id, account)), abi.encode(Record(9, 9, GENESIS, 400, 30 days)));
    }

    function test_later_confirmation_replaces_the_earlier() public {
        confirm(0, keystore(2, 1).config, true);
        ShortConfig memory config = keystore(3, 2).config;
        postOutput(1, GENESIS + 3600, config, true);
        ConfigProof memory proof = configProof(1, config);
        replica.confirm(proof, config);
        vm.snapshotGasLastCall("KeystoreReplica", "confirm later, small trie");
        assertInForce(keystore(3, 2));
        assertConfirmed(2);
    }

    function test_absence_confirms_the_initial_config() public {
        confirm(0, initial().config, true);
        assertInForce(initial());
        assertEq(replica.record(id, account).asOf, GENESIS);
    }

    function test_absence_does_not_confirm_an_id_that_is_no_initial_config() public {
        Keystore memory odd = keystore(1, 4);
        postOutput(0, GENESIS, initial().config, true);
        id = odd.config.hash();
        ConfigProof memory proof = configProof(0, initial().config);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.ConfigMismatch.selector, id, id));
        replica.confirm(proof, odd.config);
    }

    function test_absence_from_a_proposed_output_confirms_the_initial_config() public {
        confirm(0, initial().config, false);
        assertEq(replica.record(id, account).asOf, GENESIS);
    }

    function test_confirming_the_held_config_keeps_the_preconfirmed_tail() public {
        preconfirm(initial(), keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        confirm(0, keystore(2, 1).config, true);
        assertInForce(keystore(3, 2));
        assertConfirmed(1);
    }

    function test_confirming_another_config_drops_the_preconfirmed_tail() public {
        preconfirm(initial(), keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        preconfirm(keystore(3, 2), keystore(4, 3));
        confirm(0, keystore(9, 2).config, true);
        assertInForce(keystore(9, 2));
        assertConfirmed(2);
        assertEq(replica.hashAt(id, account, 3), 0);
    }

    function test_what_stood_above_a_dropped_tail_is_not_held() public {
        preconfirm(initial(), keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        confirm(0, keystore(9, 1).config, true);
        // Nonce 2 was held with this hash; its base is not in force any more.
        postOutput(1, GENESIS + 3600, keystore(3, 2).config, false);
        ConfigProof memory proof = configProof(1, keystore(3, 2).config);
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConfigNotHeld.selector, 2, keystore(3, 2).config.hash())
        );
        replica.confirm(proof, keystore(3, 2).config);
    }

    function test_confirming_beyond_the_head_drops_nothing_that_is_in_force() public {
        preconfirm(initial(), keystore(2, 1));
        confirm(0, keystore(7, 5).config, true);
        assertInForce(keystore(7, 5));
    }

    function test_other_config_of_the_confirmed_nonce_replaces_it() public {
        // A lying proposer and a stolen key confirmed this one; a finalized output says better.
        preconfirm(initial(), keystore(6, 1));
        confirm(0, keystore(6, 1).config, false);
        assertConfirmed(1);
        confirm(1, keystore(2, 1).config, true);
        assertInForce(keystore(2, 1));
        assertConfirmed(1);
    }

    function test_proposed_output_never_confirms_a_nonce_below_the_confirmed_one() public {
        preconfirm(initial(), keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        confirm(0, keystore(3, 2).config, true);
        postOutput(1, GENESIS + 3600, keystore(2, 1).config, false);
        ConfigProof memory proof = configProof(1, keystore(2, 1).config);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.NonceBelowConfirmed.selector, 1, 2));
        replica.confirm(proof, keystore(2, 1).config);
    }

    /// @dev Without this, whoever had an old key once, and a proposer for an hour, would keep the account until the owner
    /// had made as many updates as the thief, who makes a hundred in one transaction.
    function test_final_output_overrules_what_a_lying_one_confirmed_far_ahead() public {
        confirm(0, initial().config, true);
        Keystore memory current = initial();
        for (uint64 nonce = 1; nonce <= 5; ++nonce) {
            preconfirm(current, keystore(66, nonce));
            current = keystore(66, nonce);
        }
        confirm(1, current.config, false);
        assertConfirmed(5);
        // The challenger deletes that output; one that stands says that the owner, too, made an update.
        replica.updateRoot(outputProof(output(1, 0, 0), false, GENESIS / 12 + 500, GENESIS + 6000));
        confirm(2, keystore(2, 1).config, true);
        assertConfirmed(1);
        assertInForce(keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        assertInForce(keystore(3, 2));
    }

    /// @dev The hash of the lie's nonce 1 stays in storage. Of a record that was never written it would make the head.
    function test_final_absence_overrules_a_lie_down_to_the_initial_config() public {
        preconfirm(initial(), keystore(66, 1));
        confirm(0, keystore(66, 1).config, false);
        assertConfirmed(1);
        confirm(1, initial().config, true);
        assertConfirmed(0);
        assertInForce(initial());
        preconfirm(initial(), keystore(2, 1));
        assertInForce(keystore(2, 1));
    }

    /// @dev What stands in storage below the confirmed nonce need not be what the configs above it were built on.
    function test_overruling_drops_the_tail_though_the_config_was_held_once() public {
        preconfirm(initial(), keystore(2, 1));
        bytes[] memory lies = new bytes[](2);
        lies[0] = rawUpdate(initial(), keystore(66, 1));
        lies[1] = rawUpdate(keystore(66, 1), keystore(66, 2));
        postOutput(0, GENESIS, keystore(66, 2).config, false);
        replica.confirmSigned(configProof(0, keystore(66, 2).config), initial().config, lies);
        assertInForce(keystore(66, 2));
        confirm(1, keystore(2, 1).config, true);
        assertConfirmed(1);
        assertInForce(keystore(2, 1));
    }

    function test_older_output_is_refused() public {
        confirm(1, keystore(2, 5).config, true);
        postOutput(0, GENESIS, keystore(2, 5).config, true);
        ConfigProof memory proof = configProof(0, keystore(2, 5).config);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.RootOlderThanConfirmed.selector, 100, 200));
        replica.confirm(proof, keystore(2, 5).config);
    }

    function test_same_output_may_confirm_again() public {
        confirm(0, keystore(2, 1).config, true);
        replica.confirm(configProof(0, keystore(2, 1).config), keystore(2, 1).config);
        assertConfirmed(1);
    }

    function test_proposed_output_confirms_a_held_config() public {
        preconfirm(initial(), keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        confirm(2, keystore(2, 1).config, false);
        assertConfirmed(1);
        assertInForce(keystore(3, 2));
        assertEq(replica.record(id, account).asOf, GENESIS + 7200);
    }

    function test_proposed_output_does_not_confirm_an_unknown_config() public {
        postOutput(0, GENESIS, keystore(2, 1).config, false);
        ConfigProof memory proof = configProof(0, keystore(2, 1).config);
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConfigNotHeld.selector, 1, keystore(2, 1).config.hash())
        );
        replica.confirm(proof, keystore(2, 1).config);
    }

    function test_freshness_is_never_lost() public {
        // One L2 block, proposed twice: the replica saw the later one first.
        preconfirm(initial(), keystore(2, 1));
        postOutput(0, GENESIS + 500, keystore(2, 1).config, false);
        replica.confirm(configProof(0, keystore(2, 1).config), keystore(2, 1).config);
        postOutput(0, GENESIS + 100, keystore(2, 1).config, true);
        replica.confirm(configProof(0, keystore(2, 1).config), keystore(2, 1).config);
        assertEq(replica.record(id, account).asOf, GENESIS + 500);
    }

    function test_unknown_output_is_refused() public {
        ConfigProof memory proof = configProof(4, keystore(2, 1).config);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.RootUnknown.selector, address(source), 4));
        replica.confirm(proof, keystore(2, 1).config);
    }

    function test_deleted_output_is_refused() public {
        preconfirm(initial(), keystore(2, 1));
        postOutput(4, GENESIS, keystore(2, 1).config, false);
        replica.updateRoot(outputProof(output(4, 0, 0), false, GENESIS / 12 + 1, GENESIS + 12));
        ConfigProof memory proof = configProof(4, keystore(2, 1).config);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.RootUnknown.selector, address(source), 4));
        replica.confirm(proof, keystore(2, 1).config);
    }

    function test_config_that_is_not_the_proven_one_is_refused() public {
        postOutput(0, GENESIS, keystore(2, 1).config, true);
        ConfigProof memory proof = configProof(0, keystore(2, 1).config);
        ShortConfig memory other = keystore(3, 1).config;
        vm.expectRevert(
            abi.encodeWithSelector(
                IKeystoreReplica.ConfigMismatch.selector, other.hash(), keystore(2, 1).config.hash()
            )
        );
        replica.confirm(proof, other);
    }

    function test_proof_of_another_keystore_is_refused() public {
        postOutput(0, GENESIS, keystore(2, 1).config, true);
        ConfigProof memory proof = configProof(0, keystore(2, 1).config);
        proof.id = keystore(1, 5, 0, 0).config.hash();
        (bool success,) =
            address(replica).call(abi.encodeCall(IKeystoreReplica.confirm, (proof, keystore(2, 1).config)));
        assertFalse(success);
    }

    function test_proof_against_another_root_is_refused() public {
        postOutput(0, GENESIS, keystore(2, 1).config, true);
        ConfigProof memory proof = configProof(0, keystore(3, 1).config);
        vm.expectPartialRevert(MerklePatricia.ProofNodeMismatch.selector);
        replica.confirm(proof, keystore(3, 1).config);
    }
}
