// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {Keystore, TestSetConfig} from "../../kit/TestSetConfig.sol";
import {Signer, TestSigner} from "../../kit/TestSigner.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract CheckApprovalsTest is ReplicaTest {
    bytes32 private constant _DIGEST = keccak256("digest");

    function test_signers_in_force_are_obeyed() public {
        assertEq(check(initial(), approve(initial())), type(uint48).max);
        preconfirm(initial(), keystore(2, 1));
        assertEq(check(keystore(2, 1), approve(keystore(2, 1))), type(uint48).max);
    }

    function test_replaced_signers_are_refused() public {
        preconfirm(initial(), keystore(2, 1));
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConfigMismatch.selector, id, keystore(2, 1).config.hash())
        );
        check(initial(), approve(initial()));

        vm.expectRevert(abi.encodeWithSelector(Approvals.NotASigner.selector, 0));
        check(keystore(2, 1), approve(initial()));
    }

    function test_threshold_of_zero_is_refused() public {
        ShortConfig memory config = initial().config;
        config.signers.threshold = 0;
        vm.expectRevert(Approvals.ThresholdZero.selector);
        replica.checkApprovals(config.hash(), account, config, _DIGEST, new Approval[](0));
    }

    function test_malformed_approvals_are_refused() public {
        bytes memory malformed = abi.encodeWithSelector(Approvals.MalformedApproval.selector, 0);
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory keystore_ = keystore(scheme, 1, 0, 0);
            Approval[] memory approvals = approve(keystore_);
            bytes memory key = approvals[0].key;
            approvals[0].key = bytes.concat(key, hex"00");
            vm.expectRevert(malformed);
            check(keystore_, approvals);
            approvals[0].key = key;
            bytes memory signature = approvals[0].signature;
            approvals[0].signature = "";
            vm.expectRevert();
            check(keystore_, approvals);
            approvals[0].signature = bytes.concat(signature, hex"00");
            vm.expectRevert();
            check(keystore_, approvals);
            approvals[0].signature = signature;
            approvals[0].scheme = 4;
            vm.expectRevert(malformed);
            check(keystore_, approvals);
        }
    }

    function test_three_schemes_approve_together() public {
        Signer[] memory tree = new Signer[](5);
        for (uint8 i = 0; i < 5; ++i) {
            tree[i] = Signer(i % 3 + 1, 10 + i);
        }
        Keystore memory keystore_ = TestSetConfig.keystoreOf(tree, 0, 0, "");
        keystore_.config.signers.threshold = 3;
        Signer[] memory some = new Signer[](3);
        (some[0], some[1], some[2]) = (tree[4], tree[0], tree[2]);
        Approval[] memory approvals = TestSigner.approve(some, tree, _DIGEST);
        check(keystore_, approvals);

        (approvals[0], approvals[1]) = (approvals[1], approvals[0]);
        vm.expectRevert(abi.encodeWithSelector(Approvals.ApprovalsNotAscending.selector, 1));
        check(keystore_, approvals);

        approvals[0] = approvals[1];
        vm.expectRevert(abi.encodeWithSelector(Approvals.ApprovalsNotAscending.selector, 1));
        check(keystore_, approvals);

        approvals = TestSigner.approve(tree, tree, _DIGEST);
        vm.expectRevert(abi.encodeWithSelector(Approvals.WrongApprovalCount.selector, 5, 3));
        check(keystore_, approvals);
    }

    function test_proof_of_twenty_one_siblings_is_refused() public {
        Approval[] memory approvals = approve(initial());
        for (uint256 length = 20; length <= 21; ++length) {
            Keystore memory keystore_ = initial();
            approvals[0].proof = new bytes32[](length);
            bytes32 node = keystore_.config.signers.root;
            for (uint256 i = 0; i < length; ++i) {
                // Zero siblings come first in their pairs.
                node = keccak256(abi.encode(bytes32(0), node));
            }
            keystore_.config.signers.root = node;
            if (length == 21) vm.expectRevert(abi.encodeWithSelector(Approvals.NotASigner.selector, 0));
            check(keystore_, approvals);
        }
    }

    function test_key_in_two_schemes_counts_once() public {
        Signer[] memory tree = new Signer[](2);
        (tree[0], tree[1]) = (Signer(2, 7), Signer(3, 7));
        Keystore memory keystore_ = TestSetConfig.keystoreOf(tree, 0, 0, "");
        Approval[] memory approvals = TestSigner.approve(tree, tree, _DIGEST);
        vm.expectRevert(abi.encodeWithSelector(Approvals.ApprovalsNotAscending.selector, 1));
        check(keystore_, approvals);
    }

    function test_fuzz_any_other_digest_is_refused(bytes32 digest) public {
        vm.assume(digest != _DIGEST);
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory keystore_ = keystore(scheme, 1, 0, 0);
            Approval[] memory approvals = approve(keystore_);
            vm.expectRevert(abi.encodeWithSelector(Approvals.BadSignature.selector, 0));
            replica.checkApprovals(keystore_.config.hash(), account, keystore_.config, digest, approvals);
        }
    }

    function check(Keystore memory keystore_, Approval[] memory approvals) private view returns (uint48) {
        bytes32 keystoreId = keystore_.config.nonce == 0 ? keystore_.config.hash() : id;
        return replica.checkApprovals(keystoreId, account, keystore_.config, _DIGEST, approvals);
    }

    function approve(Keystore memory keystore_) private pure returns (Approval[] memory) {
        return TestSigner.approve(keystore_.signers, keystore_.signers, _DIGEST);
    }
}
