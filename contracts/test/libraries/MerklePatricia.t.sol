// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

import {MerklePatricia} from "../../src/libraries/MerklePatricia.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";
import {SharedProofs} from "../kit/SharedProofs.sol";
import {MerklePatriciaHarness, RawTrie} from "./MerklePatriciaHarness.sol";
import {TestTrie} from "./TestTrie.sol";
import {TrieTest} from "./TrieTest.sol";

contract MerklePatriciaTest is TrieTest {
    using Strings for string;
    using TestTrie for TestTrie.Entry[];

    string internal constant VECTORS = "test/vectors/keyroll/trie_proofs.json";

    // Real proofs

    function test_provesAnAccountAndASlotOfSepolia() public {
        SepoliaProof memory p = _sepolia();
        (bool exists, bytes32 word, uint256 gasUsed) = _trie.prove(
            p.stateRoot,
            p.account,
            p.slot,
            SharedProofs.joined(p.accountProof),
            SharedProofs.joined(p.storageProof)
        );
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
        (bool exists, bytes32 word, uint256 gasUsed) = _trie.prove(
            stateRoot, account, slot, SharedProofs.joined(accountProof), SharedProofs.joined(storageProof)
        );
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
        uint256 refused = 0;
        for (uint256 i = 0; i < count; ++i) {
            string memory at = string.concat(".malformed[", vm.toString(i), "]");
            bytes32 root = vm.parseJsonBytes32(json, string.concat(at, ".root"));
            bytes32 keyHash = vm.parseJsonBytes32(json, string.concat(at, ".keyHash"));
            bytes[] memory proof = vm.parseJsonBytesArray(json, string.concat(at, ".proof"));
            string memory name = vm.parseJsonString(json, string.concat(at, ".name"));
            // One after the other, an empty node is none.
            if (name.equal("an empty node at the end")) continue;
            ++refused;
            (bool answered,,) = _tryGet(root, keyHash, proof);
            assertFalse(answered, name);
        }
        assertGt(count, 10);
        assertEq(refused, count - 1);
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

        bytes[] memory proof = _single(hex"c0");
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooLong.selector, 1, 0));
        _trie.get(MerklePatricia.EMPTY_TRIE_ROOT, "key", proof);
        // Nor is what hashes to its root one: it is no node.
        proof = _single(hex"80");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpExpectedList.selector, 0x80));
        _trie.get(MerklePatricia.EMPTY_TRIE_ROOT, "key", proof);
    }

    function test_anyOtherTrieNeedsAProof() public {
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, 0));
        _trie.get(keccak256("root"), "key", new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, 0));
        _trie.get(0, "key", new bytes[](0));
    }

    // Nodes one after the other

    /// @dev A list of 255 bytes has a length of one byte, one of 256 a length of two, one of 65,536 a length of three.
    function test_aNodeEndsWhereItSays() public {
        TestTrie.Entry[] memory entries = _threeEntries();
        uint24[10] memory lengths = [uint24(0), 1, 55, 56, 255, 256, 257, 65_280, 65_535, 65_536];
        for (uint256 i = 0; i < lengths.length; ++i) {
            bytes[] memory proof = entries.proofOf(entries[0].key, false);
            uint256 count = proof.length;
            proof = _resized(proof, count + 2, _listOf(lengths[i]));
            vm.expectRevert(
                abi.encodeWithSelector(MerklePatricia.ProofTooLong.selector, count + 2, count), address(_trie)
            );
            _trie.get(entries.rootOf(), entries[0].key, proof);
        }
    }

    function test_refusesBytesThatAreNoNode() public {
        _requireNoNode(hex"00", Rlp.RlpExpectedList.selector);
        _requireNoNode(hex"7f", Rlp.RlpExpectedList.selector);
        _requireNoNode(hex"80", Rlp.RlpExpectedList.selector);
        _requireNoNode(RLP.encode(new bytes(56)), Rlp.RlpExpectedList.selector);
        _requireNoNode(hex"8100", Rlp.RlpNotMinimal.selector);
        _requireNoNode(hex"b7", Rlp.RlpTruncated.selector);
        // lists that do not end
        _requireNoNode(hex"c1", Rlp.RlpTruncated.selector);
        _requireNoNode(hex"f8", Rlp.RlpTruncated.selector);
        _requireNoNode(abi.encodePacked(hex"f838", new bytes(55)), Rlp.RlpTruncated.selector);
        _requireNoNode(abi.encodePacked(hex"f90100", new bytes(255)), Rlp.RlpTruncated.selector);
        _requireNoNode(abi.encodePacked(hex"f9ffff", new bytes(300)), Rlp.RlpTruncated.selector);
        _requireNoNode(abi.encodePacked(hex"ffffffffffffffffff", new bytes(300)), Rlp.RlpTruncated.selector);
        // lengths that need fewer bytes
        _requireNoNode(abi.encodePacked(hex"f837", new bytes(55)), Rlp.RlpNotMinimal.selector);
        _requireNoNode(abi.encodePacked(hex"f800"), Rlp.RlpNotMinimal.selector);
        _requireNoNode(abi.encodePacked(hex"f90038", new bytes(56)), Rlp.RlpNotMinimal.selector);
        _requireNoNode(abi.encodePacked(hex"f900ff", new bytes(255)), Rlp.RlpNotMinimal.selector);
        _requireNoNode(abi.encodePacked(hex"fa000211", new bytes(529)), Rlp.RlpNotMinimal.selector);
    }

    function test_refusesARootWhoseLengthNeedsFewerBytes() public {
        bytes memory items = _payloadOf(RLP.encode(_branchItems()), 3);
        _requireMalformedRoot(abi.encodePacked(hex"fa000211", items), Rlp.RlpNotMinimal.selector);
        items = _payloadOf(TestTrie.leaf(0, 0, hex"01"), 1);
        _requireMalformedRoot(
            abi.encodePacked(hex"f8", uint8(items.length), items), Rlp.RlpNotMinimal.selector
        );
    }

    /// @dev Nobody reads a node behind the 65th, since each but a leaf uses a nibble; they are counted all the same.
    function test_countsMoreNodesThanAKeyHasNibbles() public {
        TestTrie.Entry[] memory entries = _threeEntries();
        bytes[] memory proof = entries.proofOf(entries[0].key, false);
        uint256 used = proof.length;
        uint16[5] memory lengths = [uint16(64), 65, 66, 67, 700];
        for (uint256 i = 0; i < lengths.length; ++i) {
            bytes[] memory longer = _resized(proof, lengths[i], hex"c0");
            vm.expectRevert(
                abi.encodeWithSelector(MerklePatricia.ProofTooLong.selector, lengths[i], used), address(_trie)
            );
            _trie.get(entries.rootOf(), entries[0].key, longer);
        }
    }

    /// @dev A branch at each of the 64 nibbles, and a leaf with an empty path.
    function test_aProofMayHaveSixtyFiveNodes() public {
        bytes[] memory proof = new bytes[](65);
        proof[64] = TestTrie.leaf(0, 64, RLP.encode(new bytes(40)));
        for (uint256 depth = 64; depth != 0; --depth) {
            bytes[] memory items = _branchItems();
            items[0] = RLP.encode(keccak256(proof[depth]));
            proof[depth - 1] = RLP.encode(items);
        }
        bytes32 root = keccak256(proof[0]);
        (bool exists, bytes memory value) = _trie.get(root, 0, proof);
        assertTrue(exists);
        assertEq(value, RLP.encode(new bytes(40)));

        bytes memory reason = abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, 64);
        vm.expectRevert(reason, address(_trie));
        _trie.get(root, 0, _resized(proof, 64, ""));
        // And along a path, behind the longest proof there is.
        MerklePatriciaHarness.Lookup[] memory lookups = new MerklePatriciaHarness.Lookup[](6);
        lookups[0].nodes = SharedProofs.joined(proof);
        lookups[1].kept = 65;
        lookups[2].kept = 64;
        // Nodes that are not kept are gone.
        lookups[4].kept = 10;
        lookups[5].kept = 11;
        (lookups[3].kept, lookups[3].nodes) = (64, proof[64]);
        bytes[] memory answers = _trie.getMany(root, lookups);
        assertEq(answers[0], abi.encode(true, value));
        assertEq(answers[1], answers[0]);
        assertEq(answers[2], reason);
        assertEq(answers[3], answers[0]);
        assertEq(answers[4], abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, 10));
        assertEq(answers[5], _tooMany(11, 10));
    }

    // One proof behind another

    /// @dev What an extension says of the branch below it is not said of the node that takes its place in the next proof.
    function test_forgetsWhatWasSaidOfNodesThatAreNotKept() public view {
        TestTrie.Entry[] memory entries = new TestTrie.Entry[](4);
        entries[0].key = bytes32(uint256(0x1ab) << 244);
        entries[1].key = bytes32(uint256(0x1ac) << 244);
        entries[2].key = bytes32(uint256(0x200) << 244);
        entries[3].key = bytes32(uint256(0x210) << 244);
        for (uint256 i = 0; i < 4; ++i) {
            entries[i].value = RLP.encode(new bytes(40 + i));
        }
        bytes[] memory behindExtension = entries.proofOf(entries[0].key, false);
        bytes[] memory behindBranch = entries.proofOf(entries[2].key, false);
        assertEq(behindExtension.length, 4);
        assertEq(behindBranch.length, 3);
        MerklePatriciaHarness.Lookup[] memory lookups = new MerklePatriciaHarness.Lookup[](3);
        (lookups[0].key, lookups[0].nodes) = (entries[0].key, SharedProofs.joined(behindExtension));
        (lookups[1].key, lookups[1].kept) = (entries[2].key, 1);
        lookups[1].nodes = SharedProofs.joined(behindBranch, 1);
        (lookups[2].key, lookups[2].kept) = (entries[1].key, 1);
        lookups[2].nodes = SharedProofs.joined(entries.proofOf(entries[1].key, false), 1);
        bytes[] memory answers = _trie.getMany(entries.rootOf(), lookups);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(answers[i], abi.encode(true, entries[i == 0 ? 0 : 3 - i].value));
        }
    }

    function test_refusesToKeepMoreNodesThanThereAre() public view {
        TestTrie.Entry[] memory entries = _threeEntries();
        bytes32 key = entries[0].key;
        bytes[] memory proof = entries.proofOf(key, false);
        assertEq(proof.length, 2);
        MerklePatriciaHarness.Lookup[] memory lookups = new MerklePatriciaHarness.Lookup[](8);
        for (uint256 i = 0; i < lookups.length; ++i) {
            lookups[i].key = key;
        }
        lookups[0].kept = 1;
        lookups[1].nodes = SharedProofs.joined(proof);
        lookups[2].kept = 3;
        // What is refused for that changes nothing.
        lookups[3].kept = 2;
        lookups[4].kept = type(uint256).max;
        // The proof ends where it can be read no longer.
        (lookups[5].kept, lookups[5].nodes) = (1, hex"c100");
        (lookups[6].kept, lookups[6].nodes) = (1, hex"c000");
        lookups[7].kept = 3;
        bytes[] memory answers = _trie.getMany(entries.rootOf(), lookups);
        assertEq(answers[0], _tooMany(1, 0));
        assertEq(answers[1], abi.encode(true, entries[0].value));
        assertEq(answers[2], _tooMany(3, 2));
        assertEq(answers[3], answers[1]);
        assertEq(answers[4], _tooMany(type(uint256).max, 2));
        assertEq(answers[5], abi.encodeWithSelector(MerklePatricia.ProofNodeTooShort.selector, 1, 2));
        assertEq(answers[6], abi.encodeWithSelector(Rlp.RlpExpectedList.selector, 0));
        assertEq(answers[7], _tooMany(3, 2));
    }

    function test_keepsNothingOfProofsOfTheEmptyTrie() public view {
        MerklePatriciaHarness.Lookup[] memory lookups = new MerklePatriciaHarness.Lookup[](4);
        lookups[1].nodes = hex"c0";
        lookups[2].kept = 1;
        bytes[] memory answers = _trie.getMany(MerklePatricia.EMPTY_TRIE_ROOT, lookups);
        assertEq(answers[0], abi.encode(false, ""));
        assertEq(answers[1], abi.encodeWithSelector(MerklePatricia.ProofTooLong.selector, 1, 0));
        assertEq(answers[2], answers[1]);
        assertEq(answers[3], answers[0]);
    }

    /// @dev Every key behind every other, keeping none, some and all of the nodes they share: as alone.
    function test_leadsEveryKeyBehindEveryOtherAsAlone() public view {
        uint256 pairs = 0;
        for (uint256 i = 0; i < 12; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("pairs", i)));
            TestTrie.Entry[] memory entries = _randomEntries(seed);
            for (uint256 j = 0; j < entries.length * entries.length; ++j) {
                bytes32 key = entries[j % entries.length].key;
                if (i % 3 == 0) key = _near(key, uint256(keccak256(abi.encode(seed, j))));
                // Called from outside, so that each begins with no memory.
                this.requireSameBehind(entries, entries[j / entries.length].key, key);
                ++pairs;
            }
        }
        assertGt(pairs, 50);
    }

    function requireSameBehind(TestTrie.Entry[] memory entries, bytes32 lastKey, bytes32 key) external view {
        bytes[] memory last = entries.proofOf(lastKey, false);
        bytes[] memory proof = entries.proofOf(key, false);
        bytes memory expected = _alone(entries.rootOf(), key, proof);
        (uint256 shared,) = SharedProofs.behind(last, proof);
        MerklePatriciaHarness.Lookup[] memory lookups = new MerklePatriciaHarness.Lookup[](2 * shared + 2);
        for (uint256 kept = 0; kept <= shared; ++kept) {
            (lookups[2 * kept].key, lookups[2 * kept].nodes) = (lastKey, SharedProofs.joined(last));
            (lookups[2 * kept + 1].key, lookups[2 * kept + 1].kept) = (key, kept);
            lookups[2 * kept + 1].nodes = SharedProofs.joined(proof, kept);
        }
        bytes[] memory answers = _trie.getMany(entries.rootOf(), lookups);
        for (uint256 kept = 0; kept <= shared; ++kept) {
            assertEq(answers[2 * kept + 1], expected);
        }
    }

    /// @dev Whatever came before it, a proof says what it says alone: of its own key, another's, changed, cut or too long.
    /// forge-config: default.fuzz.runs = 300
    /// forge-config: deep.fuzz.runs = 20000
    function testFuzz_aPathLeadsManyKeysAsProofsAloneDo(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 root = entries.rootOf();
        MerklePatriciaHarness.Lookup[] memory lookups = new MerklePatriciaHarness.Lookup[](8);
        bytes[] memory expected = new bytes[](lookups.length);
        bytes[] memory last = new bytes[](0);
        for (uint256 i = 0; i < lookups.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, "lookup", i)));
            bytes32 key = entries[random % entries.length].key;
            if ((random >> 8) % 4 == 0) key = _near(key, random >> 16);
            bytes32 proven = (random >> 64) % 4 == 0 ? entries[(random >> 72) % entries.length].key : key;
            bytes[] memory proof = _spoilt(entries.proofOf(proven, false), random >> 128);
            (uint256 shared,) = SharedProofs.behind(last, proof);
            lookups[i].key = key;
            lookups[i].kept = (random >> 96) % 4 == 0 ? (random >> 100) % (shared + 1) : shared;
            lookups[i].nodes = SharedProofs.joined(proof, lookups[i].kept);
            expected[i] = _alone(root, key, proof);
            last = proof;
        }
        bytes[] memory answers = _trie.getMany(root, lookups);
        for (uint256 i = 0; i < lookups.length; ++i) {
            assertEq(answers[i], expected[i]);
        }
    }

    // Nodes that no trie has. A key of zeros goes to the first child.

    function test_refusesNodesOfOtherShapes() public {
        bytes memory hash = abi.encodePacked(hex"a0", keccak256("child"));
        _requireMalformedRoot(_list(hash, 3), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(_list(hash, 16), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(_list(hash, 18), MerklePatricia.MalformedNode.selector);
        _requireMalformedRoot(RLP.encode(new bytes(40)), Rlp.RlpExpectedList.selector);
        _requireMalformedRoot(_list(RLP.encode(new bytes(40)), 1), Rlp.RlpNoMoreItems.selector);
        _requireMalformedRoot(abi.encodePacked(_list(hash, 17), hex"80"), Rlp.RlpExpectedList.selector);
        // The first item is none.
        _requireMalformedRoot(abi.encodePacked(hex"e8b8ff", new bytes(38)), Rlp.RlpTruncated.selector);
        _requireMalformedRoot(abi.encodePacked(hex"e88100", new bytes(38)), Rlp.RlpNotMinimal.selector);
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
    ///      looked for: only the first one's prefix gives these branches away. Behind all prefixes stands the same byte.
    function test_refusesBranchesAsLongAsAFullOneWithMalformedReferences() public {
        bytes1[2] memory behind = [bytes1(0xa0), 0x00];
        for (uint256 i = 0; i < 30; ++i) {
            (uint256 at, bytes1 byte_) = (i / 2, behind[i % 2]);
            bytes[] memory items = _branchItems();
            for (uint256 j = 0; j < 16; ++j) {
                items[j][1] = byte_;
            }
            items[at] = abi.encodePacked(hex"9f", byte_, new bytes(30));
            items[at + 1] = abi.encodePacked(hex"a1a0", byte_, new bytes(31));
            bytes memory node = RLP.encode(items);
            assertEq(node.length, 532);
            _requireMalformedRoot(node, MerklePatricia.MalformedNode.selector);
        }
    }

    function test_refusesAFullBranchWhoseValueIsNoItem() public {
        bytes memory node = RLP.encode(_branchItems());
        node[531] = 0x81;
        _requireMalformedRoot(node, MerklePatricia.MalformedNode.selector);
    }

    /// @dev A value of one byte, and behind the node what would be an empty one.
    function test_readsNoValueBehindAFullBranch() public view {
        bytes memory node = RLP.encode(_branchItems());
        node[531] = 0x00;
        bytes memory lookup = abi.encodeCall(_trie.getAlone, (keccak256(node), 0, node));
        lookup[4 + 4 * 32 + 532] = 0x80;
        (bool success, bytes memory reason) = address(_trie).staticcall(lookup);
        assertFalse(success);
        assertEq(reason, abi.encodeWithSelector(MerklePatricia.MalformedNode.selector, 0));
    }

    /// @dev The same at the end: the value is a byte too long, and shows that of an empty one.
    function test_refusesABranchAsLongAsAFullOneWithAMalformedLastReference() public {
        bytes[] memory items = _branchItems();
        items[15] = abi.encodePacked(hex"9f", new bytes(31));
        items[16] = hex"8180";
        bytes memory node = RLP.encode(items);
        assertEq(node.length, 532);
        _requireMalformedRoot(node, MerklePatricia.MalformedNode.selector);
    }

    /// @dev As full ones that are a byte too short in front, and a byte too long at the end.
    function test_refusesBranchesOfHashesThatDoNotEndWithTheNode() public {
        bytes[] memory items = _branchItems();
        items[3] = hex"80";
        bytes memory payload = _payloadOf(RLP.encode(items), 3);
        _requireMalformedRoot(
            abi.encodePacked(hex"f9", uint16(payload.length + 1), payload, hex"80"),
            MerklePatricia.MalformedNode.selector
        );
        _requireMalformedRoot(
            abi.encodePacked(hex"f9", uint16(payload.length - 1), _cut(payload)),
            MerklePatricia.MalformedNode.selector
        );
    }

    /// @dev A branch without children, of 18 bytes, is no proof of absence.
    function test_refusesAnEmptyBranch() public {
        bytes memory node = _list(hex"80", 17);
        bytes[] memory proof = _single(node);
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofNodeTooShort.selector, 0, 18));
        _trie.get(keccak256(node), 0, proof);
    }

    function test_refusesMoreThanABranchThatProvesAbsence() public {
        TestTrie.Entry[] memory entries = _threeEntries();
        bytes[] memory proof = entries.proofOf(0, false);
        assertEq(proof.length, 1);
        (bool exists,) = _trie.get(entries.rootOf(), 0, proof);
        assertFalse(exists);
        proof = _resized(proof, 2, entries.proofOf(entries[0].key, false)[1]);
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooLong.selector, 2, 1), address(_trie));
        _trie.get(entries.rootOf(), 0, proof);
    }

    /// @dev A list of 55 bytes has the longest length that stands in its prefix.
    function test_readsALeafOfEveryLength() public view {
        for (uint256 length = 2; length < 300; ++length) {
            bytes memory value = new bytes(length);
            bytes memory leaf = TestTrie.leaf(0, 0, value);
            (bool exists, bytes memory read) = _trie.get(keccak256(leaf), 0, _single(leaf));
            assertTrue(exists);
            assertEq(read, value);
        }
    }

    /// @dev What stands where calldata begin is no reference to a child.
    function testFuzz_readsNothingOutsideTheProof(bytes1 first, bytes32 key) public {
        RawTrie raw = new RawTrie();
        bytes1[3] memory firsts = [bytes1(0x80), 0xa0, first];
        bytes memory leaf = TestTrie.leaf(key, 0, hex"01");
        for (uint256 i = 0; i < 3; ++i) {
            (bool isAnswered, bytes memory answer) =
                address(raw).call(abi.encodePacked(firsts[i], keccak256(leaf), key, leaf));
            assertTrue(isAnswered);
            assertEq(answer, abi.encode(true, bytes(hex"01")));
        }
    }

    /// @dev Children anywhere: which are there, and where those that are lead.
    function testFuzz_findsTheChildOfAnySparseBranch(uint16 children, bytes32 key) public view {
        vm.assume(children != 0);
        bytes[] memory items = new bytes[](17);
        for (uint256 i = 0; i < 17; ++i) {
            items[i] = hex"80";
        }
        bytes[] memory leaves = new bytes[](16);
        for (uint256 i = 0; i < 16; ++i) {
            if (children >> i & 1 == 0) continue;
            leaves[i] = TestTrie.leaf(bytes32(i << 252 | uint256(key) >> 4), 1, RLP.encode(new bytes(33 + i)));
            items[i] = RLP.encode(keccak256(leaves[i]));
        }
        bytes memory node = RLP.encode(items);
        for (uint256 i = 0; i < 16; ++i) {
            bool isThere = leaves[i].length != 0;
            bytes[] memory proof = _resized(_single(node), isThere ? 2 : 1, leaves[i]);
            (bool exists, bytes memory value) =
                _trie.get(keccak256(node), bytes32(i << 252 | uint256(key) >> 4), proof);
            assertEq(exists, isThere);
            if (isThere) assertEq(value, RLP.encode(new bytes(33 + i)));
        }
    }

    function test_readsLeavesThatBeginWithAnyNibble() public view {
        for (uint256 i = 0; i < 16; ++i) {
            bytes32 key = bytes32(i * 0x11 << 248);
            bytes memory leaf = TestTrie.leaf(key, 1, hex"01");
            bytes[] memory items = _branchItems();
            items[i] = RLP.encode(keccak256(leaf));
            bytes[] memory proof = _resized(_single(RLP.encode(items)), 2, leaf);
            (bool exists,) = _trie.get(keccak256(proof[0]), key, proof);
            assertTrue(exists);
        }
    }

    /// @dev Nodes of 31 bytes are inside their parent, nodes of 32 are not: a branch below an extension, and leaves below it.
    function test_embedsNodesOfUpToThirtyOneBytes() public view {
        _requireTwoKeys(2, 3, 1);
        _requireTwoKeys(2, 4, 2);
        _requireTwoKeys(26, 26, 2);
        _requireTwoKeys(27, 26, 3);
    }

    /// @dev Two keys that part at the 61st nibble, with values of so many bytes.
    function _requireTwoKeys(uint256 length, uint256 otherLength, uint256 nodes) internal view {
        TestTrie.Entry[] memory entries = new TestTrie.Entry[](2);
        entries[0].value = new bytes(length);
        entries[1] = TestTrie.Entry(bytes32(uint256(0x1000)), new bytes(otherLength));
        for (uint256 i = 0; i < 2; ++i) {
            bytes[] memory proof = entries.proofOf(entries[i].key, false);
            if (i == 0) assertEq(proof.length, nodes);
            (bool exists, bytes memory value) = _trie.get(entries.rootOf(), entries[i].key, proof);
            assertTrue(exists);
            assertEq(value, entries[i].value);
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
        // no flags, and behind them, inside a branch, what would be those of an extension
        bytes[] memory items = _branchItems();
        items[0] = hex"c28010";
        bytes[] memory proof = _single(RLP.encode(items));
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.MalformedPath.selector, 1));
        _trie.get(keccak256(proof[0]), 0, proof);
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
        // short enough for an embedded node, but none
        _requireMalformedRoot(TestTrie.pair(path, hex"c0"), Rlp.RlpNoMoreItems.selector);
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
        // as a hash, but for its length or its prefix
        bytes32 hash = keccak256("hash");
        _requireMalformedWord(abi.encodePacked(hex"a0", hash, hex"01"), Rlp.RlpTrailingBytes.selector);
        _requireMalformedWord(abi.encodePacked(hex"a0", bytes31(hash)), Rlp.RlpTruncated.selector);
        _requireMalformedWord(abi.encodePacked(hex"9f", hash), Rlp.RlpTrailingBytes.selector);
        _requireMalformedWord(abi.encodePacked(hex"e0", hash), Rlp.RlpExpectedString.selector);
    }

    function test_absentSlotsAreZero() public view {
        (bool exists, bytes32 word) = _trie.storageValue(MerklePatricia.EMPTY_TRIE_ROOT, 0, new bytes[](0));
        assertFalse(exists);
        assertEq(word, 0);
    }

    // Helpers

    /// @dev Three keys that part at the first nibble.
    function _threeEntries() internal pure returns (TestTrie.Entry[] memory entries) {
        entries = new TestTrie.Entry[](3);
        for (uint256 i = 0; i < 3; ++i) {
            entries[i] = TestTrie.Entry(bytes32((i + 1) << 252), RLP.encode(new bytes(40 + i)));
        }
    }

    /// @dev A list of so many bytes, which are items of one byte.
    function _listOf(uint256 length) internal pure returns (bytes memory) {
        if (length < 56) return abi.encodePacked(uint8(0xc0 + length), new bytes(length));
        if (length < 256) return abi.encodePacked(hex"f8", uint8(length), new bytes(length));
        if (length < 65_536) return abi.encodePacked(hex"f9", uint16(length), new bytes(length));
        return abi.encodePacked(hex"fa", uint24(length), new bytes(length));
    }

    function _payloadOf(bytes memory node, uint256 start) internal pure returns (bytes memory payload) {
        payload = new bytes(node.length - start);
        for (uint256 i = 0; i < payload.length; ++i) {
            payload[i] = node[start + i];
        }
    }

    function _cut(bytes memory data) internal pure returns (bytes memory) {
        assembly ("memory-safe") {
            mstore(data, sub(mload(data), 1))
        }
        return data;
    }

    /// @dev Three proofs in four as they are; others with a byte changed, cut, or with one node more. What says where a node
    /// ends stays.
    function _spoilt(bytes[] memory proof, uint256 random) internal pure returns (bytes[] memory) {
        uint256 kind = random % 16;
        if (kind == 0) return _resized(proof, proof.length - 1, "");
        if (kind == 1) return _resized(proof, proof.length + 1, proof[(random >> 8) % proof.length]);
        if (kind == 2) return _resized(proof, proof.length + 80, hex"c0");
        if (kind == 3) {
            bytes memory node = proof[(random >> 8) % proof.length];
            node[3 + (random >> 16) % (node.length - 3)] ^= bytes1(uint8(1 + (random >> 32) % 255));
        }
        return proof;
    }

    /// @dev What a lookup alone answers, or reverts with.
    function _alone(bytes32 root, bytes32 key, bytes[] memory proof) internal view returns (bytes memory) {
        try _trie.getAlone(root, key, SharedProofs.joined(proof)) returns (bool exists, bytes memory value) {
            return abi.encode(exists, value);
        } catch (bytes memory reason) {
            return reason;
        }
    }

    function _tooMany(uint256 kept, uint256 length) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(MerklePatricia.TooManyNodesKept.selector, kept, length);
    }

    /// @dev Behind a proof that needs no more, and before it.
    function _requireNoNode(bytes memory bytes_, bytes4 reason) internal {
        TestTrie.Entry[] memory entries = _threeEntries();
        bytes[] memory proof = entries.proofOf(entries[0].key, false);
        bytes memory nodes = bytes.concat(SharedProofs.joined(proof), bytes_);
        vm.expectPartialRevert(reason);
        _trie.getAlone(entries.rootOf(), entries[0].key, nodes);
        vm.expectPartialRevert(reason);
        _trie.getAlone(keccak256(bytes_), 0, bytes_);
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

    function _list(bytes memory item, uint256 count) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            items[i] = item;
        }
        return RLP.encode(items);
    }
}
