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
import {FakeSource} from "../../kit/FakeSource.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {Transaction} from "../../kit/Transaction.sol";
import {WideTrie} from "../../kit/WideTrie.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract ConfirmManyTest is ReplicaTest {
    struct Many {
        bytes32 keystoreRoot;
        bytes[] nodes;
        Confirmation[] items;
    }

    function test_forty_accounts_in_a_trie_of_a_million_are_confirmed_at_once() public {
        Many memory many = wide(40);
        post(0, many.keystoreRoot, true);
        bytes memory data = abi.encodeCall(replica.confirmMany, (address(source), 0, many.nodes, many.items));
        vm.cool(address(replica));
        replica.confirmMany(address(source), 0, many.nodes, many.items);
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
        replica.confirmMany(address(source), 5, many.nodes, many.items);
    }

    function test_no_items_confirm_nothing() public {
        Many memory many = wide(1);
        post(0, many.keystoreRoot, true);
        vm.recordLogs();
        replica.confirmMany(address(source), 0, many.nodes, new Confirmation[](0));
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_unknown_output_is_refused() public {
        Many memory many = wide(2);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.RootUnknown.selector, source, 9));
        replica.confirmMany(address(source), 9, many.nodes, many.items);
    }

    function test_initial_configs_of_the_empty_trie_need_no_nodes() public {
        post(0, MerklePatricia.EMPTY_TRIE_ROOT, true);
        Confirmation[] memory items = new Confirmation[](1);
        items[0] = Confirmation(id, account, initial().config, "");
        replica.confirmMany(address(source), 0, new bytes[](0), items);
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
        items[3].way = cut(items[3].way, items[3].way.length - 2);
        reasons[3] = abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, items[3].way.length / 2);
        items[4].way = abi.encodePacked(items[4].way, uint16(0));
        reasons[4] = abi.encodeWithSelector(
            MerklePatricia.ProofTooLong.selector, items[4].way.length / 2, items[4].way.length / 2 - 1
        );
        items[5].way = abi.encodePacked(items[5].way, uint8(0));
        reasons[5] = abi.encodeWithSelector(MerklePatricia.MalformedWay.selector, items[5].way.length);
        items[6].way = abi.encodePacked(uint16(many.nodes.length));
        reasons[6] =
            abi.encodeWithSelector(MerklePatricia.NotInPool.selector, many.nodes.length, many.nodes.length);
        items[7].way = abi.encodePacked(uint16(0));
        reasons[7] = abi.encodeWithSelector(
            MerklePatricia.ProofNodeMismatch.selector, 0, keccak256(many.nodes[0]), many.keystoreRoot
        );
        items[8].id = keccak256("another keystore");

        vm.recordLogs();
        replica.confirmMany(address(source), 0, many.nodes, items);
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
        replica.confirmMany(address(source), 1, many.nodes, many.items);
        assertEq(replica.headNonce(many.items[0].id, many.items[0].account), 20);
    }

    function test_proposed_output_confirms_only_what_is_held() public {
        preconfirm(initial(), keystore(2, 1));
        ShortConfig memory other = keystore(3, 4).config;
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](2);
        slots[0] = TestL1.slotEntry(id, keystore(2, 1).config.hash());
        slots[1] = TestL1.slotEntry(keccak256("other"), other.hash());
        post(0, TestTrie.rootOf(slots), false);

        (bytes[] memory nodes, bytes memory way) =
            poolOf(TestTrie.proofOf(slots, keccak256(abi.encode(id)), false));
        Confirmation[] memory items = new Confirmation[](2);
        items[0] = Confirmation(id, account, keystore(2, 1).config, way);
        bytes[] memory ofOther = TestTrie.proofOf(slots, keccak256(abi.encode(keccak256("other"))), false);
        bytes[] memory all = new bytes[](nodes.length + ofOther.length);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = i < nodes.length ? nodes[i] : ofOther[i - nodes.length];
            if (i >= nodes.length) items[1].way = abi.encodePacked(items[1].way, uint16(i));
        }
        (items[1].id, items[1].account, items[1].config) = (keccak256("other"), account, other);
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.ConfirmationSkipped(
            1,
            items[1].id,
            account,
            abi.encodeWithSelector(IKeystoreReplica.ConfigNotHeld.selector, 4, other.hash())
        );
        replica.confirmMany(address(source), 0, all, items);
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
        replica.confirmMany(address(appended), 0, many.nodes, many.items);
        assertConfirmed(many.items[1]);
    }

    function test_repeated_item_confirms_again() public {
        Many memory many = wide(2);
        post(0, many.keystoreRoot, true);
        many.items[1] = many.items[0];
        vm.recordLogs();
        replica.confirmMany(address(source), 0, many.nodes, many.items);
        assertEq(vm.getRecordedLogs()[1].topics[0], IKeystoreReplica.Confirmed.selector);
        assertConfirmed(many.items[0]);
    }

    function test_item_that_leads_through_a_malformed_node_is_left_out() public {
        bytes memory node = abi.encodePacked(hex"f8ff", new bytes(40));
        post(0, keccak256(node), true);
        bytes[] memory nodes = new bytes[](1);
        nodes[0] = node;
        Confirmation[] memory confirmations = new Confirmation[](1);
        confirmations[0] = Confirmation(id, account, keystore(2, 1).config, hex"0000");
        vm.expectEmit(address(replica));
        emit IKeystoreReplica.ConfirmationSkipped(
            0, id, account, abi.encodeWithSignature("RlpTruncated(uint256,uint256)", 255, 40)
        );
        replica.confirmMany(address(source), 0, nodes, confirmations);
    }

    /// @dev Whatever the proof, the config and the record are: one item is confirmed exactly when `confirm` confirms it,
    /// with the same events and state, and left out for what `confirm` reverts with.
    function testFuzz_confirmMany_of_one_is_confirm(uint256 seed, uint256 change, uint8 to) public {
        if (seed % 3 == 0) preconfirm(initial(), keystore(2, 1));
        if (seed % 5 == 0) {
            confirmAlone(
                seed % 2 == 0 ? 0 : 4, Confirmation(id, account, initial().config, ""), keystore(4, 2).config
            );
        }
        ShortConfig memory config = keystore(2 + seed / 7 % 2, uint64(seed / 11 % 4)).config;
        if (config.nonce == 0) config = initial().config;
        bytes[] memory proof = configProof(0, config).storageProof;
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
        ConfigProof memory alone = ConfigProof(address(source), 2, id, account, proof);
        try replica.confirm(alone, config) {}
        catch (bytes memory reason_) {
            reason = reason_;
        }
        Vm.Log[] memory expected = vm.getRecordedLogs();
        bytes memory expectedState = stateOf(config.nonce);

        vm.revertToState(snapshot);
        vm.recordLogs();
        (bytes[] memory nodes, bytes memory way) = poolOf(proof);
        Confirmation[] memory items = new Confirmation[](1);
        items[0] = Confirmation(id, account, config, way);
        replica.confirmMany(address(source), 2, nodes, items);
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

    // Helpers

    /// @dev Keystores in a trie as wide as with a million, each at nonce 7.
    function wide(uint256 count) internal pure returns (Many memory many) {
        WideTrie.Slot[] memory slots = new WideTrie.Slot[](count);
        many.items = new Confirmation[](count);
        for (uint256 i = 0; i < count; ++i) {
            Confirmation memory item = many.items[i];
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
            slots[i] = WideTrie.Slot(item.id, item.config.hash(), "");
        }
        (many.keystoreRoot, many.nodes) = WideTrie.build(slots);
        for (uint256 i = 0; i < count; ++i) {
            many.items[i].way = slots[i].way;
        }
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
        replica.confirm(ConfigProof(address(source), index, item.id, item.account, proof), config);
    }

    /// @dev A pool with the nodes of one proof, last first.
    function poolOf(bytes[] memory proof) internal pure returns (bytes[] memory nodes, bytes memory way) {
        nodes = new bytes[](proof.length);
        for (uint256 i = 0; i < proof.length; ++i) {
            nodes[proof.length - 1 - i] = proof[i];
            way = abi.encodePacked(way, uint16(proof.length - 1 - i));
        }
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

    function cut(bytes memory data, uint256 length) internal pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = data[i];
        }
    }
}
