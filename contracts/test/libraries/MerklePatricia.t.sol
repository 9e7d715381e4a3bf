// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {MerklePatricia} from "../../src/libraries/MerklePatricia.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";
import {TestTrie} from "./TestTrie.sol";
import {TrieTest} from "./TrieTest.sol";

contract MerklePatriciaTest is TrieTest {
    using TestTrie for TestTrie.Entry[];

    string internal constant VECTORS = "test/vectors/keyroll/trie_proofs.json";

    // Real proofs

    function test_provesAnAccountAndASlotOfSepolia() public {
        SepoliaProof memory p = _sepolia();
        (bool exists, bytes32 word, uint256 gasUsed) =
            _trie.prove(p.stateRoot, p.account, p.slot, p.accountProof, p.storageProof);
        assertTrue(exists);
        assertEq(word, p.slotValue);
        assertEq(p.accountProof.length + p.storageProof.length, 13);
        vm.snapshotValue("MerklePatricia", "account and slot of Sepolia, 13 nodes", gasUsed);
    }

    function test_provesAnAccountAndAnAbsentSlotOfBaseSepolia() public {
        string memory json = vm.readFile("test/vectors/proof_base_sepolia_16802894.json");
        bytes[] memory accountProof = vm.parseJsonBytesArray(json, ".accountProof");
        bytes[] memory storageProof = vm.parseJsonBytesArray(json, ".storageProof[0].proof");
        bytes32 stateRoot = keccak256(accountProof[0]);
        address account = vm.parseJsonAddress(json, ".address");
        bytes32 slot = vm.parseJsonBytes32(json, ".storageProof[0].key");
        assertEq(
            _trie.accountStorageRoot(stateRoot, account, accountProof),
            vm.parseJsonBytes32(json, ".storageHash")
        );
        (bool exists, bytes32 word, uint256 gasUsed) =
            _trie.prove(stateRoot, account, slot, accountProof, storageProof);
        assertFalse(exists);
        assertEq(word, 0);
        vm.snapshotValue("MerklePatricia", "account and absent slot of Base Sepolia, 10 nodes", gasUsed);
    }

    function test_refusesTheSepoliaProofOfAnotherAccount() public {
        SepoliaProof memory p = _sepolia();
        vm.expectPartialRevert(MerklePatricia.ProofNodeMismatch.selector);
        _trie.accountStorageRoot(p.stateRoot, makeAddr("another"), p.accountProof);
    }

    // The vectors that TypeScript reads too

    function test_provesTheSlotsOfTheVectors() public view {
        string memory json = vm.readFile(VECTORS);
        uint256 count = vm.parseJsonUint(json, ".storageCount");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".storage[", vm.toString(i), "]");
            (bool exists, bytes32 word) = _trie.storageValue(
                vm.parseJsonBytes32(json, string.concat(at, ".root")),
                vm.parseJsonBytes32(json, string.concat(at, ".slot")),
                vm.parseJsonBytesArray(json, string.concat(at, ".proof"))
            );
            string memory name = vm.parseJsonString(json, string.concat(at, ".name"));
            assertEq(exists, vm.parseJsonBool(json, string.concat(at, ".exists")), name);
            assertEq(word, vm.parseJsonBytes32(json, string.concat(at, ".word")), name);
        }
        assertGt(count, 0);
    }

    function test_looksUpTheKeysOfTheVectors() public view {
        string memory json = vm.readFile(VECTORS);
        uint256 count = vm.parseJsonUint(json, ".lookupsCount");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".lookups[", vm.toString(i), "]");
            (bool exists, bytes memory value) = _trie.get(
                vm.parseJsonBytes32(json, string.concat(at, ".root")),
                vm.parseJsonBytes32(json, string.concat(at, ".keyHash")),
                vm.parseJsonBytesArray(json, string.concat(at, ".proof"))
            );
            string memory name = vm.parseJsonString(json, string.concat(at, ".name"));
            assertEq(exists, vm.parseJsonBool(json, string.concat(at, ".exists")), name);
            assertEq(value, vm.parseJsonBytes(json, string.concat(at, ".value")), name);
        }
        assertGt(count, 0);
    }

    function test_provesTheAccountsOfTheVectors() public view {
        string memory json = vm.readFile(VECTORS);
        uint256 count = vm.parseJsonUint(json, ".accountsCount");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".accounts[", vm.toString(i), "]");
            bytes32 storageRoot = _trie.accountStorageRoot(
                vm.parseJsonBytes32(json, string.concat(at, ".stateRoot")),
                vm.parseJsonAddress(json, string.concat(at, ".account")),
                vm.parseJsonBytesArray(json, string.concat(at, ".proof"))
            );
            assertEq(storageRoot, vm.parseJsonBytes32(json, string.concat(at, ".storageRoot")));
        }
        assertGt(count, 0);
    }

    function test_refusesTheMalformedProofsOfTheVectors() public view {
        string memory json = vm.readFile(VECTORS);
        uint256 count = vm.parseJsonUint(json, ".malformedCount");
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".malformed[", vm.toString(i), "]");
            bytes32 root = vm.parseJsonBytes32(json, string.concat(at, ".root"));
            bytes32 keyHash = vm.parseJsonBytes32(json, string.concat(at, ".keyHash"));
            bytes[] memory proof = vm.parseJsonBytesArray(json, string.concat(at, ".proof"));
            (bool answered,,) = _tryGet(root, keyHash, proof);
            assertFalse(answered, vm.parseJsonString(json, string.concat(at, ".name")));
        }
        assertGt(count, 0);
    }

    // Small tries

    function test_provesTriesWhoseNodesAreEmbedded() public view {
        // Keys that differ in the last nibble: an extension, and inside it a branch with leaves inside it.
        TestTrie.Entry[] memory entries = new TestTrie.Entry[](2);
        entries[0] = TestTrie.Entry(bytes32(uint256(0xab << 248) + 1), hex"01");
        entries[1] = TestTrie.Entry(bytes32(uint256(0xab << 248) + 2), hex"02");
        for (uint256 i = 0; i < 2; ++i) {
            bytes[] memory proof = entries.proofOf(entries[i].key, false);
            assertEq(proof.length, 1);
            (bool exists, bytes memory value) = _trie.get(entries.rootOf(), entries[i].key, proof);
            assertTrue(exists);
            assertEq(value, entries[i].value);
        }
        bytes32 absent = bytes32(uint256(0xab << 248) + 3);
        (bool absentExists,) = _trie.get(entries.rootOf(), absent, entries.proofOf(absent, false));
        assertFalse(absentExists);
    }

    function test_theEmptyTrieNeedsNoProof() public {
        (bool exists, bytes memory value) = _trie.get(MerklePatricia.EMPTY_TRIE_ROOT, "key", new bytes[](0));
        assertFalse(exists);
        assertEq(value.length, 0);
        assertEq(keccak256(hex"80"), MerklePatricia.EMPTY_TRIE_ROOT);

        bytes[] memory proof = _single(hex"80");
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooLong.selector, 1, 0));
        _trie.get(MerklePatricia.EMPTY_TRIE_ROOT, "key", proof);
    }

    function test_anyOtherTrieNeedsAProof() public {
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, 0));
        _trie.get(keccak256("root"), "key", new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, 0));
        _trie.get(0, "key", new bytes[](0));
    }

    // Nodes that no trie has. A key of zeros goes to the first child.

    function test_refusesNodesOfOtherShapes() public {
        bytes memory hash = abi.encodePacked(hex"a0", keccak256("child"));
        _requireMalformedRoot(_list(hash, 3), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(_list(hash, 16), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(_list(hash, 18), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(RLP.encode(new bytes(40)), Rlp.RlpExpectedList.selector);
        _requireMalformedRoot(_list(RLP.encode(new bytes(40)), 1), Rlp.RlpNoMoreItems.selector);
        _requireMalformedRoot(abi.encodePacked(_list(hash, 17), hex"80"), Rlp.RlpTrailingBytes.selector);
        bytes memory truncated = _list(hash, 17);
        assembly ("memory-safe") {
            mstore(truncated, sub(mload(truncated), 1))
        }
        _requireMalformedRoot(truncated, Rlp.RlpTruncated.selector);
    }

    function test_refusesBranchesWithAValue() public {
        for (uint256 full = 0; full < 2; ++full) {
            bytes[] memory items = _branchItems();
            items[0] = full == 1 ? items[1] : bytes(hex"80");
            items[16] = hex"01";
            _requireMalformedRoot(RLP.encode(items), MerklePatricia.MalformedNode.selector);
            items[16] = hex"820102";
            _requireMalformedRoot(RLP.encode(items), MerklePatricia.MalformedNode.selector);
            items[16] = hex"c0";
            _requireMalformedRoot(RLP.encode(items), MerklePatricia.MalformedNode.selector);
        }
    }

    function test_refusesBranchesWithMalformedReferencesWhereverTheyStand() public {
        bytes[7] memory references = [
            bytes(hex"00"),
            hex"8180",
            abi.encodePacked(hex"9f", new bytes(31)),
            abi.encodePacked(hex"a1", new bytes(33)),
            // Embedded nodes have at most 31 bytes; these lists have 32, 56 and 58.
            abi.encodePacked(hex"df", new bytes(31)),
            abi.encodePacked(hex"f7", new bytes(55)),
            abi.encodePacked(hex"f838", new bytes(56))
        ];
        for (uint256 i = 0; i < references.length; ++i) {
            for (uint256 nibble = 0; nibble < 16; ++nibble) {
                bytes[] memory items = _branchItems();
                items[nibble] = references[i];
                _requireMalformedRoot(RLP.encode(items), MerklePatricia.MalformedNode.selector);
            }
        }
    }

    /// @dev A reference a byte too short and one a byte too long, which shows the prefix of a hash where one would be
    ///      looked for: only the first one's prefix gives these branches away.
    function test_refusesBranchesAsLongAsAFullOneWithMalformedReferences() public {
        for (uint256 i = 0; i < 15; ++i) {
            bytes[] memory items = _branchItems();
            items[i] = abi.encodePacked(hex"9f", new bytes(31));
            items[i + 1] = abi.encodePacked(hex"a1a0", new bytes(32));
            bytes memory node = RLP.encode(items);
            assertEq(node.length, 532);
            _requireMalformedRoot(node, MerklePatricia.MalformedNode.selector);
        }
    }

    function test_refusesBranchesBehindTheLastNibble() public {
        bytes memory branch = RLP.encode(_branchItems());
        bytes[] memory items = _branchItems();
        items[0] = RLP.encode(keccak256(branch));
        bytes memory parent = RLP.encode(items);
        bytes[] memory proof = new bytes[](3);
        proof[0] = TestTrie.extension(0, 0, 63, parent);
        proof[1] = parent;
        proof[2] = branch;
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.MalformedNode.selector, 64));
        _trie.get(keccak256(proof[0]), 0, proof);

        items[1] = hex"80"; // not full
        branch = RLP.encode(items);
        items[0] = RLP.encode(keccak256(branch));
        parent = RLP.encode(items);
        proof[0] = TestTrie.extension(0, 0, 63, parent);
        proof[1] = parent;
        proof[2] = branch;
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.MalformedNode.selector, 64));
        _trie.get(keccak256(proof[0]), 0, proof);
    }

    function test_refusesMalformedPaths() public {
        bytes memory value = RLP.encode(new bytes(40));
        // no flags, unknown flags, padding that is not zero
        _requireMalformedPath(hex"80", value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"40", bytes32(0))), value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"60", bytes32(0))), value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"e0", bytes32(0))), value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"21", bytes32(0))), value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"2f", bytes32(0))), value);
        // leaves that do not end at the 64th nibble
        _requireMalformedPath(RLP.encode(TestTrie.path(0, 0, 63, true)), value);
        _requireMalformedPath(RLP.encode(TestTrie.path(0, 0, 62, true)), value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"30", bytes32(0))), value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"20", new bytes(33))), value);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"20", new bytes(60))), value);
        _requireMalformedPath(hex"20", value);
        // extensions of no nibble, to the end, and past it
        bytes memory child = RLP.encode(keccak256("child"));
        _requireMalformedPath(hex"00", child);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"01", bytes31(0))), child);
        _requireMalformedPath(RLP.encode(TestTrie.path(0, 0, 64, false)), child);
        _requireMalformedPath(RLP.encode(abi.encodePacked(hex"10", bytes32(0))), child);
        // a list
        _requireMalformedPath(abi.encodePacked(hex"e120", bytes32(0)), value);
    }

    function test_refusesMalformedReferencesOfExtensions() public {
        bytes memory path = RLP.encode(TestTrie.path(0, 0, 60, false));
        _requireMalformedRoot(TestTrie.pair(path, hex"80"), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(TestTrie.pair(path, hex"01"), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(
            TestTrie.pair(path, RLP.encode(new bytes(31))), MerklePatricia.MalformedNode.selector
        );
        _requireMalformedRoot(
            TestTrie.pair(path, RLP.encode(new bytes(33))), MerklePatricia.MalformedNode.selector
        );
        _requireMalformedRoot(
            TestTrie.pair(path, abi.encodePacked(hex"df", new bytes(31))),
            MerklePatricia.MalformedNode.selector
        );
    }

    function test_refusesMalformedReferencesOfExtensionsThatLeadElsewhere() public {
        bytes memory path = RLP.encode(TestTrie.path(bytes32(type(uint256).max), 0, 60, false));
        _requireMalformedRoot(
            TestTrie.pair(path, abi.encodePacked(hex"df", new bytes(31))),
            MerklePatricia.MalformedNode.selector
        );
        _requireMalformedRoot(TestTrie.pair(path, hex"80"), MerklePatricia.MalformedNode.selector);
    }

    function test_refusesExtensionsThatDoNotLeadToABranch() public {
        // a leaf inside
        bytes memory leaf = TestTrie.leaf(0, 60, hex"01");
        assertLt(leaf.length, 32);
        bytes memory node = TestTrie.extension(0, 0, 60, leaf);
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ExtensionWithoutBranch.selector, 60));
        _trie.get(keccak256(node), 0, _single(node));
        // an extension behind a hash
        bytes[] memory proof = new bytes[](2);
        proof[1] = TestTrie.extension(0, 4, 4, RLP.encode(_branchItems()));
        proof[0] = TestTrie.extension(0, 0, 4, proof[1]);
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ExtensionWithoutBranch.selector, 4));
        _trie.get(keccak256(proof[0]), 0, proof);
    }

    function test_refusesMalformedValues() public {
        bytes memory path = RLP.encode(TestTrie.path(0, 0, 64, true));
        _requireMalformedRoot(TestTrie.pair(path, hex"80"), MerklePatricia.EmptyValue.selector);
        _requireMalformedRoot(TestTrie.pair(path, hex"c0"), Rlp.RlpExpectedString.selector);
        _requireMalformedRoot(TestTrie.pair(path, hex"8101"), Rlp.RlpNotMinimal.selector);
        // also the value of another key
        bytes memory other = RLP.encode(TestTrie.path(bytes32(uint256(1)), 0, 64, true));
        _requireMalformedRoot(TestTrie.pair(other, hex"80"), MerklePatricia.EmptyValue.selector);
    }

    function test_refusesHashesOfShortNodes() public {
        bytes memory leaf = TestTrie.leaf(0, 61, hex"01");
        bytes[] memory items = _branchItems();
        items[0] = RLP.encode(keccak256(leaf));
        bytes[] memory proof = new bytes[](3);
        proof[2] = leaf;
        proof[1] = RLP.encode(items);
        proof[0] = TestTrie.extension(0, 0, 60, proof[1]);
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofNodeTooShort.selector, 2, leaf.length));
        _trie.get(keccak256(proof[0]), 0, proof);
    }

    function test_refusesNodesThatHaveAnotherHash() public {
        bytes memory leaf = TestTrie.leaf(0, 0, hex"01");
        bytes32 root = keccak256("another node");
        bytes[] memory proof = _single(leaf);
        vm.expectRevert(
            abi.encodeWithSelector(MerklePatricia.ProofNodeMismatch.selector, 0, keccak256(leaf), root)
        );
        _trie.get(root, 0, proof);
    }

    // Accounts and slots

    function test_readsTheStorageRootOfAnAccount() public {
        address account = makeAddr("account");
        bytes32 storageRoot = keccak256("storage");
        bytes memory leaf = _accountLeaf(account, _accountFields(storageRoot));
        assertEq(_trie.accountStorageRoot(keccak256(leaf), account, _single(leaf)), storageRoot);
    }

    function test_refusesMalformedAccounts() public {
        bytes[] memory fields = _accountFields(0);
        fields[0] = hex"89010000000000000000";
        _requireMalformedAccount(fields, Rlp.RlpIntegerTooWide.selector);
        fields[0] = hex"00";
        _requireMalformedAccount(fields, Rlp.RlpLeadingZero.selector);
        fields = _accountFields(0);
        fields[1] = abi.encodePacked(hex"a1", hex"01", new bytes(32));
        _requireMalformedAccount(fields, Rlp.RlpIntegerTooWide.selector);
        fields = _accountFields(0);
        fields[2] = abi.encodePacked(hex"9f", new bytes(31));
        _requireMalformedAccount(fields, Rlp.RlpWrongWidth.selector);
        fields = _accountFields(0);
        fields[3] = hex"80";
        _requireMalformedAccount(fields, Rlp.RlpWrongWidth.selector);
        _requireMalformedAccount(_resized(_accountFields(0), 3, ""), Rlp.RlpNoMoreItems.selector);
        _requireMalformedAccount(_resized(_accountFields(0), 5, hex"80"), Rlp.RlpTrailingBytes.selector);
    }

    function test_namesTheAbsentAccount() public {
        bytes memory leaf = _accountLeaf(makeAddr("present"), _accountFields(0));
        bytes[] memory proof = _single(leaf);
        address absent = makeAddr("absent");
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.AccountAbsent.selector, absent));
        _trie.accountStorageRoot(keccak256(leaf), absent, proof);
    }

    function testFuzz_readsWordsWithoutLeadingZeros(bytes32 slot, uint256 word, uint8 shift) public view {
        word >>= shift;
        vm.assume(word != 0);
        bytes memory leaf = TestTrie.leaf(keccak256(abi.encodePacked(slot)), 0, RLP.encode(word));
        (bool exists, bytes32 read) = _trie.storageValue(keccak256(leaf), slot, _single(leaf));
        assertTrue(exists);
        assertEq(uint256(read), word);
    }

    function test_refusesMalformedWords() public {
        _requireMalformedWord(hex"80", MerklePatricia.MalformedStorageValue.selector);
        _requireMalformedWord(hex"00", MerklePatricia.MalformedStorageValue.selector);
        _requireMalformedWord(hex"820001", MerklePatricia.MalformedStorageValue.selector);
        _requireMalformedWord(RLP.encode(bytes32(uint256(1))), MerklePatricia.MalformedStorageValue.selector);
        _requireMalformedWord(
            abi.encodePacked(hex"a101", new bytes(32)), MerklePatricia.MalformedStorageValue.selector
        );
        _requireMalformedWord(hex"8101", Rlp.RlpNotMinimal.selector);
        _requireMalformedWord(hex"0101", Rlp.RlpTrailingBytes.selector);
        _requireMalformedWord(hex"c101", Rlp.RlpExpectedString.selector);
    }

    function test_absentSlotsAreZero() public view {
        (bool exists, bytes32 word) = _trie.storageValue(MerklePatricia.EMPTY_TRIE_ROOT, 0, new bytes[](0));
        assertFalse(exists);
        assertEq(word, 0);
    }

    // Helpers

    function _requireMalformedRoot(bytes memory node, bytes4 reason) internal {
        bytes[] memory proof = _single(node);
        vm.expectPartialRevert(reason);
        _trie.get(keccak256(node), 0, proof);
    }

    function _requireMalformedPath(bytes memory path, bytes memory second) internal {
        _requireMalformedRoot(TestTrie.pair(path, second), MerklePatricia.MalformedPath.selector);
    }

    function _requireMalformedAccount(bytes[] memory fields, bytes4 reason) internal {
        bytes memory leaf = _accountLeaf(address(1), fields);
        bytes[] memory proof = _single(leaf);
        vm.expectPartialRevert(reason);
        _trie.accountStorageRoot(keccak256(leaf), address(1), proof);
    }

    function _requireMalformedWord(bytes memory value, bytes4 reason) internal {
        bytes memory leaf = TestTrie.leaf(keccak256(abi.encodePacked(bytes32(0))), 0, value);
        bytes[] memory proof = _single(leaf);
        vm.expectPartialRevert(reason);
        _trie.storageValue(keccak256(leaf), 0, proof);
    }

    function _accountFields(bytes32 storageRoot) internal pure returns (bytes[] memory fields) {
        fields = new bytes[](4);
        (fields[0], fields[1]) = (bytes(hex"01"), hex"80");
        fields[2] = RLP.encode(storageRoot);
        fields[3] = RLP.encode(keccak256(""));
    }

    function _accountLeaf(address account, bytes[] memory fields) internal pure returns (bytes memory) {
        return TestTrie.leaf(keccak256(abi.encodePacked(account)), 0, RLP.encode(fields));
    }

    /// @dev The items of a branch with sixteen hashes.
    function _branchItems() internal pure returns (bytes[] memory items) {
        items = new bytes[](17);
        for (uint256 i = 0; i < 16; ++i) {
            items[i] = RLP.encode(keccak256(abi.encode(i)));
        }
        items[16] = hex"80";
    }

    function _list(bytes memory item, uint256 count) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            items[i] = item;
        }
        return RLP.encode(items);
    }

    function _single(bytes memory node) internal pure returns (bytes[] memory proof) {
        proof = new bytes[](1);
        proof[0] = node;
    }
}
