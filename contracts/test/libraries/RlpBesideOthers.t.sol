// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Test} from "forge-std/Test.sol";

import {RlpHarness} from "./RlpHarness.sol";

/// @notice OpenZeppelin's RLP with the functions of {RlpHarness}, each reading all of its input.
contract OzRlp {
    using RLP for Memory.Slice;

    error TrailingBytes();

    function toBytes(bytes memory input) external pure returns (bytes memory value) {
        value = RLP.decodeBytes(input);
        // It lets bytes follow the string.
        if (keccak256(RLP.encode(value)) != keccak256(input)) revert TrailingBytes();
    }

    function toStrings(bytes memory input) external pure returns (bytes[] memory strings) {
        Memory.Slice[] memory items = RLP.decodeList(input);
        strings = new bytes[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            strings[i] = items[i].readBytes();
        }
    }

    function toTable(bytes memory input) external pure returns (bytes[][] memory rows) {
        Memory.Slice[] memory items = RLP.decodeList(input);
        rows = new bytes[][](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            Memory.Slice[] memory row = items[i].readList();
            rows[i] = new bytes[](row.length);
            for (uint256 j = 0; j < row.length; ++j) {
                rows[i][j] = row[j].readBytes();
            }
        }
    }

    function readUint(bytes memory input, uint256) external pure returns (uint256) {
        return RLP.decodeList(input)[0].readUint256();
    }

    function readAddress(bytes memory input) external pure returns (address) {
        return RLP.decodeList(input)[0].readAddress();
    }

    function readBytes32(bytes memory input) external pure returns (bytes32) {
        return RLP.decodeList(input)[0].readBytes32();
    }
}

/// @notice Whatever this library reads, OpenZeppelin's reads as the same. It reads more, for it lets pass what is not
/// canonical.
contract RlpBesideOthersTest is Test {
    address internal _ours = address(new RlpHarness());
    address internal _theirs = address(new OzRlp());

    bytes16 internal constant PREFIXES = 0x00017f8081a0a1b7b8b9bfc0c1f7f8f9;

    /// forge-config: default.fuzz.runs = 512
    /// forge-config: deep.fuzz.runs = 100000
    function testFuzz_readsAnyBytesAsOthersDoOrRefuses(bytes calldata input) public view {
        _readAll(input);
    }

    /// @dev Near canonical encodings, where random bytes seldom come.
    /// forge-config: default.fuzz.runs = 1024
    /// forge-config: deep.fuzz.runs = 100000
    function testFuzz_readsChangedEncodingsAsOthersDoOrRefuses(uint256 seed) public view {
        _readAll(_changedEncoding(seed));
    }

    /// @dev The changes are of use: much is read, and much refused that OpenZeppelin's reads.
    function test_changedEncodingsAreOfEveryKind() public view {
        uint256 read = 0;
        uint256 stricter = 0;
        for (uint256 seed = 0; seed < 500; ++seed) {
            bytes memory input = _changedEncoding(uint256(keccak256(abi.encode("kinds", seed))));
            bytes memory call = abi.encodeCall(RlpHarness.readUint, (input, 32));
            (bool isRead,) = _ours.staticcall(call);
            (bool isReadByOthers,) = _theirs.staticcall(call);
            (bool isListRead,) = _ours.staticcall(abi.encodeCall(RlpHarness.toStrings, (input)));
            if (isRead || isListRead) ++read;
            else if (isReadByOthers) ++stricter;
        }
        assertGt(read, 50, "read");
        assertGt(stricter, 0, "refused, but read by the other");
    }

    function _readAll(bytes memory input) internal view {
        _requireSame(abi.encodeCall(RlpHarness.toBytes, (input)));
        _requireSame(abi.encodeCall(RlpHarness.toStrings, (input)));
        _requireSame(abi.encodeCall(RlpHarness.toTable, (input)));
        _requireSame(abi.encodeCall(RlpHarness.readUint, (input, 32)));
        _requireSame(abi.encodeCall(RlpHarness.readAddress, (input)));
        _requireSame(abi.encodeCall(RlpHarness.readBytes32, (input)));
    }

    function _requireSame(bytes memory call) internal view {
        (bool isRead, bytes memory answer) = _ours.staticcall(call);
        if (!isRead) return;
        (bool isReadByOthers, bytes memory answerOfOthers) = _theirs.staticcall(call);
        assertTrue(isReadByOthers, "refused by OpenZeppelin's");
        assertEq(answer, answerOfOthers, "read otherwise by OpenZeppelin's");
    }

    /// @dev A list of up to three items, strings or lists of strings, of lengths around every change of form; and then
    /// perhaps a byte of it changed.
    function _changedEncoding(uint256 seed) internal pure returns (bytes memory encoding) {
        bytes[] memory items = new bytes[](seed % 4);
        for (uint256 i = 0; i < items.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            items[i] = RLP.encode(_string(random));
            if (random % 4 != 0) continue;
            bytes[] memory inner = new bytes[](1 + random % 2);
            for (uint256 j = 0; j < inner.length; ++j) {
                inner[j] = RLP.encode(_string(random >> 8));
            }
            items[i] = RLP.encode(inner);
        }
        encoding = RLP.encode(items);
        uint256 change = uint256(keccak256(abi.encode(seed, "change")));
        uint256 at = (change >> 8) % encoding.length;
        if (change % 4 == 0) encoding[at] ^= bytes1(uint8(change >> 128));
        // Prefixes are at the front.
        if (change % 4 == 1) encoding[at % 4 % encoding.length] = PREFIXES[(change >> 128) % 16];
        if (change % 4 == 2) encoding[at] = PREFIXES[(change >> 128) % 16];
    }

    function _string(uint256 random) internal pure returns (bytes memory value) {
        uint8[10] memory lengths = [0, 1, 1, 1, 20, 32, 32, 54, 56, 58];
        value = new bytes(lengths[(random >> 16) % 10]);
        for (uint256 i = 0; i < value.length; ++i) {
            value[i] = bytes1(uint8(random >> (24 + i % 4 * 8)));
        }
    }
}
