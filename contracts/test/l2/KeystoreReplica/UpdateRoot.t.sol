// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IKeystoreReplica, OutputProof, Root} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {MerklePatricia} from "keyroll/libraries/MerklePatricia.sol";
import {SharedProofs} from "../../kit/SharedProofs.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract UpdateRootTest is ReplicaTest {
    bytes32 private constant _KEYSTORE_ROOT = keccak256("keystore root");

    Output private _output = output(7, GENESIS, _KEYSTORE_ROOT);

    function test_standing_output_is_stored_as_proposed() public {
        OutputProof memory proof = outputProof(_output, true, 1000, GENESIS + CHALLENGE_PERIOD - 1);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.RootUpdated(address(source), 7, _KEYSTORE_ROOT, 800, GENESIS, 1000, false);
        replica.updateRoot(proof);
        vm.snapshotGasLastCall("KeystoreReplica", "updateRoot first, small tries");
        assertRoot(Root(_KEYSTORE_ROOT, 800, GENESIS, 1000, false, true));
    }

    function test_output_seen_after_its_challenge_period_is_finalized() public {
        OutputProof memory proof = outputProof(_output, true, 1000, GENESIS + CHALLENGE_PERIOD);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.RootUpdated(address(source), 7, _KEYSTORE_ROOT, 800, GENESIS, 1000, true);
        replica.updateRoot(proof);
        assertRoot(Root(_KEYSTORE_ROOT, 800, GENESIS, 1000, true, true));
    }

    function test_local_time_finalizes_nothing() public {
        vm.warp(GENESIS + 10 * CHALLENGE_PERIOD);
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS + 1));
        assertFalse(replica.root(address(source), 7).finalized);
    }

    function test_finalized_root_never_changes() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS + CHALLENGE_PERIOD));
        OutputProof memory absent = outputProof(_output, false, 1001, GENESIS + CHALLENGE_PERIOD + 12);
        updateWithoutEffect(absent);
        assertRoot(Root(_KEYSTORE_ROOT, 800, GENESIS, 1000, true, true));
    }

    function test_proposed_root_yields_to_another_from_a_later_block() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS));
        Output memory other = output(7, GENESIS + 60, keccak256("corrected"));
        replica.updateRoot(outputProof(other, true, 1005, GENESIS + 60));
        assertRoot(Root(keccak256("corrected"), 800, GENESIS + 60, 1005, false, true));
    }

    function test_proposed_root_becomes_finalized() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS));
        replica.updateRoot(outputProof(_output, true, 90_000, GENESIS + CHALLENGE_PERIOD));
        assertTrue(replica.root(address(source), 7).finalized);
    }

    function test_block_at_or_before_the_one_last_seen_changes_nothing() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS));
        Output memory other = output(7, GENESIS, keccak256("other"));
        for (uint256 number = 999; number <= 1000; ++number) {
            updateWithoutEffect(outputProof(_output, true, number, GENESIS + CHALLENGE_PERIOD));
            updateWithoutEffect(outputProof(other, true, number, GENESIS + CHALLENGE_PERIOD));
            updateWithoutEffect(outputProof(_output, false, number, GENESIS));
        }
        assertRoot(Root(_KEYSTORE_ROOT, 800, GENESIS, 1000, false, true));
    }

    function test_block_before_the_one_last_seen_is_refused_unless_it_is_vouched_for() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS));
        OutputProof memory proof = outputProof(_output, true, 999, GENESIS);
        proof.header = TestL1.encodeHeader(keccak256("made up"), 999, GENESIS);
        vm.expectPartialRevert(IKeystoreReplica.L1BlockHashNotVouched.selector);
        replica.updateRoot(proof);
    }

    function test_absence_deletes_a_proposed_root() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS));
        OutputProof memory absent = outputProof(_output, false, 1001, GENESIS + 12);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.RootDeleted(address(source), 7, 1001);
        replica.updateRoot(absent);
        assertRoot(Root(0, 0, 0, 1001, false, true));
    }

    function test_older_proof_cannot_bring_a_deleted_root_back() public {
        OutputProof memory older = outputProof(_output, true, 1000, GENESIS);
        replica.updateRoot(outputProof(_output, false, 1001, GENESIS + 12));
        updateWithoutEffect(older);
        assertRoot(Root(0, 0, 0, 1001, false, true));
    }

    function test_output_proposed_again_after_its_deletion_is_taken() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS));
        replica.updateRoot(outputProof(_output, false, 1001, GENESIS + 12));
        Output memory again = output(7, GENESIS + 24, keccak256("the truth"));
        replica.updateRoot(outputProof(again, true, 1002, GENESIS + 24));
        assertEq(replica.root(address(source), 7).keystoreRoot, keccak256("the truth"));
    }

    function test_empty_storage_of_the_oracle_is_absence() public {
        OutputProof memory proof = outputProof(_output, false, 1000, GENESIS);
        TestTrie.Entry[] memory state = TestL1.accountEntry(oracle, MerklePatricia.EMPTY_TRIE_ROOT);
        proof.header = TestL1.encodeHeader(TestTrie.rootOf(state), 1000, GENESIS);
        proof.accountProof = SharedProofs.joined(TestTrie.proofOf(state, state[0].key, false));
        proof.storageProof = "";
        source.vouch(keccak256(proof.header));
        replica.updateRoot(proof);
        assertEq(replica.root(address(source), 7).l1BlockNumber, 1000);
        assertEq(replica.root(address(source), 7).l1Timestamp, 0);
    }

    function test_oracle_that_is_not_there_yet_proves_nothing() public {
        OutputProof memory proof = outputProof(_output, false, 1000, GENESIS);
        TestTrie.Entry[] memory state = TestL1.accountEntry(makeAddr("someone else"), _KEYSTORE_ROOT);
        proof.header = TestL1.encodeHeader(TestTrie.rootOf(state), 1000, GENESIS);
        proof.accountProof =
            SharedProofs.joined(TestTrie.proofOf(state, keccak256(abi.encodePacked(oracle)), false));
        source.vouch(keccak256(proof.header));
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.AccountAbsent.selector, oracle));
        replica.updateRoot(proof);
    }

    function test_header_that_the_source_does_not_vouch_for_is_refused() public {
        OutputProof memory proof = outputProof(_output, true, 1000, GENESIS);
        proof.header = TestL1.encodeHeader(keccak256("made up"), 1000, GENESIS);
        bytes32 hash = keccak256(proof.header);
        vm.expectRevert(
            abi.encodeWithSelector(IKeystoreReplica.L1BlockHashNotVouched.selector, address(source), hash)
        );
        replica.updateRoot(proof);
    }

    function test_unknown_source_is_refused() public {
        OutputProof memory proof = outputProof(_output, true, 1000, GENESIS);
        proof.source = makeAddr("a source of one's own");
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.SourceNotActive.selector, proof.source));
        replica.updateRoot(proof);
    }

    function test_every_part_of_the_output_is_pinned(uint8 part, uint256 change) public {
        OutputProof memory proof = outputProof(_output, true, 1000, GENESIS);
        change = bound(change, 1, type(uint256).max);
        part = uint8(bound(part, 0, 5));
        if (part == 0) proof.output.stateRoot ^= bytes32(change);
        if (part == 1) proof.output.keystoreRoot ^= bytes32(change);
        if (part == 2) proof.output.blockHash ^= bytes32(change);
        if (part == 3) proof.output.l1Timestamp ^= change;
        if (part == 4) proof.output.l2BlockNumber ^= change;
        if (part == 5) proof.output.inputsHash ^= bytes32(change);
        vm.expectPartialRevert(IKeystoreReplica.OutputMismatch.selector);
        replica.updateRoot(proof);
    }

    function test_proof_of_one_output_is_none_of_another() public {
        OutputProof memory proof = outputProof(_output, true, 1000, GENESIS);
        proof.output.index = 8;
        (bool success,) = address(replica).call(abi.encodeCall(IKeystoreReplica.updateRoot, (proof)));
        // Where the path to output 7 happens to show that 8 is absent, that is what is learnt.
        assertEq(replica.root(address(source), 8).l1Timestamp, 0);
        assertEq(replica.root(address(source), 8).l1BlockNumber, success ? 1000 : 0);
    }

    function test_roots_of_different_sources_are_apart() public {
        replica.updateRoot(outputProof(_output, true, 1000, GENESIS));
        assertEq(replica.root(makeAddr("another source"), 7).l1BlockNumber, 0);
    }

    function updateWithoutEffect(OutputProof memory proof) private {
        vm.startStateDiffRecording();
        vm.recordLogs();
        replica.updateRoot(proof);
        assertEq(vm.getRecordedLogs().length, 0);
        Vm.AccountAccess[] memory accesses = vm.stopAndReturnStateDiff();
        for (uint256 i = 0; i < accesses.length; ++i) {
            for (uint256 j = 0; j < accesses[i].storageAccesses.length; ++j) {
                assertFalse(accesses[i].storageAccesses[j].isWrite);
            }
        }
    }

    function assertRoot(Root memory expected) private view {
        assertEq(abi.encode(replica.root(address(source), 7)), abi.encode(expected));
    }
}
