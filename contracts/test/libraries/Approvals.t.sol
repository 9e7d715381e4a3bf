// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Approval} from "keyroll/libraries/Approval.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {Authority} from "keyroll/libraries/Config.sol";
import {SetConfigHarness} from "../harness/SetConfigHarness.sol";
import {TestSigner} from "../kit/TestSigner.sol";
import {VectorTest} from "../kit/VectorTest.sol";

contract ApprovalsTest is VectorTest {
    SetConfigHarness private _harness = new SetConfigHarness(false);

    /// @dev Membership is checked before signatures: a member with a bad signature is a member.
    function test_membership_is_that_of_the_vectors() public view {
        string memory json = readVectors("signer_trees.json");
        uint256 count = vm.parseJsonUint(json, ".proofsCount");
        assertGt(count, 0);
        for (uint256 i = 0; i < count; ++i) {
            Approval[] memory approvals = new Approval[](1);
            approvals[0].scheme = uint8(vm.parseJsonUint(json, path("proofs", i, "scheme")));
            approvals[0].key = vm.parseJsonBytes(json, path("proofs", i, "key"));
            approvals[0].proof = vm.parseJsonBytes32Array(json, path("proofs", i, "proof"));
            approvals[0].signature = shapedAs(approvals[0].scheme);
            bytes32 root = vm.parseJsonBytes32(json, path("proofs", i, "root"));
            try _harness.requireApproved(approvals, Authority(root, 1), 0) {
                revert("a signature of zeros is valid");
            } catch (bytes memory reason) {
                bool isMember = bytes4(reason) == Approvals.BadSignature.selector;
                if (!isMember) assertEq(bytes4(reason), Approvals.NotASigner.selector);
                assertEq(
                    isMember,
                    vm.parseJsonBool(json, path("proofs", i, "valid")),
                    vm.parseJsonString(json, path("proofs", i, "name"))
                );
            }
        }
    }

    function shapedAs(uint8 scheme) private pure returns (bytes memory) {
        if (scheme == 1) return new bytes(65);
        if (scheme == 2) return new bytes(64);
        return TestSigner.encodeWebAuthn(new bytes(37), new bytes(1), new bytes(64));
    }
}
