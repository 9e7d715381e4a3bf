// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ConfigProof, IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestSigner} from "../../kit/TestSigner.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract ValidUntilTest is ReplicaTest {
    uint48 private constant _FOREVER = type(uint48).max;

    function initial() internal pure override returns (Keystore memory) {
        return keystore(1, 1, 0, 20 days);
    }

    function test_keystore_never_confirmed_is_stale_if_its_initial_config_can_be() public view {
        assertEq(validUntil(initial()), 20 days);
        assertLt(validUntil(initial()), block.timestamp);
    }

    function test_keystore_never_confirmed_is_fresh_if_its_initial_config_cannot_be_stale() public {
        id = keystore(1, 0).config.hash();
        assertEq(validUntil(keystore(1, 0)), _FOREVER);
    }

    function test_preconfirming_refreshes_nothing() public {
        preconfirm(initial(), keystore(1, 2, 1, 0));
        assertEq(validUntil(keystore(1, 2, 1, 0)), 20 days);
    }

    /// @dev Else a thief would preconfirm a config that is never stale, and another on top of it.
    function test_preconfirming_on_top_of_what_was_preconfirmed_changes_no_staleness() public {
        for (uint256 i = 0; i < 2; ++i) {
            if (i == 1) confirm(2, initial().config, true);
            uint48 before = validUntil(initial());
            uint256 snapshot = vm.snapshotState();
            preconfirm(initial(), keystore(1, 2, 1, 0));
            preconfirm(keystore(1, 2, 1, 0), keystore(1, 3, 2, 0));
            assertEq(validUntil(keystore(1, 3, 2, 0)), before);
            vm.revertToState(snapshot);
        }
    }

    function test_confirming_sets_the_proposal_time_and_the_confirmed_staleness() public {
        confirm(2, initial().config, true);
        assertEq(validUntil(initial()), GENESIS + 7200 + 20 days);
        Keystore memory next = keystore(1, 2, 1, 40 days);
        preconfirm(initial(), next);
        assertEq(validUntil(next), GENESIS + 7200 + 20 days);
        confirm(3, next.config, false);
        assertEq(validUntil(next), GENESIS + 10_800 + 40 days);
    }

    function test_confirmed_config_without_staleness_is_always_fresh() public {
        confirm(0, keystore(1, 2, 1, 0).config, true);
        assertEq(validUntil(keystore(1, 2, 1, 0)), _FOREVER);
    }

    function test_reads_no_clock() public {
        confirm(0, initial().config, true);
        uint48 before = validUntil(initial());
        vm.warp(GENESIS + 1000 days);
        assertEq(validUntil(initial()), before);
    }

    function test_stale_keystore_is_cured_by_confirming() public {
        vm.warp(GENESIS + 1000 days);
        preconfirm(initial(), keystore(1, 2, 1, 20 days));
        confirm(1000, keystore(1, 2, 1, 20 days).config, true);
        assertEq(validUntil(keystore(1, 2, 1, 20 days)), GENESIS + 3_600_000 + 20 days);
    }

    /// @dev Only an appended source can say such a time, and no later confirmation takes it back.
    function test_time_near_the_greatest_locks_nobody_out() public {
        uint256 last = _FOREVER;
        for (uint256 i = 0; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            uint256 proposedAt = last - 20 days - 1 + i;
            postOutput(0, proposedAt, initial().config, false);
            replica.confirm(configProof(0, initial().config), initial().config);
            assertEq(validUntil(initial()), i == 0 ? last - 1 : last);
            Approval[] memory approvals = TestSigner.approve(initial().signers, initial().signers, "digest");
            assertEq(
                replica.checkApprovals(id, account, initial().config, "digest", approvals),
                validUntil(initial())
            );
            vm.revertToState(snapshot);
        }
    }

    /// @dev Freshness counts from when an output was proposed, however old its L2 block is: what a key that was replaced since
    /// then can do with that, and what ends it.
    function test_true_output_proposed_late_freshens_the_config_that_it_proves() public {
        uint256 late = GENESIS + 200 days;
        vm.warp(late);
        assertLt(validUntil(initial()), block.timestamp);
        // From before the rotation, and not final yet.
        postOutput(0, late, initial().config, false);
        replica.confirm(configProof(0, initial().config), initial().config);
        assertEq(validUntil(initial()), late + 20 days);

        Keystore memory rotated = keystore(1, 2, 1, 20 days);
        uint256 snapshot = vm.snapshotState();
        preconfirm(initial(), rotated);
        assertInForce(rotated);
        vm.revertToState(snapshot);

        postOutput(1, late + 1, rotated.config, true);
        replica.confirm(configProof(1, rotated.config), rotated.config);
        assertInForce(rotated);
        ConfigProof memory old = configProof(0, initial().config);
        vm.expectPartialRevert(IKeystoreReplica.RootOlderThanConfirmed.selector);
        replica.confirm(old, initial().config);
    }

    function test_config_that_is_not_in_force_is_refused() public {
        Keystore memory other = keystore(2, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConfigMismatch.selector, other.config.hash(), id)
        );
        validUntil(other);
    }

    function validUntil(Keystore memory keystore_) private view returns (uint48) {
        return replica.validUntil(id, account, keystore_.config);
    }
}
