// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {Test} from "forge-std/Test.sol";

import {MerklePatricia} from "../../src/libraries/MerklePatricia.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";
import {MerklePatriciaHarness} from "./MerklePatriciaHarness.sol";
import {TestTrie} from "./TestTrie.sol";

/// @notice The OP Stack's MerkleTrie, compiled by tools/generateOpMerkleTrie.ts.
interface IOpMerkleTrie {
    function get(bytes memory key, bytes[] memory proof, bytes32 root) external pure returns (bytes memory);
}

/// @notice OpenZeppelin's TrieProof as a call, since it may revert on malformed RLP.
contract OzTrieProof {
    function get(bytes32 root, bytes32 key, bytes[] memory proof) external pure returns (bytes memory) {
        return TrieProof.traverse(root, abi.encodePacked(key), proof);
    }
}

contract MerklePatriciaTest is Test {
    using TestTrie for TestTrie.Entry[];

    IOpMerkleTrie internal immutable OP_TRIE = IOpMerkleTrie(makeAddr("OP MerkleTrie"));

    string internal constant VECTORS = "test/vectors/keyroll/trie_proofs.json";

    MerklePatriciaHarness internal _trie;
    OzTrieProof internal _ozTrie;

    function setUp() public {
        _trie = new MerklePatriciaHarness();
        _ozTrie = new OzTrieProof();
        string memory json = vm.readFile("test/vectors/keyroll/op_merkle_trie.json");
        vm.etch(address(OP_TRIE), vm.parseJsonBytes(json, ".deployedBytecode"));
    }

    // Real proofs

    function test_provesAnAccountAndASlotOfSepolia() public {
        SepoliaProof memory p = _sepolia();
        (bool exists, bytes32 word, uint256 gasUsed) =
            _trie.prove(p.stateRoot, p.account, p.slot, p.accountProof, p.storageProof);
        assertTrue(exists);
        assertEq(word, p.slotValue);
        assertEq(p.accountProof.length + p.storageProof.length, 13);
        assertLt(gasUsed, 50_000);
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

    function test_refusesTheSepoliaProofWithAnyByteChanged() public view {
        SepoliaProof memory p = _sepolia();
        _requireEveryByte(p.stateRoot, keccak256(abi.encodePacked(p.account)), p.accountProof);
        bytes32 storageRoot = _trie.accountStorageRoot(p.stateRoot, p.account, p.accountProof);
        _requireEveryByte(storageRoot, keccak256(abi.encodePacked(p.slot)), p.storageProof);
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

    // Any trie, beside OpenZeppelin's TrieProof and the OP Stack's MerkleTrie

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_provesEveryKeyAsOthersDo(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 root = entries.rootOf();
        for (uint256 i = 0; i < entries.length; ++i) {
            bytes32 key = entries[i].key;
            bytes[] memory proof = entries.proofOf(key, false);
            (bool exists, bytes memory value) = _trie.get(root, key, proof);
            assertTrue(exists);
            assertEq(value, entries[i].value);
            assertEq(_ozTrie.get(root, key, proof), value);
            // The OP Stack's wants every node as an element of the proof, also those inside their parents.
            assertEq(OP_TRIE.get(abi.encodePacked(key), entries.proofOf(key, true), root), value);
        }
    }

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_provesAbsenceWhereOthersFindNothing(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 root = entries.rootOf();
        for (uint256 i = 0; i < 8; ++i) {
            bytes32 key =
                _near(entries[i % entries.length].key, uint256(keccak256(abi.encode(seed, "absent", i))));
            if (_holds(entries, key)) continue;
            bytes[] memory proof = entries.proofOf(key, false);
            (bool exists, bytes memory value) = _trie.get(root, key, proof);
            assertFalse(exists);
            assertEq(value.length, 0);
            _requireNoneOfOthers(root, key, proof);
        }
    }

    /// @dev Whatever the proof, an answer is the truth.
    /// forge-config: default.fuzz.runs = 100
    function testFuzz_neverTellsAnUntruthByProofsOfOtherKeys(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 root = entries.rootOf();
        bytes32 one = entries[seed % entries.length].key;
        bytes32 other = entries[(seed >> 8) % entries.length].key;
        bytes32 near = _near(other, seed);
        _requireTruth(entries, root, one, entries.proofOf(other, false));
        _requireTruth(entries, root, near, entries.proofOf(one, false));
        _requireTruth(entries, root, one, entries.proofOf(near, false));
    }

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_refusesChangedProofs(uint256 seed, uint256 at, uint8 difference) public view {
        vm.assume(difference != 0);
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 key = entries[seed % entries.length].key;
        bytes[] memory proof = entries.proofOf(key, false);
        bytes memory node = proof[at % proof.length];
        node[(at >> 128) % node.length] ^= bytes1(difference);
        _requireRefused(entries.rootOf(), key, proof);
    }

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_refusesLongerShorterAndReorderedProofs(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 root = entries.rootOf();
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 key = entries[i % entries.length].key;
            if (i == 1) key = _near(key, seed);
            bytes[] memory proof = entries.proofOf(key, false);
            _requireRefused(root, key, _resized(proof, proof.length - 1, ""));
            _requireRefused(root, key, _resized(proof, proof.length + 1, proof[proof.length - 1]));
            _requireRefused(root, key, _resized(proof, proof.length + 1, ""));
            if (proof.length > 1) {
                (proof[0], proof[1]) = (proof[1], proof[0]);
                _requireRefused(root, key, proof);
            }
        }
    }

    /// forge-config: default.fuzz.runs = 100
    function testFuzz_refusesEmbeddedNodesAsElements(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 key = entries[seed % entries.length].key;
        bytes[] memory repeated = entries.proofOf(key, true);
        if (repeated.length == entries.proofOf(key, false).length) return;
        _requireRefused(entries.rootOf(), key, repeated);
    }

    /// @dev Trie nodes changed and hashed again, so that parsing has to catch what hashes cannot.
    /// forge-config: default.fuzz.runs = 100
    function testFuzz_readsChangedNodesAsOthersDoOrRefuses(uint256 seed, uint256 at, uint8 to) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 key = entries[seed % entries.length].key;
        bytes[] memory proof = entries.proofOf(key, false);
        bytes memory last = proof[proof.length - 1];
        last[at % last.length] = bytes1(to);
        // Without the nodes above, the last one is a root; a key shifted as far meets it there.
        bytes[] memory root = new bytes[](1);
        root[0] = last;
        bytes32 hash = keccak256(last);
        for (uint256 depth = 0; depth < 64; ++depth) {
            bytes32 shifted = key << (4 * depth);
            (bool answered, bool exists, bytes memory value) = _tryGet(hash, shifted, root);
            if (!answered) continue;
            if (exists) assertEq(_ozTrie.get(hash, shifted, root), value);
            else _requireNoneOfOthers(hash, shifted, root);
        }
    }

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

    struct SepoliaProof {
        bytes32 stateRoot;
        address account;
        bytes32 slot;
        bytes32 slotValue;
        bytes[] accountProof;
        bytes[] storageProof;
    }

    function _sepolia() internal view returns (SepoliaProof memory p) {
        string memory json = vm.readFile("test/vectors/proof_l1_sepolia_9567705.json");
        p.stateRoot = vm.parseJsonBytes32(json, ".stateRoot");
        p.account = vm.parseJsonAddress(json, ".account");
        p.slot = vm.parseJsonBytes32(json, ".slot");
        p.slotValue = vm.parseJsonBytes32(json, ".slotValue");
        p.accountProof = _decodeNodes(vm.parseJsonBytes(json, ".rlpAccountProof"));
        p.storageProof = _decodeNodes(vm.parseJsonBytes(json, ".rlpStorageProof"));
    }

    /// @dev These vectors hold a proof as one RLP list of strings.
    function _decodeNodes(bytes memory list) internal pure returns (bytes[] memory nodes) {
        Memory.Slice[] memory items = RLP.decodeList(list);
        nodes = new bytes[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            nodes[i] = RLP.readBytes(items[i]);
        }
    }

    /// @dev Between one and five keys, each agreeing with an earlier one in a random number of nibbles, so that deep tries
    ///      with extensions and embedded nodes are as common as shallow ones; values from one byte to forty.
    function _randomEntries(uint256 seed) internal pure returns (TestTrie.Entry[] memory entries) {
        entries = new TestTrie.Entry[](1 + seed % 5);
        for (uint256 i = 0; i < entries.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            entries[i].key = i == 0 ? bytes32(random) : _near(entries[random % i].key, random);
            entries[i].value = new bytes(random % 3 == 0 ? 1 + (random >> 8) % 40 : 1);
            entries[i].value[0] = bytes1(uint8(1 + (random >> 16) % 255));
            for (uint256 j = 0; j < i; ++j) {
                if (entries[j].key == entries[i].key) return _resized(entries, i);
            }
        }
    }

    /// @dev A key that agrees with `key` in as many nibbles as `random` says, and then differs.
    function _near(bytes32 key, uint256 random) internal pure returns (bytes32) {
        uint256 depth = 63 - (random >> 24) % 64 * ((random >> 32) % 2);
        uint256 difference = (1 + (random >> 40) % 15) << (252 - 4 * depth);
        return bytes32((uint256(key) ^ difference) ^ (random >> (4 * depth) >> 4));
    }

    function _holds(TestTrie.Entry[] memory entries, bytes32 key) internal pure returns (bool) {
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].key == key) return true;
        }
        return false;
    }

    function _tryGet(bytes32 root, bytes32 key, bytes[] memory proof)
        internal
        view
        returns (bool answered, bool exists, bytes memory value)
    {
        try _trie.get(root, key, proof) returns (bool exists_, bytes memory value_) {
            return (true, exists_, value_);
        } catch {}
    }

    function _requireTruth(TestTrie.Entry[] memory entries, bytes32 root, bytes32 key, bytes[] memory proof)
        internal
        view
    {
        (bool answered, bool exists, bytes memory value) = _tryGet(root, key, proof);
        if (!answered) return;
        bytes memory truth;
        for (uint256 i = 0; i < entries.length; ++i) {
            if (entries[i].key == key) truth = entries[i].value;
        }
        assertEq(exists, truth.length != 0);
        assertEq(value, truth);
    }

    function _requireRefused(bytes32 root, bytes32 key, bytes[] memory proof) internal view {
        (bool answered,,) = _tryGet(root, key, proof);
        assertFalse(answered, "answered");
    }

    function _requireNoneOfOthers(bytes32 root, bytes32 key, bytes[] memory proof) internal view {
        try _ozTrie.get(root, key, proof) {
            revert("OpenZeppelin's finds a value");
        } catch {}
        try OP_TRIE.get(abi.encodePacked(key), proof, root) {
            revert("OP's finds a value");
        } catch {}
    }

    function _requireEveryByte(bytes32 root, bytes32 key, bytes[] memory proof) internal view {
        (bool exists,) = _trie.get(root, key, proof);
        assertTrue(exists);
        for (uint256 i = 0; i < proof.length; ++i) {
            bytes memory node = proof[i];
            // No later node is looked at, so it suffices to send those up to the changed one.
            bytes[] memory head = _resized(proof, i + 1, "");
            for (uint256 j = 0; j < node.length; ++j) {
                node[j] ^= 0x01;
                try _trie.get(root, key, head) {
                    revert("accepted");
                } catch (bytes memory reason) {
                    assertEq(bytes4(reason), MerklePatricia.ProofNodeMismatch.selector);
                }
                node[j] ^= 0x01;
            }
        }
    }

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

    function _resized(bytes[] memory items, uint256 length, bytes memory more)
        internal
        pure
        returns (bytes[] memory resized)
    {
        resized = new bytes[](length);
        for (uint256 i = 0; i < length; ++i) {
            resized[i] = i < items.length ? items[i] : more;
        }
    }

    function _resized(TestTrie.Entry[] memory entries, uint256 length)
        internal
        pure
        returns (TestTrie.Entry[] memory resized)
    {
        resized = new TestTrie.Entry[](length);
        for (uint256 i = 0; i < length; ++i) {
            resized[i] = entries[i];
        }
    }
}
