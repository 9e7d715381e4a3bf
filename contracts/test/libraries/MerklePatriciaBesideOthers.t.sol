// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

import {TestTrie} from "./TestTrie.sol";
import {TrieTest} from "./TrieTest.sol";

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

/// @notice The verifier beside OpenZeppelin's TrieProof and the OP Stack's MerkleTrie, which prove inclusion alone.
contract MerklePatriciaBesideOthersTest is TrieTest {
    using Memory for bytes;
    using Memory for Memory.Slice;
    using RLP for Memory.Slice;
    using TestTrie for TestTrie.Entry[];

    /// @dev What became of changed proofs.
    struct Tally {
        uint256 proven;
        uint256 absent;
        uint256 refused;
        uint256 othersProve;
    }

    IOpMerkleTrie internal immutable OP_TRIE = IOpMerkleTrie(makeAddr("OP MerkleTrie"));
    OzTrieProof internal _ozTrie = new OzTrieProof();

    function setUp() public {
        string memory json = vm.readFile("test/vectors/keyroll/op_merkle_trie.json");
        vm.etch(address(OP_TRIE), vm.parseJsonBytes(json, ".deployedBytecode"));
    }

    // Proofs as they should be, and with parts of other proofs

    /// forge-config: default.fuzz.runs = 100
    /// forge-config: deep.fuzz.runs = 5000
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
    /// forge-config: deep.fuzz.runs = 5000
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
    /// forge-config: deep.fuzz.runs = 5000
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
    /// forge-config: deep.fuzz.runs = 5000
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
    /// forge-config: deep.fuzz.runs = 5000
    function testFuzz_refusesLongerShorterAndReorderedProofs(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 root = entries.rootOf();
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 key = entries[i % entries.length].key;
            if (i == 1) key = _near(key, seed);
            bytes[] memory proof = entries.proofOf(key, false);
            _requireRefused(root, key, _resized(proof, proof.length - 1, ""));
            _requireRefused(root, key, _resized(proof, proof.length + 1, proof[proof.length - 1]));
            _requireRefused(root, key, _resized(proof, proof.length + 1, hex"c0"));
            _requireRefused(root, key, _resized(proof, proof.length + 1, hex"80"));
            if (proof.length > 1) {
                (proof[0], proof[1]) = (proof[1], proof[0]);
                _requireRefused(root, key, proof);
            }
        }
    }

    /// forge-config: default.fuzz.runs = 100
    /// forge-config: deep.fuzz.runs = 5000
    function testFuzz_refusesEmbeddedNodesAsElements(uint256 seed) public view {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 key = entries[seed % entries.length].key;
        bytes[] memory repeated = entries.proofOf(key, true);
        if (repeated.length == entries.proofOf(key, false).length) return;
        _requireRefused(entries.rootOf(), key, repeated);
    }

    /// @dev Trie nodes changed and hashed again, so that parsing has to catch what hashes cannot.
    /// forge-config: default.fuzz.runs = 100
    /// forge-config: deep.fuzz.runs = 5000
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

    // Tries that somebody made up: nodes are changed and everything above them hashed again

    /// @dev Parsing has to catch what hashes cannot. Ours may refuse more than others do; what it accepts, they accept.
    /// forge-config: default.fuzz.runs = 200
    /// forge-config: deep.fuzz.runs = 50000
    function testFuzz_readsMadeUpTriesAsOthersDoOrRefuses(uint256 seed) public view {
        _readMadeUpTrie(seed);
    }

    /// @dev The changes are of use: some make proofs of another value, some of absence, some of nothing.
    function test_madeUpTriesAreOfEveryKind() public view {
        Tally memory all;
        for (uint256 seed = 0; seed < 300; ++seed) {
            Tally memory one = _readMadeUpTrie(uint256(keccak256(abi.encode("kinds", seed))));
            all.proven += one.proven;
            all.absent += one.absent;
            all.refused += one.refused;
            all.othersProve += one.othersProve;
        }
        assertGt(all.proven, 20, "proven");
        assertGt(all.absent, 20, "absent");
        assertGt(all.refused, 100, "refused");
        assertGt(all.othersProve, 0, "refused, but proven by another");
    }

    function _readMadeUpTrie(uint256 seed) internal view returns (Tally memory tally) {
        TestTrie.Entry[] memory entries = _randomEntries(seed);
        bytes32 key = entries[seed % entries.length].key;
        bytes[] memory proof = entries.proofOf(key, false);
        uint256 random = uint256(keccak256(abi.encode(seed, "change")));
        uint256 changes = 1 + random % 2;
        for (uint256 i = 0; i < changes; ++i) {
            random = uint256(keccak256(abi.encode(random)));
            uint256 at = random % proof.length;
            if (random >> 255 == 0) at = proof.length - 1;
            bytes32 before = keccak256(proof[at]);
            proof[at] = _changed(proof[at], random >> 8);
            _hashAgain(proof, at, before);
        }
        bytes32 root = keccak256(proof[0]);
        (bool answered, bool exists, bytes memory value) = _tryGet(root, key, proof);
        if (!answered) {
            tally.refused = 1;
            try _ozTrie.get(root, key, proof) {
                tally.othersProve = 1;
            } catch {}
        } else if (exists) {
            tally.proven = 1;
            assertEq(_ozTrie.get(root, key, proof), value, "OpenZeppelin's");
            assertEq(OP_TRIE.get(abi.encodePacked(key), _withEmbedded(proof, key), root), value, "OP's");
        } else {
            tally.absent = 1;
            _requireNoneOfOthers(root, key, proof);
        }
    }

    /// @dev A node with a byte changed; or one whose items are changed and which is canonical RLP again.
    function _changed(bytes memory node, uint256 random) internal view returns (bytes memory changed) {
        changed = bytes.concat(node);
        uint256 at = (random >> 8) % node.length;
        uint256 kind = random % 8;
        if (kind == 0) {
            changed[at] ^= bytes1(uint8(1 + (random >> 64) % 255));
        } else if (kind == 1) {
            bytes16 prefixes = hex"00017f8081a0a1b7b8bfc0c1f7f8203f";
            changed[at] = prefixes[(random >> 64) % 16];
        } else {
            try this.changedItems(node, random >> 3) returns (bytes memory changed_) {
                return changed_;
            } catch {} // an earlier change left no list
        }
    }

    function changedItems(bytes memory node, uint256 random) external pure returns (bytes memory) {
        Memory.Slice[] memory slices = RLP.decodeList(node);
        bytes[] memory items = new bytes[](slices.length);
        for (uint256 i = 0; i < items.length; ++i) {
            items[i] = slices[i].toBytes();
        }
        uint256 kind = (random >> 8) % 8;
        uint256 at = (random >> 16) % items.length;
        uint256 other = (random >> 24) % items.length;
        if (kind == 0) {
            items[at] = hex"80";
        } else if (kind == 1) {
            items[at] = items[other];
        } else if (kind == 2) {
            items[at] = RLP.encode(abi.encodePacked(bytes32(random)));
        } else if (kind == 3) {
            items[at] = RLP.encode(new bytes((random >> 32) % 40));
        } else if (kind == 4) {
            items[at] = RLP.encode(items); // an embedded node, if short
        } else if (kind == 5) {
            // flags of a path, or the first byte of whatever else it is
            uint256 flagsAt = items[at].length > 1 ? 1 : 0;
            items[at][flagsAt] ^= bytes1(uint8(0x10 << ((random >> 32) % 3)));
        } else if (kind == 6) {
            items[items.length - 1] = RLP.encode(abi.encodePacked(uint8(random >> 32)));
        } else {
            return RLP.encode(_resized(items, items.length - 1 + (random >> 32) % 3, hex"80"));
        }
        return RLP.encode(items);
    }

    /// @dev Puts the new hash of the node at `at` into its parent, and so on up to the root.
    function _hashAgain(bytes[] memory proof, uint256 at, bytes32 hash) internal pure {
        for (; at > 0; --at) {
            bytes memory parent = proof[at - 1];
            bytes32 parentHash = keccak256(parent);
            bytes32 newHash = keccak256(proof[at]);
            for (uint256 i = 0; i + 32 <= parent.length; ++i) {
                bytes32 word;
                assembly ("memory-safe") {
                    word := mload(add(add(parent, 0x20), i))
                }
                if (word != hash) continue;
                assembly ("memory-safe") {
                    mstore(add(add(parent, 0x20), i), newHash)
                }
                break;
            }
            hash = parentHash;
        }
    }

    /// @dev A sound proof of a value with embedded nodes as elements too, as the OP Stack's wants them.
    function _withEmbedded(bytes[] memory proof, bytes32 key) internal pure returns (bytes[] memory all) {
        all = new bytes[](0);
        uint256 depth = 0;
        for (uint256 i = 0; i < proof.length; ++i) {
            bytes memory node = proof[i];
            while (node.length != 0) {
                all = _resized(all, all.length + 1, node);
                Memory.Slice[] memory items = RLP.decodeList(node);
                bytes memory next;
                if (items.length == 17) {
                    next = items[TestTrie.nibbleAt(key, depth)].toBytes();
                    ++depth;
                } else {
                    bytes memory path = items[0].readBytes();
                    bool isLeaf = uint8(path[0]) & 0x20 != 0;
                    depth += 2 * path.length - (uint8(path[0]) & 0x10 == 0 ? 2 : 1);
                    next = isLeaf ? bytes(hex"80") : items[1].toBytes();
                }
                // A list is a node itself; a hash or nothing ends what is embedded here.
                node = uint8(next[0]) >= 0xc0 ? next : bytes("");
            }
        }
    }

    // What others answer

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

    function _requireNoneOfOthers(bytes32 root, bytes32 key, bytes[] memory proof) internal view {
        try _ozTrie.get(root, key, proof) {
            revert("OpenZeppelin's finds a value");
        } catch {}
        try OP_TRIE.get(abi.encodePacked(key), proof, root) {
            revert("OP's finds a value");
        } catch {}
    }
}
