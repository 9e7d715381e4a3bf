// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {
    ConfigProof,
    IKeystoreReplica,
    OutputProof,
    ReplicaParameters
} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {FakeSource} from "../../kit/FakeSource.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract SourcesTest is ReplicaTest {
    FakeSource private _appended = new FakeSource();

    function test_built_in_source_is_active_from_the_start() public view {
        assertTrue(replica.isBuiltIn(address(source)));
        assertEq(replica.activeAt(address(source)), 1);
    }

    function test_parameters_are_readable() public view {
        assertEq(replica.outputOracle(), oracle);
        assertEq(replica.l2ChainId(), L2_CHAIN_ID);
        assertEq(replica.challengePeriod(), CHALLENGE_PERIOD);
        assertEq(replica.minRecoveryDelay(), MIN_RECOVERY_DELAY);
        assertEq(replica.sourceAdmin(), admin);
    }

    function test_replica_without_a_source_is_refused() public {
        ReplicaParameters memory p = parameters();
        p.sources = new address[](0);
        vm.expectRevert(IKeystoreReplica.NoBuiltInSource.selector);
        new KeystoreReplica(p);
    }

    function test_repeated_built_in_source_is_refused() public {
        ReplicaParameters memory p = parameters();
        p.sources = new address[](2);
        p.sources[0] = p.sources[1] = address(source);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.SourceAlreadyKnown.selector, address(source)));
        new KeystoreReplica(p);
    }

    function test_zero_as_a_source_is_refused() public {
        ReplicaParameters memory p = parameters();
        p.sources[0] = address(0);
        vm.expectRevert(IKeystoreReplica.SourceZero.selector);
        new KeystoreReplica(p);
    }

    function test_only_the_admin_appends() public {
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.NotSourceAdmin.selector, address(this)));
        replica.appendSource(address(_appended));
    }

    function test_known_source_is_not_appended_again() public {
        vm.startPrank(admin);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.SourceAlreadyKnown.selector, address(source)));
        replica.appendSource(address(source));
        replica.appendSource(address(_appended));
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.SourceAlreadyKnown.selector, address(_appended))
        );
        replica.appendSource(address(_appended));
    }

    function test_appended_source_vouches_after_thirty_days() public {
        vm.prank(admin);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.SourceAppended(address(_appended), GENESIS + 30 days);
        replica.appendSource(address(_appended));
        assertFalse(replica.isBuiltIn(address(_appended)));

        OutputProof memory proof = appendedProof();
        vm.warp(GENESIS + 30 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.SourceNotActive.selector, address(_appended)));
        replica.updateRoot(proof);

        vm.warp(GENESIS + 30 days);
        replica.updateRoot(proof);
        assertFalse(replica.root(address(_appended), 0).builtIn);
    }

    function test_appended_source_counts_for_accounts_that_enabled_it() public {
        vm.prank(admin);
        replica.appendSource(address(_appended));
        vm.warp(GENESIS + 30 days);
        replica.updateRoot(appendedProof());
        ConfigProof memory proof = configProof(0, keystore(2, 1).config);
        proof.source = address(_appended);

        bytes memory notEnabled =
            abi.encodeWithSelector(IKeystoreReplica.SourceNotEnabled.selector, address(_appended), account);
        vm.expectRevert(notEnabled);
        replica.confirm(proof, keystore(2, 1).config);

        // Somebody else's consent does not count.
        replica.enableSource(address(_appended), true);
        vm.expectRevert(notEnabled);
        replica.confirm(proof, keystore(2, 1).config);

        vm.prank(account);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.SourceEnabled(address(_appended), account, true);
        replica.enableSource(address(_appended), true);
        assertTrue(replica.isEnabled(address(_appended), account));
        replica.confirm(proof, keystore(2, 1).config);
        assertConfirmed(1);

        vm.prank(account);
        replica.enableSource(address(_appended), false);
        vm.expectRevert(notEnabled);
        replica.confirm(proof, keystore(2, 1).config);
    }

    function test_nobody_as_admin_appends_nothing(address caller) public {
        vm.assume(caller != address(0));
        ReplicaParameters memory p = parameters();
        p.sourceAdmin = address(0);
        KeystoreReplica adminless = new KeystoreReplica(p);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.NotSourceAdmin.selector, caller));
        adminless.appendSource(address(_appended));
    }

    function appendedProof() private returns (OutputProof memory proof) {
        bytes32 keystoreRoot = TestTrie.rootOf(keystoreTrie(keystore(2, 1).config));
        uint256 finalizedAt = GENESIS + CHALLENGE_PERIOD;
        proof = outputProof(output(0, GENESIS, keystoreRoot), true, finalizedAt / 12, finalizedAt);
        proof.source = address(_appended);
        _appended.vouch(keccak256(proof.header));
    }
}
