// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ConfigProof, IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {Keystore, RawSetConfig, TestSetConfig} from "../../kit/TestSetConfig.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract ConfirmSignedTest is ReplicaTest {
    function test_signed_updates_lead_from_the_confirmed_config_to_the_proven() public {
        bytes[] memory raws = updates(initial(), keystore(2, 1), keystore(3, 2));
        ConfigProof memory proof = post(0, keystore(3, 2));
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.Confirmed(id, account, 2, keystore(3, 2).config.hash(), 2, GENESIS, false);
        replica.confirmSigned(proof, initial().config, raws);
        assertInForce(keystore(3, 2));
        assertConfirmed(2);
    }

    function test_conflicting_tail_is_replaced() public {
        preconfirm(initial(), keystore(8, 1));
        preconfirm(keystore(8, 1), keystore(9, 2));
        preconfirm(keystore(9, 2), keystore(9, 3));
        replica.confirmSigned(
            post(0, keystore(3, 2)), initial().config, updates(initial(), keystore(2, 1), keystore(3, 2))
        );
        assertInForce(keystore(3, 2));
        assertConfirmed(2);
    }

    function test_agreeing_tail_stays() public {
        preconfirm(initial(), keystore(2, 1));
        preconfirm(keystore(2, 1), keystore(3, 2));
        preconfirm(keystore(3, 2), keystore(4, 3));
        replica.confirmSigned(
            post(0, keystore(3, 2)), initial().config, updates(initial(), keystore(2, 1), keystore(3, 2))
        );
        assertInForce(keystore(4, 3));
        assertConfirmed(2);
    }

    function test_starts_from_the_confirmed_config_not_from_the_head() public {
        confirm(0, keystore(2, 1).config, true);
        preconfirm(keystore(2, 1), keystore(8, 2));
        bytes[] memory raws = new bytes[](1);
        raws[0] = rawUpdate(keystore(2, 1), keystore(3, 2));
        ConfigProof memory proof = post(1, keystore(3, 2));
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        replica.confirmSigned(proof, keystore(8, 2).config, raws);
        replica.confirmSigned(proof, keystore(2, 1).config, raws);
        assertInForce(keystore(3, 2));
    }

    function test_updates_that_end_elsewhere_are_refused() public {
        bytes[] memory raws = updates(initial(), keystore(2, 1), keystore(3, 2));
        ConfigProof memory proof = post(0, keystore(4, 2));
        vm.expectRevert(
            abi.encodeWithSelector(
                IKeystoreReplica.ConfigMismatch.selector,
                keystore(3, 2).config.hash(),
                keystore(4, 2).config.hash()
            )
        );
        replica.confirmSigned(proof, initial().config, raws);
    }

    function test_no_updates_confirm_only_the_confirmed_config() public {
        ConfigProof memory proof = post(0, keystore(2, 1));
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        replica.confirmSigned(proof, initial().config, new bytes[](0));
    }

    function test_lying_proposer_without_a_key_confirms_nothing() public {
        RawSetConfig memory raw = TestSetConfig.update(L2_CHAIN_ID, id, keystore(66, 0), keystore(66, 1));
        raw.initial = TestSetConfig.encodeConfig(initial().config, initial().data);
        bytes[] memory raws = new bytes[](1);
        raws[0] = TestSetConfig.encode(raw);
        ConfigProof memory proof = post(0, keystore(66, 1));
        vm.expectRevert(abi.encodeWithSelector(Approvals.NotASigner.selector, 0));
        replica.confirmSigned(proof, initial().config, raws);
    }

    function test_update_of_another_keystore_is_refused() public {
        ConfigProof memory proof = post(0, keystore(3, 2));
        bytes[] memory raws = new bytes[](1);
        Keystore memory other = keystore(5, 0);
        bytes32 otherId = other.config.hash();
        raws[0] = TestSetConfig.encode(TestSetConfig.update(L2_CHAIN_ID, otherId, other, keystore(2, 1)));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.KeystoreMismatch.selector, otherId, id));
        replica.confirmSigned(proof, initial().config, raws);
    }

    function test_recovery_among_the_updates_is_refused() public {
        RawSetConfig memory raw = TestSetConfig.update(L2_CHAIN_ID, id, initial(), keystore(2, 1));
        raw.kind = 2;
        bytes[] memory raws = new bytes[](1);
        raws[0] = TestSetConfig.encode(raw);
        ConfigProof memory proof = post(0, keystore(2, 1));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.KindNotAccepted.selector, 2));
        replica.confirmSigned(proof, initial().config, raws);
    }

    function test_finalized_output_confirms_as_well() public {
        bytes[] memory raws = updates(initial(), keystore(2, 1), keystore(3, 2));
        postOutput(0, GENESIS, keystore(3, 2).config, true);
        replica.confirmSigned(configProof(0, keystore(3, 2).config), initial().config, raws);
        assertConfirmed(2);
    }

    function post(uint256 index, Keystore memory keystore_) private returns (ConfigProof memory) {
        postOutput(index, GENESIS + 3600 * index, keystore_.config, false);
        return configProof(index, keystore_.config);
    }

    function updates(Keystore memory from, Keystore memory through, Keystore memory to)
        private
        view
        returns (bytes[] memory raws)
    {
        raws = new bytes[](2);
        raws[0] = rawUpdate(from, through);
        raws[1] = rawUpdate(through, to);
    }
}
