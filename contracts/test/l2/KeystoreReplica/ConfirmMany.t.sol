// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {
    ConfigProof,
    Confirmation,
    IKeystoreReplica,
    Record
} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {MerklePatricia} from "keyroll/libraries/MerklePatricia.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {Rlp} from "keyroll/libraries/Rlp.sol";
import {FakeSource} from "../../kit/FakeSource.sol";
import {SharedProofs} from "../../kit/SharedProofs.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {Transaction} from "../../kit/Transaction.sol";
import {WideTrie} from "../../kit/WideTrie.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract ConfirmManyTest is ReplicaTest {
    struct Many {
        bytes32 keystoreRoot;
        Confirmation[] items;
        bytes[][] proofs;
    }

    function test_forty_accounts_in_a_trie_of_a_million_are_confirmed_at_once() public {
        Many memory many = wide(40);
        post(0, many.keystoreRoot, true);
        bytes memory data = abi.encodeCall(replica.confirmMany, (address(source), 0, many.items));
        vm.cool(address(replica));
        replica.confirmMany(address(source), 0, many.items);
        uint256 each = Transaction.gasOf(data, vm.lastCallGas().gasTotalUsed) / 40;
        vm.snapshotValue("KeystoreReplica", "confirmMany of 40 in a million, each, whole transaction", each);
        for (uint256 i = 0; i < many.items.length; ++i) {
            assertConfirmed(many.items[i]);
        }
    }

    function test_confirms_with_the_events_of_confirm() public {
        Many memory many = wide(3);
        post(5, many.keystoreRoot, true);
        for (uint256 i = 0; i < 3; ++i) {
            Confirmation memory item = many.items[i];
            vm.expectEmit(address(replica));
            emit IKeystoreReplica.Confirmed(
                item.id, item.account, 7, item.config.hash(), 7, GENESIS + 18_000, true
            );
        }
        replica.confirmMany(address(source), 5, many.items);
    }

    function test_no_items_confirm_nothing() public {
        Many memory many = wide(1);
        post(0, many.keystoreRoot, true);
        vm.recordLogs();
        replica.confirmMany(address(source), 0, new Confirmation[](0));
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_unknown_output_is_refused() public {
        Many memory many = wide(2);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.RootUnknown.selector, source, 9));
        replica.confirmMany(address(source), 9, many.items);
    }

    function test_initial_configs_of_the_empty_trie_need_no_nodes() public {
        post(0, MerklePatricia.EMPTY_TRIE_ROOT, true);
        Confirmation[] memory items = new Confirmation[](1);
        items[0] = Confirmation(id, account, initial().config, 0, "");
        replica.confirmMany(address(source), 0, items);
        assertConfirmed(items[0]);
    }

    function test_bad_items_are_left_out_and_the_others_confirmed() public {
        Many memory many = wide(12);
        Confirmation[] memory items = many.items;
        bytes[] memory reasons = new bytes[](12);
        post(0, many.keystoreRoot, true);

        confirmAlone(1, items[1], keystore(9, 20).config);
        reasons[1] = abi.encodeWithSelector(IKeystoreReplica.RootOlderThanConfirmed.selector, 100, 200);

        items[2].config.maxStaleness += 1;
        reasons[2] = abi.encodeWithSelector(
            IKeystoreReplica.ConfigMismatch.selector, items[2].config.hash(), wide(12).items[2].config.hash()
        );
        items[3].nodes = SharedProofs.joined(cut(many.proofs[3]), items[3].kept);
        reasons[3] = abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, many.proofs[3].length - 1);
        items[4].nodes = abi.encodePacked(items[4].nodes, hex"c0");
        reasons[4] = abi.encodeWithSelector(
            MerklePatricia.ProofTooLong.selector, many.proofs[4].length + 1, many.proofs[4].length
        );
        items[5].nodes = abi.encodePacked(items[5].nodes, hex"00");
        reasons[5] = abi.encodeWithSelector(Rlp.RlpExpectedList.selector, 0);
        items[6].kept = uint8(many.proofs[5].length + 1);
        reasons[6] = abi.encodeWithSelector(
            MerklePatricia.TooManyNodesKept.selector, many.proofs[5].length + 1, many.proofs[5].length
        );
        items[7].kept = 0;
        items[7].nodes = many.proofs[7][1];
        reasons[7] = abi.encodeWithSelector(
            MerklePatricia.ProofNodeMismatch.selector, 0, keccak256(many.proofs[7][1]), many.keystoreRoot
        );
        (items[8].kept, items[8].nodes) = (0, SharedProofs.joined(many.proofs[8]));
        items[8].id = keccak256("another keystore");

        vm.recordLogs();
        replica.confirmMany(address(source), 0, items);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 12);
        for (uint256 i = 0; i < 12; ++i) {
            bool isBad = i >= 1 && i <= 8;
            bytes32 topic =
                isBad ? IKeystoreReplica.ConfirmationSkipped.selector : IKeystoreReplica.Confirmed.selector;
            assertEq(logs[i].topics[0], topic, "the event of each item, in order");
            if (!isBad) {
                assertConfirmed(items[i]);
                continue;
            }
            assertEq(uint256(logs[i].topics[1]), i);
            assertEq(logs[i].topics[2], items[i].id);
            assertEq(address(uint160(uint256(logs[i].topics[3]))), items[i].account);
            bytes memory reason = abi.decode(logs[i].data, (bytes));
            if (reasons[i].length != 0) assertEq(reason, reasons[i]);
            if (i != 1) assertEq(replica.record(items[i].id, items[i].account).asOf, 0);
        }
    }

    function test_nonce_below_the_confirmed_one_is_left_out_of_a_proposed_output() public {
        Many memory many = wide(2);
        confirmAlone(0, many.items[0], keystore(9, 20).config);
        post(1, many.keystoreRoot, false);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.ConfirmationSkipped(
            0,
            many.items[0].id,
            many.items[0].account,
            abi.encodeWithSelector(IKeystoreReplica.NonceBelowConfirmed.selector, 7, 20)
        );
        replica.confirmMany(address(source), 1, many.items);
        assertEq(replica.headNonce(many.items[0].id, many.items[0].account), 20);
    }

    function test_proposed_output_confirms_only_what_is_held() public {
        preconfirm(initial(), keystore(2, 1));
        ShortConfig memory other = keystore(3, 4).config;
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](2);
        slots[0] = TestL1.slotEntry(id, keystore(2, 1).config.hash());
        slots[1] = TestL1.slotEntry(keccak256("other"), other.hash());
        post(0, TestTrie.rootOf(slots), false);

        bytes[] memory proof = TestTrie.proofOf(slots, keccak256(abi.encode(id)), false);
        bytes[] memory ofOther = TestTrie.proofOf(slots, keccak256(abi.encode(keccak256("other"))), false);
        Confirmation[] memory items = new Confirmation[](2);
        items[0] = Confirmation(id, account, keystore(2, 1).config, 0, SharedProofs.joined(proof));
        (items[1].id, items[1].account, items[1].config) = (keccak256("other"), account, other);
        (items[1].kept, items[1].nodes) = SharedProofs.behind(proof, ofOther);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.ConfirmationSkipped(
            1,
            items[1].id,
            account,
            abi.encodeWithSelector(IKeystoreReplica.ConfigNotHeld.selector, 4, other.hash())
        );
        replica.confirmMany(address(source), 0, items);
        assertConfirmed(items[0]);
        assertEq(replica.record(items[1].id, account).asOf, 0);
    }

    function test_appended_source_counts_for_the_accounts_that_enabled_it() public {
        FakeSource appended = new FakeSource();
        vm.prank(admin);
        replica.appendSource(address(appended));
        vm.warp(block.timestamp + 30 days);
        source = appended;
        Many memory many = wide(2);
        post(0, many.keystoreRoot, true);
        vm.prank(many.items[1].account);
        replica.enableSource(address(appended), true);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.ConfirmationSkipped(
            0,
            many.items[0].id,
            many.items[0].account,
            abi.encodeWithSelector(
                IKeystoreReplica.SourceNotEnabled.selector, appended, many.items[0].account
            )
        );
        replica.confirmMany(address(appended), 0, many.items);
        assertConfirmed(many.items[1]);
    }

    /// @dev Proofs of items that are left out for another reason, as items 1 and 2 above, serve the next ones.
    function test_item_whose_proof_begins_as_a_bad_one_is_left_out_and_those_behind_it_confirmed() public {
        Many memory many = wide(12);
        post(0, many.keystoreRoot, true);
        // The first one that brings a node which the item behind it keeps.
        uint256 bad = 1;
        while (many.items[bad + 1].kept <= many.items[bad].kept) ++bad;
        many.items[bad].nodes[10] ^= 0x01;
        vm.recordLogs();
        replica.confirmMany(address(source), 0, many.items);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 next = bad + 1;
        for (; many.items[next].kept > many.items[bad].kept; ++next) {}
        assertLt(next, 12, "some items are behind those");
        for (uint256 i = 0; i < 12; ++i) {
            if (i < bad || i >= next) assertConfirmed(many.items[i]);
            else assertEq(logs[i].topics[0], IKeystoreReplica.ConfirmationSkipped.selector);
        }
    }

    function test_every_byte_of_the_nodes_counts() public {
        Many memory many = wide(2);
        post(0, many.keystoreRoot, true);
        (many.items[1].kept, many.items[1].nodes) = (0, SharedProofs.joined(many.proofs[1]));
        uint256 snapshot = vm.snapshotState();
        bytes memory nodes = many.items[0].nodes;
        assertGt(nodes.length, 2000);
        for (uint256 i = 0; i < nodes.length; ++i) {
            nodes[i] ^= 0x01;
            vm.recordLogs();
            replica.confirmMany(address(source), 0, many.items);
            Vm.Log[] memory logs = vm.getRecordedLogs();
            assertEq(logs[0].topics[0], IKeystoreReplica.ConfirmationSkipped.selector);
            assertEq(logs[1].topics[0], IKeystoreReplica.Confirmed.selector);
            nodes[i] ^= 0x01;
        }
        vm.revertToState(snapshot);
        replica.confirmMany(address(source), 0, many.items);
        assertConfirmed(many.items[0]);
        assertConfirmed(many.items[1]);
    }

    /// @dev What is no encoding of a call confirms nothing: all its bytes are the caller's.
    function test_calldata_that_are_no_items_revert() public {
        Many memory many = wide(2);
        post(0, many.keystoreRoot, true);
        bytes memory data = abi.encodeCall(replica.confirmMany, (address(source), 0, many.items));
        // The list, its length, the offset of the second item; in it the kept nodes, the offset of the others and their length.
        uint256 second = 4 + 4 * 32 + word(data, 4 + 5 * 32);
        uint256[6] memory places = [
            uint256(4 + 2 * 32),
            4 + 3 * 32,
            4 + 5 * 32,
            second + 10 * 32,
            second + 11 * 32,
            second + word(data, second + 11 * 32)
        ];
        uint256 taken = 0;
        assertEq(word(data, places[1]), 2);
        assertEq(word(data, places[3]), many.items[1].kept);
        assertEq(word(data, places[5]), many.items[1].nodes.length);
        uint256[5] memory values = [
            type(uint256).max,
            uint256(1) << 255,
            uint256(1) << 128,
            uint256(type(uint64).max) - 31,
            data.length
        ];
        for (uint256 i = 0; i < places.length; ++i) {
            uint256 original = word(data, places[i]);
            for (uint256 j = 0; j < values.length; ++j) {
                setWord(data, places[i], values[j]);
                // Some offsets lead to other bytes of the calldata, or before them: these are not the item's nodes.
                (bool isTaken,) = address(replica).call(data);
                assertEq(replica.record(many.items[1].id, many.items[1].account).asOf, 0);
                if (i < 2) assertFalse(isTaken);
                taken += isTaken ? 1 : 0;
            }
            setWord(data, places[i], original);
        }
        assertLt(taken, 10);
        bytes memory shorter = new bytes(data.length - 32);
        for (uint256 i = 0; i < shorter.length; ++i) {
            shorter[i] = data[i];
        }
        (bool isShorterTaken,) = address(replica).call(shorter);
        assertFalse(isShorterTaken);
        (bool isOriginalTaken,) = address(replica).call(data);
        assertTrue(isOriginalTaken);
        assertConfirmed(many.items[1]);
    }

    function test_repeated_item_confirms_again() public {
        Many memory many = wide(2);
        post(0, many.keystoreRoot, true);
        // All nodes of the item before, and none of its own.
        Confirmation memory item = many.items[0];
        many.items[1] = Confirmation(item.id, item.account, item.config, uint8(many.proofs[0].length), "");
        vm.recordLogs();
        replica.confirmMany(address(source), 0, many.items);
        assertEq(vm.getRecordedLogs()[1].topics[0], IKeystoreReplica.Confirmed.selector);
        assertConfirmed(many.items[0]);
    }

    function test_item_that_leads_through_a_malformed_node_is_left_out() public {
        bytes memory node = abi.encodePacked(hex"f8ff", new bytes(40));
        post(0, keccak256(node), true);
        Confirmation[] memory confirmations = new Confirmation[](1);
        confirmations[0] = Confirmation(id, account, keystore(2, 1).config, 0, node);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.ConfirmationSkipped(
            0, id, account, abi.encodeWithSignature("RlpTruncated(uint256,uint256)", 255, 40)
        );
        replica.confirmMany(address(source), 0, confirmations);
    }

    /// @dev Whatever the proof, the config and the record are: one item is confirmed exactly when `confirm` confirms it,
    /// with the same events and state, and left out for what `confirm` reverts with.
    function testFuzz_confirmMany_of_one_is_confirm(uint256 seed, uint256 change, uint8 to) public {
        if (seed % 3 == 0) preconfirm(initial(), keystore(2, 1));
        if (seed % 5 == 0) {
            confirmAlone(
                seed % 2 == 0 ? 0 : 4,
                Confirmation(id, account, initial().config, 0, ""),
                keystore(4, 2).config
            );
        }
        ShortConfig memory config = keystore(2 + seed / 7 % 2, uint64(seed / 11 % 4)).config;
        if (config.nonce == 0) config = initial().config;
        bytes[] memory proof = keystoreProof(config);
        bytes32 keystoreRoot = TestTrie.rootOf(keystoreTrie(config));
        // A changed node, after which the root may still be what the output says.
        if (change % 3 != 0) {
            bytes memory node = proof[change / 3 % proof.length];
            node[change / 7 % node.length] = bytes1(to);
            if (change % 3 == 2) keystoreRoot = keccak256(proof[0]);
        }
        if (seed % 13 == 0) config.nonce ^= 1;
        if (change % 17 == 0) {
            assembly ("memory-safe") {
                mstore(proof, sub(mload(proof), 1))
            }
        }
        post(2, keystoreRoot, seed % 4 != 0);

        uint256 snapshot = vm.snapshotState();
        vm.recordLogs();
        bytes memory reason;
        bytes memory joined = SharedProofs.joined(proof);
        ConfigProof memory alone = ConfigProof(address(source), 2, id, account, joined);
        try replica.confirm(alone, config) {}
        catch (bytes memory reason_) {
            reason = reason_;
        }
        Vm.Log[] memory expected = vm.getRecordedLogs();
        bytes memory expectedState = stateOf(config.nonce);

        vm.revertToState(snapshot);
        vm.recordLogs();
        Confirmation[] memory items = new Confirmation[](1);
        items[0] = Confirmation(id, account, config, 0, joined);
        replica.confirmMany(address(source), 2, items);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 1);
        assertEq(stateOf(config.nonce), expectedState);
        if (reason.length == 0) {
            assertEq(
                abi.encode(logs[0].topics, logs[0].data), abi.encode(expected[0].topics, expected[0].data)
            );
        } else {
            assertEq(logs[0].topics[0], IKeystoreReplica.ConfirmationSkipped.selector);
            assertEq(abi.decode(logs[0].data, (bytes)), reason);
        }
    }

    /// @dev Whatever the items are: what `confirm` makes of one after the other, each with all nodes of its proof.
    function testFuzz_confirmMany_is_one_confirm_after_the_other(uint256 seed) public {
        Many memory many = wide(4);
        post(0, many.keystoreRoot, true);
        post(1, many.keystoreRoot, seed % 4 != 0);
        Confirmation[] memory items = new Confirmation[](6);
        bytes[][] memory proofs = new bytes[][](6);
        for (uint256 i = 0; i < items.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            Confirmation memory item = many.items[random % 4];
            ShortConfig memory config = item.config;
            if ((random >> 8) % 8 == 0) config = many.items[(random >> 16) % 4].config;
            proofs[i] = many.proofs[random % 4];
            if ((random >> 24) % 8 == 0) proofs[i] = many.proofs[(random >> 32) % 4];
            if ((random >> 40) % 8 == 0) proofs[i] = cut(proofs[i]);
            items[i] = Confirmation(item.id, item.account, config, 0, "");
            if (i != 0) (items[i].kept, items[i].nodes) = SharedProofs.behind(proofs[i - 1], proofs[i]);
            else items[i].nodes = SharedProofs.joined(proofs[i]);
        }
        if (seed % 3 == 0) replica.confirmMany(address(source), 0, many.items);

        uint256 snapshot = vm.snapshotState();
        bytes[] memory expected = new bytes[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            ConfigProof memory alone = ConfigProof(
                address(source), 1, items[i].id, items[i].account, SharedProofs.joined(proofs[i])
            );
            vm.recordLogs();
            try replica.confirm(alone, items[i].config) {
                Vm.Log memory log = vm.getRecordedLogs()[0];
                expected[i] = abi.encode(log.topics, log.data);
            } catch (bytes memory reason) {
                bytes32[] memory topics = new bytes32[](4);
                topics[0] = IKeystoreReplica.ConfirmationSkipped.selector;
                (topics[1], topics[2]) = (bytes32(i), items[i].id);
                topics[3] = bytes32(uint256(uint160(items[i].account)));
                expected[i] = abi.encode(topics, abi.encode(reason));
            }
        }

        vm.revertToState(snapshot);
        vm.recordLogs();
        replica.confirmMany(address(source), 1, items);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            assertEq(abi.encode(logs[i].topics, logs[i].data), expected[i]);
        }
    }

    // Helpers

    function word(bytes memory data, uint256 at) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), at))
        }
    }

    function setWord(bytes memory data, uint256 at, uint256 value) internal pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), at), value)
        }
    }

    /// @dev Keystores in a trie as wide as with a million, each at nonce 7, in the order of their keys.
    function wide(uint256 count) internal pure returns (Many memory many) {
        WideTrie.Slot[] memory slots = new WideTrie.Slot[](count);
        many.items = new Confirmation[](count);
        many.proofs = new bytes[][](count);
        for (uint256 i = 0; i < count; ++i) {
            Confirmation memory item;
            item.id = keccak256(abi.encode("keystore", i));
            item.account = address(bytes20(keccak256(abi.encode("account", i))));
            item.config.nonce = 7;
            item.config.signers.root = keccak256(abi.encode("signers", i));
            item.config.signers.threshold = 1;
            item.config.guardians.root = keccak256(abi.encode("guardians", i));
            item.config.guardians.threshold = 2;
            item.config.recoveryDelay = 3 days;
            item.config.maxStaleness = 30 days;
            item.config.dataHash = keccak256(abi.encode("data", i));
            uint256 at = i;
            for (; at > 0 && keyOf(many.items[at - 1].id) > keyOf(item.id); --at) {
                many.items[at] = many.items[at - 1];
            }
            many.items[at] = item;
        }
        for (uint256 i = 0; i < count; ++i) {
            slots[i].slot = many.items[i].id;
            slots[i].word = many.items[i].config.hash();
        }
        many.keystoreRoot = WideTrie.build(slots);
        for (uint256 i = 0; i < count; ++i) {
            many.proofs[i] = slots[i].proof;
            bytes[] memory last = i == 0 ? new bytes[](0) : many.proofs[i - 1];
            (many.items[i].kept, many.items[i].nodes) = SharedProofs.behind(last, slots[i].proof);
        }
    }

    function keyOf(bytes32 id_) internal pure returns (bytes32) {
        return keccak256(abi.encode(id_));
    }

    function post(uint256 index, bytes32 keystoreRoot, bool finalized) internal {
        uint256 l1Timestamp = GENESIS + 3600 * index;
        uint256 seenAt = l1Timestamp + (finalized ? CHALLENGE_PERIOD : 0);
        replica.updateRoot(
            outputProof(output(index, l1Timestamp, keystoreRoot), true, seenAt / 12 + index, seenAt)
        );
    }

    /// @dev Confirms another config for the account of an item, by an output of its own.
    function confirmAlone(uint256 index, Confirmation memory item, ShortConfig memory config) internal {
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](2);
        slots[0] = TestL1.slotEntry(item.id, config.hash());
        slots[1] = TestL1.slotEntry(keccak256("another keystore"), keccak256("its config"));
        post(index, TestTrie.rootOf(slots), true);
        bytes[] memory proof = TestTrie.proofOf(slots, keccak256(abi.encode(item.id)), false);
        replica.confirm(
            ConfigProof(address(source), index, item.id, item.account, SharedProofs.joined(proof)), config
        );
    }

    function stateOf(uint64 nonce) internal view returns (bytes memory) {
        return abi.encode(
            replica.record(id, account), replica.configHash(id, account), replica.hashAt(id, account, nonce)
        );
    }

    function assertConfirmed(Confirmation memory item) internal view {
        Record memory rec = replica.record(item.id, item.account);
        assertEq(rec.confirmedNonce, item.config.nonce, "confirmed nonce");
        assertNotEq(rec.asOf, 0, "as of");
        assertEq(replica.hashAt(item.id, item.account, item.config.nonce), item.config.hash(), "config");
    }

    /// @dev A proof but for its last node.
    function cut(bytes[] memory proof) internal pure returns (bytes[] memory part) {
        part = new bytes[](proof.length - 1);
        for (uint256 i = 0; i < part.length; ++i) {
            part[i] = proof[i];
        }
    }
}
