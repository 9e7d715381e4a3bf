// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// @notice Builds small Merkle-Patricia tries and proofs from them, encoding with OpenZeppelin's RLP.
/// @dev Plain and slow: every node is made anew from the entries below it.
library TestTrie {
    struct Entry {
        bytes32 key;
        bytes value;
    }

    function rootOf(Entry[] memory entries) internal pure returns (bytes32) {
        return keccak256(encode(entries, 0));
    }

    /// @notice The RLP of the node above `entries`, whose keys agree in their first `depth` nibbles.
    function encode(Entry[] memory entries, uint256 depth) internal pure returns (bytes memory) {
        if (entries.length == 0) return hex"80";
        if (entries.length == 1) {
            return leaf(entries[0].key, depth, entries[0].value);
        }
        uint256 shared = sharedNibbles(entries, depth);
        if (shared == 0) {
            return branch(entries, depth);
        }
        return extension(entries[0].key, depth, shared, branch(entries, depth + shared));
    }

    function leaf(bytes32 key, uint256 depth, bytes memory value) internal pure returns (bytes memory) {
        return pair(RLP.encode(path(key, depth, 64 - depth, true)), RLP.encode(value));
    }

    function extension(bytes32 key, uint256 depth, uint256 nibbles, bytes memory child)
        internal
        pure
        returns (bytes memory)
    {
        return pair(RLP.encode(path(key, depth, nibbles, false)), referenceTo(child));
    }

    function branch(Entry[] memory entries, uint256 depth) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](17);
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            Entry[] memory below = select(entries, depth, nibble);
            items[nibble] = below.length == 0 ? bytes(hex"80") : referenceTo(encode(below, depth + 1));
        }
        items[16] = hex"80";
        return RLP.encode(items);
    }

    /// @notice A list of two items that are encoded already.
    function pair(bytes memory first, bytes memory second) internal pure returns (bytes memory) {
        bytes[] memory items = new bytes[](2);
        (items[0], items[1]) = (first, second);
        return RLP.encode(items);
    }

    function referenceTo(bytes memory node) internal pure returns (bytes memory) {
        return node.length < 32 ? node : RLP.encode(keccak256(node));
    }

    /// @notice Hex-prefix encoding of `nibbles` nibbles of `key` from `depth` on.
    function path(bytes32 key, uint256 depth, uint256 nibbles, bool isLeaf)
        internal
        pure
        returns (bytes memory hp)
    {
        hp = new bytes(nibbles / 2 + 1);
        uint256 flags = (isLeaf ? 2 : 0) + nibbles % 2;
        hp[0] = bytes1(uint8(flags << 4));
        for (uint256 i = 0; i < nibbles; ++i) {
            uint256 at = i + 2 - nibbles % 2;
            hp[at / 2] |= bytes1(uint8(nibbleAt(key, depth + i) << (at % 2 == 0 ? 4 : 0)));
        }
    }

    /// @notice The proof of a key's value or absence. With `embedded`, nodes shorter than 32 bytes are repeated as
    ///         elements of their own, as some proof makers do.
    function proofOf(Entry[] memory entries, bytes32 key, bool embedded)
        internal
        pure
        returns (bytes[] memory proof)
    {
        bytes[] memory nodes = new bytes[](130);
        uint256 count = 0;
        uint256 depth = 0;
        bytes memory node = encode(entries, 0);
        if (entries.length == 0) return proof;
        while (true) {
            if (count == 0 || embedded || node.length >= 32) nodes[count++] = node;
            if (entries.length == 1) break;
            uint256 shared = sharedNibbles(entries, depth);
            if (shared != 0) {
                if (!agree(entries[0].key, key, depth, shared)) break;
                depth += shared;
                node = branch(entries, depth);
                continue;
            }
            entries = select(entries, depth, nibbleAt(key, depth));
            if (entries.length == 0) break;
            node = encode(entries, ++depth);
        }
        proof = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            proof[i] = nodes[i];
        }
    }

    function nibbleAt(bytes32 key, uint256 depth) internal pure returns (uint256) {
        return (uint256(key) >> (252 - 4 * depth)) & 0xf;
    }

    function agree(bytes32 a, bytes32 b, uint256 depth, uint256 nibbles) internal pure returns (bool) {
        for (uint256 i = depth; i < depth + nibbles; ++i) {
            if (nibbleAt(a, i) != nibbleAt(b, i)) return false;
        }
        return true;
    }

    function sharedNibbles(Entry[] memory entries, uint256 depth) internal pure returns (uint256 shared) {
        while (true) {
            for (uint256 i = 1; i < entries.length; ++i) {
                if (nibbleAt(entries[i].key, depth + shared) != nibbleAt(entries[0].key, depth + shared)) {
                    return shared;
                }
            }
            ++shared;
        }
    }

    function select(Entry[] memory entries, uint256 depth, uint256 nibble)
        internal
        pure
        returns (Entry[] memory selected)
    {
        selected = new Entry[](entries.length);
        uint256 count = 0;
        for (uint256 i = 0; i < entries.length; ++i) {
            if (nibbleAt(entries[i].key, depth) == nibble) selected[count++] = entries[i];
        }
        assembly ("memory-safe") {
            mstore(selected, count)
        }
    }
}
