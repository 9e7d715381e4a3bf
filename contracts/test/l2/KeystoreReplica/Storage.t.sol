// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Approval} from "keyroll/libraries/Approval.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestSigner} from "../../kit/TestSigner.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

/// @notice What an account's validation reads: storage associated with the account, that is, slots
/// `keccak256(account ‖ x)` (ERC-7562).
contract StorageTest is ReplicaTest {
    uint256 private constant _RECORDS_SLOT = 2;
    uint256 private constant _HASHES_SLOT = 3;

    function test_validation_reads_only_storage_associated_with_the_account() public {
        Keystore memory first = keystore(2, 1);
        Keystore memory second = keystore(3, 2);
        assertReadsAreAssociated(initial());
        preconfirm(initial(), first);
        assertReadsAreAssociated(first);
        confirm(1, second.config, true);
        assertReadsAreAssociated(second);
    }

    function assertReadsAreAssociated(Keystore memory current) private {
        Approval[] memory approvals = TestSigner.approve(current.signers, current.signers, "digest");
        bytes32 recordSlot = associated(keccak256(abi.encode(id, _RECORDS_SLOT)));
        bytes32 hashes = keccak256(abi.encode(id, _HASHES_SLOT));
        bytes32 hashSlot = associated(keccak256(abi.encode(current.config.nonce, hashes)));
        bytes32 firstHashSlot = associated(keccak256(abi.encode(1, hashes)));
        vm.record();
        replica.checkApprovals(id, account, current.config, "digest", approvals);
        replica.validUntil(id, account, current.config);
        (bytes32[] memory reads, bytes32[] memory writes) = vm.accesses(address(replica));
        assertGt(reads.length, 0);
        assertEq(writes.length, 0);
        for (uint256 i = 0; i < reads.length; ++i) {
            assertTrue(reads[i] == recordSlot || reads[i] == hashSlot || reads[i] == firstHashSlot);
        }
    }

    function associated(bytes32 x) private view returns (bytes32) {
        return keccak256(abi.encode(account, x));
    }
}
