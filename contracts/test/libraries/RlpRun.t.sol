// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Test} from "forge-std/Test.sol";

import {Rlp} from "keyroll/libraries/Rlp.sol";
import {RlpRun} from "keyroll/libraries/RlpRun.sol";

/// @dev Reads a list of items of given kinds with both readers: 0 a list of strings, 1 a string, 2 a string of 32 bytes,
/// otherwise an integer of at most `kind` - 2 bytes.
contract RlpRunHarness {
    using Rlp for Rlp.Cursor;

    function readChecked(bytes calldata input, bytes calldata kinds) external pure returns (bytes[] memory) {
        Rlp.Cursor memory list = Rlp.toList(input);
        bytes[] memory items = new bytes[](kinds.length);
        for (uint256 i = 0; i < kinds.length; ++i) {
            uint8 kind = uint8(kinds[i]);
            if (kind == 0) {
                Rlp.Cursor memory inner = list.readList();
                while (!inner.isDone()) items[i] = bytes.concat(items[i], "|", inner.readBytes());
            } else if (kind == 1) {
                items[i] = list.readBytes();
            } else if (kind == 2) {
                items[i] = abi.encode(list.readBytes32());
            } else {
                items[i] = abi.encode(list.readUint(kind - 2));
            }
        }
        list.requireDone();
        return items;
    }

    function readRun(bytes calldata input, bytes calldata kinds)
        external
        pure
        returns (bool isSound, bytes[] memory items)
    {
        uint256 start;
        assembly ("memory-safe") {
            start := input.offset
        }
        (uint256 position, uint256 end) = RlpRun.listAt(start);
        if (end != start + input.length) return (false, items);
        items = new bytes[](kinds.length);
        for (uint256 i = 0; i < kinds.length; ++i) {
            uint8 kind = uint8(kinds[i]);
            uint256 payload;
            uint256 value;
            if (kind == 0) {
                (payload, position) = RlpRun.listAt(position);
                uint256 at = payload;
                while (at < position) {
                    (payload, at) = RlpRun.stringAt(at);
                    if (at > end) return (false, items);
                    items[i] = bytes.concat(items[i], "|", slice(payload, at));
                }
                if (at != position) return (false, items);
            } else if (kind == 1) {
                (payload, position) = RlpRun.stringAt(position);
                if (position > end) return (false, items);
                items[i] = slice(payload, position);
            } else if (kind == 2) {
                bytes32 word;
                (word, position) = RlpRun.bytes32At(position);
                items[i] = abi.encode(word);
            } else {
                (value, position) = RlpRun.uintAt(position, kind - 2);
                items[i] = abi.encode(value);
            }
        }
        return (position == end, items);
    }

    /// @dev Where the item after the one that `input` is begins, if it is a list, and if it is a string.
    function ends(bytes calldata input) external pure returns (uint256 ofList, uint256 ofString) {
        uint256 start;
        assembly ("memory-safe") {
            start := input.offset
        }
        (, ofList) = RlpRun.listAt(start);
        (, ofString) = RlpRun.stringAt(start);
    }

    function slice(uint256 start, uint256 end) private pure returns (bytes calldata data) {
        assembly ("memory-safe") {
            data.offset := start
            data.length := sub(end, start)
        }
    }
}

contract RlpRunTest is Test {
    RlpRunHarness private _harness = new RlpRunHarness();

    /// @dev {Rlp} is the oracle: it checks each item by itself.
    function testFuzz_reads_what_Rlp_reads(uint8[6] memory kinds, bytes[6] memory values, uint256 seed)
        public
        view
    {
        checkAgainstRlp(kinds, encode(kinds, values, seed));
    }

    function testFuzz_refuses_what_Rlp_refuses(
        uint8[6] memory kinds,
        bytes[6] memory values,
        uint256 seed,
        uint256 at,
        uint8 to
    ) public view {
        bytes memory input = encode(kinds, values, seed);
        // Prefixes and first bytes are where the rules are.
        input[at % 2 == 0 ? (at / 2) % input.length : (at / 2) % 8 % input.length] = bytes1(to);
        checkAgainstRlp(kinds, input);
    }

    function testFuzz_refuses_items_cut_short(
        uint8[6] memory kinds,
        bytes[6] memory values,
        uint256 seed,
        uint256 cut
    ) public view {
        bytes memory input = encode(kinds, values, seed);
        assembly ("memory-safe") {
            mstore(input, sub(mload(input), mod(cut, mload(input))))
        }
        checkAgainstRlp(kinds, input);
    }

    function test_every_prefix_as_every_kind() public view {
        for (uint256 prefix = 0; prefix < 256; ++prefix) {
            for (uint8 kind = 0; kind < 8; ++kind) {
                for (uint256 variant = 0; variant < 4; ++variant) {
                    bytes1 first = [bytes1(0x00), 0x37, 0x38, 0xff][variant];
                    // Alone in its list, as long as it says where that is short.
                    uint256 length = prefix < 0x80 ? 0 : prefix & 0x3f;
                    if (length > 55) length = variant == 2 ? length - 55 + 0x38 : length;
                    bytes memory item = new bytes(1 + length);
                    item[0] = bytes1(uint8(prefix));
                    if (length != 0) item[1] = first;
                    // By a call of its own, which leaves no memory used.
                    this.checkOne(kind < 7 ? kind : 34, item);
                }
            }
        }
    }

    function test_a_string_is_nowhere_a_list_and_a_list_nowhere_a_string() public view {
        for (uint256 prefix = 0; prefix < 256; ++prefix) {
            for (uint256 variant = 0; variant < 4; ++variant) {
                bytes32 then =
                    [bytes32(0), bytes32(uint256(1) << 255), bytes32(type(uint256).max), "then"][variant];
                (uint256 ofList, uint256 ofString) = _harness.ends(abi.encodePacked(uint8(prefix), then));
                assertGe(prefix < 0xc0 ? ofList : ofString, RlpRun.NOWHERE);
            }
        }
    }

    function checkOne(uint8 kind, bytes memory item) external view {
        bytes[] memory items = new bytes[](1);
        items[0] = item;
        check(RLP.encode(items), abi.encodePacked(kind));
    }

    function checkAgainstRlp(uint8[6] memory kinds, bytes memory input) private view {
        bytes memory packed = new bytes(6);
        for (uint256 i = 0; i < 6; ++i) {
            packed[i] = bytes1(kinds[i] % 35);
        }
        check(input, packed);
    }

    function check(bytes memory input, bytes memory kinds) private view {
        (bool isSound, bytes[] memory items) = _harness.readRun(input, kinds);
        try _harness.readChecked(input, kinds) returns (bytes[] memory expected) {
            assertTrue(isSound, "refuses what is sound");
            assertEq(abi.encode(items), abi.encode(expected));
        } catch {
            assertFalse(isSound, "takes what is not sound");
        }
    }

    function encode(uint8[6] memory kinds, bytes[6] memory values, uint256 seed)
        private
        pure
        returns (bytes memory)
    {
        bytes[] memory items = new bytes[](6);
        for (uint256 i = 0; i < 6; ++i) {
            uint256 kind = kinds[i] % 35;
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            if (kind == 0) {
                bytes[] memory inner = new bytes[](word % 4);
                for (uint256 j = 0; j < inner.length; ++j) {
                    inner[j] = RLP.encode(values[(i + j) % 6]);
                }
                items[i] = RLP.encode(inner);
            } else if (kind == 1) {
                items[i] = RLP.encode(values[i]);
            } else if (kind == 2) {
                items[i] = RLP.encode(bytes32(word));
            } else {
                items[i] = RLP.encode(word >> (256 - 8 * (word % (kind - 1))));
            }
        }
        return RLP.encode(items);
    }
}
