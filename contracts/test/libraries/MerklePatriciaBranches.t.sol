// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {MerklePatricia} from "../../src/libraries/MerklePatricia.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";
import {RawTrie} from "./MerklePatriciaHarness.sol";
import {TestTrie} from "./TestTrie.sol";
import {TrieTest} from "./TrieTest.sol";

/// @notice Nodes that are nearly branches of empty references and hashes, which are read by a shorter way than others, and
///         branches that are easily read wrongly.
contract MerklePatriciaBranchesTest is TrieTest {
    function test_aBranchHasSixteenReferencesAndAnEmptyValue() public {
        for (uint256 count = 3; count < 24; ++count) {
            if (count == 17) continue;
            for (uint256 hashes = 0; hashes <= count; ++hashes) {
                bytes[] memory items = new bytes[](count);
                // The first ones are hashes; or one alone is.
                for (uint256 i = 0; i < count; ++i) {
                    items[i] = i < hashes ? RLP.encode(keccak256("child")) : bytes(hex"80");
                }
                _requireMalformedIfLong(RLP.encode(items));
                if (hashes == 0) continue;
                for (uint256 i = 0; i + 1 < hashes; ++i) {
                    items[i] = hex"80";
                }
                _requireMalformedIfLong(RLP.encode(items));
            }
        }
    }

    /// @dev Where all other references are empty, or hashes that begin as items of other lengths would go on.
    function test_refusesStringsAndListsOfOtherLengthsAmongReferences() public {
        bytes[2] memory others = [bytes(hex"80"), abi.encodePacked(hex"a0", bytes32(0))];
        for (uint256 i = 0; i < 32; ++i) {
            uint256 nibble = i / 2;
            for (uint256 length = 1; length < 40; ++length) {
                if (length == 32) continue;
                bytes[] memory items = _items(others[i % 2]);
                items[nibble] = RLP.encode(new bytes(length));
                _requireMalformedIfLong(RLP.encode(items));
                items[nibble] = abi.encodePacked(uint8(0xc0 + length), new bytes(length));
                if (length > 30) _requireMalformedIfLong(RLP.encode(items));
            }
        }
    }

    /// @dev Behind the prefix of the first item, which ends nowhere, stands what would be a branch.
    function test_refusesABranchBehindAnItemThatEndsNowhere() public {
        bytes[] memory items = _items(hex"80");
        items[0] = RLP.encode(keccak256("child"));
        bytes memory payload = bytes.concat(hex"f8", _payloadOfShort(RLP.encode(items)));
        bytes memory node = abi.encodePacked(uint8(0xc0 + payload.length), payload);
        assertEq(payload.length, 50);
        _requireMalformedRoot(node, Rlp.RlpTruncated.selector);
    }

    /// @dev Every fourth reference is a hash whose first byte says how long a hash is; but the first says a byte more, behind
    ///      which stands an empty reference, and the second a byte less, where its last one would be an empty reference.
    function test_readsNoLengthFromAHash() public view {
        for (uint256 place = 0; place < 4; ++place) {
            bytes[] memory items = _items(hex"80");
            items[place] = abi.encodePacked(hex"a021", bytes31(keccak256("child")));
            items[place + 5] = abi.encodePacked(hex"a01f", bytes30(keccak256("child")), hex"80");
            items[place + 8] = abi.encodePacked(hex"a020", bytes31(keccak256("child")));
            items[place + 12] = items[place + 8];
            bytes[] memory proof = _single(RLP.encode(items));
            for (uint256 nibble = 0; nibble < 16; ++nibble) {
                if (items[nibble].length != 1) continue;
                (bool exists,) = _trie.get(keccak256(proof[0]), bytes32(nibble << 252), proof);
                assertFalse(exists);
            }
        }
    }

    /// @dev Each byte of the hashes would be an empty reference: a child that is there would be absent.
    function test_takesNoByteOfAHashForAReference() public {
        bytes[] memory proof =
            _single(RLP.encode(_items(abi.encodePacked(hex"a0", bytes32(type(uint256).max / 255 * 0x80)))));
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofTooShort.selector, 1));
            _trie.get(keccak256(proof[0]), bytes32(nibble << 252), proof);
        }
    }

    /// @dev Where the first byte of calldata, taken for a reference's, points into the key, and that says that nothing is there.
    function test_findsTheChildOfASparseBranchWhateverCalldataBeginWith() public {
        RawTrie raw = new RawTrie();
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            bytes32 key = bytes32(nibble << 252 | uint256(0x808080) << 224);
            bytes memory leaf = TestTrie.leaf(key, 1, hex"01");
            bytes[] memory items = _items(hex"80");
            items[nibble] = RLP.encode(keccak256(leaf));
            bytes memory node = RLP.encode(items);
            (bool isAnswered, bytes memory answer) =
                address(raw).call(abi.encodePacked(hex"a1", keccak256(node), key, node, leaf));
            assertTrue(isAnswered);
            assertEq(answer, abi.encode(true, bytes(hex"01")));
        }
    }

    /// @dev The same where the key would say that a hash is there.
    function test_refusesAListOfAnEmptyValueWhateverCalldataBeginWith() public {
        RawTrie raw = new RawTrie();
        bytes memory node = hex"c180";
        bytes32 key = bytes32(uint256(0x10a0) << 240);
        (bool isAnswered, bytes memory answer) =
            address(raw).call(abi.encodePacked(hex"a1", keccak256(node), key, node));
        assertFalse(isAnswered);
        assertEq(answer, abi.encodeWithSelector(MerklePatricia.ProofNodeTooShort.selector, 0, 2));
    }

    /// @dev A root of which all bytes but one are the hash's, a place further on, and the one before is zero.
    function test_comparesAllOfTheHash() public {
        bytes[] memory items = _branchItems();
        bytes[] memory proof = new bytes[](1);
        bytes32 hash;
        uint256 tries = 0;
        do {
            items[15] = RLP.encode(keccak256(abi.encode("child", ++tries)));
            proof[0] = RLP.encode(items);
            hash = keccak256(proof[0]);
        } while (uint8(uint256(hash)) != 0);
        bytes32 root = hash >> 8;
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.ProofNodeMismatch.selector, 0, hash, root));
        _trie.get(root, 0, proof);
    }

    // Helpers

    /// @dev Nodes of less than 32 bytes are refused for that.
    function _requireMalformedIfLong(bytes memory node) internal {
        bool isLong = node.length >= 32;
        vm.expectPartialRevert(
            isLong ? MerklePatricia.MalformedNode.selector : MerklePatricia.ProofNodeTooShort.selector
        );
        _trie.getAlone(keccak256(node), 0, node);
    }

    /// @dev The items of a branch with sixteen of these.
    function _items(bytes memory item) internal pure returns (bytes[] memory items) {
        items = _resized(new bytes[](0), 17, item);
        items[16] = hex"80";
    }

    /// @dev Of a list whose length stands in its prefix.
    function _payloadOfShort(bytes memory list) internal pure returns (bytes memory payload) {
        payload = new bytes(list.length - 1);
        for (uint256 i = 0; i < payload.length; ++i) {
            payload[i] = list[i + 1];
        }
    }
}
