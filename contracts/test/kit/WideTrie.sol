// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {TestTrie} from "../libraries/TestTrie.sol";

/// @notice The part that some keys see of a storage trie with a million others.
/// @dev Four levels of branches are full; those below have ten children, about as many as a million keys leave them; and
/// three in five of their children are branches once more, with two children. What no key leads to is a made-up hash.
library WideTrie {
    uint256 private constant _FULL_LEVELS = 4;

    struct Slot {
        bytes32 slot;
        bytes32 word;
        /// @dev Filled in: the nodes from the root down.
        bytes[] proof;
    }

    /// @notice The root of a trie in which `slots` stand; fills in their proofs.
    function build(Slot[] memory slots) internal pure returns (bytes32 root) {
        return _add(slots, 0);
    }

    /// @dev Adds the node above `slots`, which agree in their first `depth` nibbles, before those below it.
    function _add(Slot[] memory slots, uint256 depth) private pure returns (bytes32) {
        bytes32 key = _keyOf(slots[0]);
        bool isLeaf = depth == _FULL_LEVELS + 2 || (depth == _FULL_LEVELS + 1 && uint256(key) % 5 > 2);
        bytes memory node =
            isLeaf ? TestTrie.leaf(key, depth, RLP.encode(uint256(slots[0].word))) : _branch(slots, depth);
        for (uint256 i = 0; i < slots.length; ++i) {
            slots[i].proof = _prepended(node, slots[i].proof);
        }
        require(!isLeaf || slots.length == 1, "two keys in one leaf");
        return keccak256(node);
    }

    function _branch(Slot[] memory slots, uint256 depth) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](17);
        uint256 children = depth < _FULL_LEVELS ? 16 : depth == _FULL_LEVELS ? 10 : 2;
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            Slot[] memory below = _select(slots, depth, nibble);
            // Those that are there first, then others as long as there are too few.
            if (below.length != 0) {
                items[nibble] = RLP.encode(_add(below, depth + 1));
                --children;
            }
        }
        for (uint256 nibble = 0; nibble < 16; ++nibble) {
            if (items[nibble].length != 0) continue;
            items[nibble] = children == 0 ? bytes(hex"80") : RLP.encode(keccak256(abi.encode(depth, nibble)));
            if (children != 0) --children;
        }
        items[16] = hex"80";
        return RLP.encode(items);
    }

    function _prepended(bytes memory node, bytes[] memory nodes) private pure returns (bytes[] memory all) {
        all = new bytes[](nodes.length + 1);
        all[0] = node;
        for (uint256 i = 0; i < nodes.length; ++i) {
            all[i + 1] = nodes[i];
        }
    }

    function _select(Slot[] memory slots, uint256 depth, uint256 nibble)
        private
        pure
        returns (Slot[] memory selected)
    {
        selected = new Slot[](slots.length);
        uint256 count = 0;
        for (uint256 i = 0; i < slots.length; ++i) {
            if (TestTrie.nibbleAt(_keyOf(slots[i]), depth) == nibble) selected[count++] = slots[i];
        }
        assembly ("memory-safe") {
            mstore(selected, count)
        }
    }

    function _keyOf(Slot memory slot) private pure returns (bytes32) {
        return keccak256(abi.encode(slot.slot));
    }
}
