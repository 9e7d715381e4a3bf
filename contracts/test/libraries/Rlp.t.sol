// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Test} from "forge-std/Test.sol";

import {Rlp} from "../../src/libraries/Rlp.sol";
import {RlpHarness} from "./RlpHarness.sol";

contract RlpTest is Test {
    RlpHarness internal _rlp;

    function setUp() public {
        _rlp = new RlpHarness();
    }

    function testFuzz_readsStrings(bytes calldata value) public view {
        assertEq(_rlp.toBytes(RLP.encode(value)), value);
    }

    function testFuzz_readsListsOfStrings(bytes[] calldata values) public view {
        bytes[] memory items = new bytes[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            items[i] = RLP.encode(values[i]);
        }
        assertEq(abi.encode(_rlp.toStrings(RLP.encode(items))), abi.encode(values));
    }

    function testFuzz_readsListsOfLists(bytes[3][2] calldata values) public view {
        bytes[] memory rows = new bytes[](2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes[] memory row = new bytes[](3);
            for (uint256 j = 0; j < 3; ++j) {
                row[j] = RLP.encode(values[i][j]);
            }
            rows[i] = RLP.encode(row);
        }
        bytes[][] memory read = _rlp.toTable(RLP.encode(rows));
        assertEq(read.length, 2);
        for (uint256 i = 0; i < 2; ++i) {
            assertEq(read[i].length, 3);
            for (uint256 j = 0; j < 3; ++j) {
                assertEq(read[i][j], values[i][j]);
            }
        }
    }

    function test_readsLengthsAroundEveryChangeOfForm() public view {
        uint256[8] memory lengths = [uint256(0), 1, 2, 55, 56, 255, 256, 65_536];
        for (uint256 i = 0; i < lengths.length; ++i) {
            bytes memory value = new bytes(lengths[i]);
            for (uint256 j = 0; j < value.length; j += 251) {
                value[j] = 0xfe;
            }
            assertEq(_rlp.toBytes(RLP.encode(value)), value);
        }
    }

    function testFuzz_readsIntegers(uint256 value) public {
        bytes memory list = _listOf(RLP.encode(value));
        uint256 width = 0;
        for (uint256 v = value; v != 0; v >>= 8) {
            ++width;
        }
        assertEq(_rlp.readUint(list, 32), value);
        assertEq(_rlp.readUint(list, width), value);
        if (width == 0) return;
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpIntegerTooWide.selector, width, width - 1));
        _rlp.readUint(list, width - 1);
    }

    function test_readsZeroOfNoWidth() public view {
        assertEq(_rlp.readUint(hex"c180", 0), 0);
    }

    function test_readsNoIntegerBehindItsList() public {
        assertEq(_rlp.readUintOfInner(hex"c3c20506", 1), 5);
        vm.expectRevert(Rlp.RlpNoMoreItems.selector);
        _rlp.readUintOfInner(hex"c2c005", 1);
    }

    function test_boundsEachIntegerTypeByItsWidth() public {
        assertEq(_rlp.readUint64(hex"c988ffffffffffffffff"), type(uint64).max);
        assertEq(_rlp.readUint32(hex"c584ffffffff"), type(uint32).max);
        assertEq(_rlp.readUint8(hex"c281ff"), type(uint8).max);
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpIntegerTooWide.selector, 9, 8));
        _rlp.readUint64(hex"ca89010000000000000000");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpIntegerTooWide.selector, 5, 4));
        _rlp.readUint32(hex"c6850100000000");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpIntegerTooWide.selector, 2, 1));
        _rlp.readUint8(hex"c3820100");
    }

    function test_readsFixedWidths() public {
        bytes32 word = keccak256("word");
        address account = makeAddr("account");
        assertEq(_rlp.readBytes32(_listOf(RLP.encode(word))), word);
        assertEq(_rlp.readBytes32(_listOf(abi.encodePacked(hex"a0", bytes32(0)))), bytes32(0));
        assertEq(_rlp.readAddress(_listOf(RLP.encode(account))), account);
        assertEq(_rlp.readFixed(hex"c9880000000000000001", 8), 1);
        assertEq(_rlp.readFixed(hex"c101", 1), 1);
        assertEq(_rlp.readFixed(hex"c180", 0), 0);
    }

    function test_refusesOtherWidths() public {
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpWrongWidth.selector, 31, 32));
        _rlp.readBytes32(_listOf(abi.encodePacked(hex"9f", new bytes(31))));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpWrongWidth.selector, 33, 32));
        _rlp.readBytes32(_listOf(abi.encodePacked(hex"a1", new bytes(33))));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpWrongWidth.selector, 0, 20));
        _rlp.readAddress(hex"c180");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpWrongWidth.selector, 7, 8));
        _rlp.readFixed(hex"c88700000000000001", 8);
    }

    function test_refusesIntegersWithLeadingZeros() public {
        vm.expectRevert(Rlp.RlpLeadingZero.selector);
        _rlp.readUint(hex"c100", 32);
        vm.expectRevert(Rlp.RlpLeadingZero.selector);
        _rlp.readUint(hex"c3820001", 32);
    }

    function test_refusesPrefixesBeforeSmallBytes() public {
        for (uint256 b = 0; b < 0x80; ++b) {
            vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, b));
            _rlp.toBytes(abi.encodePacked(hex"81", uint8(b)));
        }
        assertEq(_rlp.toBytes(hex"8180"), hex"80");
    }

    function test_refusesLongFormsOfShortLengths() public {
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, 55));
        _rlp.toBytes(abi.encodePacked(hex"b837", new bytes(55)));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, 0));
        _rlp.toStrings(hex"f800");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, 55));
        _rlp.toStrings(abi.encodePacked(hex"f837", new bytes(55)));
    }

    function test_refusesLengthsWithLeadingZeros() public {
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, 56));
        _rlp.toBytes(abi.encodePacked(hex"b90038", new bytes(56)));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, 256));
        _rlp.toStrings(abi.encodePacked(hex"fa000100", new bytes(256)));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, type(uint56).max));
        _rlp.toBytes(hex"bf00ffffffffffffff");
    }

    function test_refusesItemsThatReachPastTheirInput() public {
        vm.expectRevert(Rlp.RlpNoMoreItems.selector);
        _rlp.toBytes("");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 1, 0));
        _rlp.toBytes(hex"81");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 3, 2));
        _rlp.toBytes(hex"83ffff");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 1, 0));
        _rlp.toBytes(hex"b8");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 8, 7));
        _rlp.toBytes(hex"bfffffffffffffff");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, type(uint64).max, 0));
        _rlp.toBytes(hex"bfffffffffffffffff");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, type(uint64).max, 3));
        _rlp.toStrings(hex"ffffffffffffffffff010203");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 56, 55));
        _rlp.toStrings(abi.encodePacked(hex"f838", new bytes(55)));
    }

    function test_refusesTheLongestShortFormsThatReachPastTheirInput() public {
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 55, 54));
        _rlp.toBytes(abi.encodePacked(hex"b7", new bytes(54)));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 55, 54));
        _rlp.toStrings(abi.encodePacked(hex"f7", new bytes(54)));
    }

    function test_refusesItemsThatReachPastTheirList() public {
        // The inner list has one byte of its string; the other two are there, but after the list.
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 3, 1));
        _rlp.toTable(hex"c5c283aa0506");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 2, 1));
        _rlp.skip(hex"c2c201", 1);
    }

    function test_refusesFixedWidthsThatReachPastTheirList() public {
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 32, 31));
        _rlp.readBytes32(abi.encodePacked(hex"e0a0", new bytes(31)));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTruncated.selector, 20, 0));
        _rlp.readAddress(hex"c194");
    }

    function test_refusesAPrefixBeforeASmallByteOfFixedWidth() public {
        assertEq(_rlp.readFixed(hex"c28180", 1), 0x80);
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpNotMinimal.selector, 5));
        _rlp.readFixed(hex"c28105", 1);
    }

    function test_refusesBytesAfterTheItem() public {
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTrailingBytes.selector, 1));
        _rlp.toBytes(hex"0100");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTrailingBytes.selector, 2));
        _rlp.toStrings(hex"c00000");
    }

    function test_refusesItemsLeftAndItemsMissing() public {
        assertTrue(_rlp.skip(hex"c3c20102", 1));
        assertTrue(_rlp.skip(hex"c0", 0));
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTrailingBytes.selector, 2));
        _rlp.skip(hex"c3010203", 1);
        vm.expectRevert(Rlp.RlpNoMoreItems.selector);
        _rlp.skip(hex"c101", 2);
    }

    function test_tellsListsFromStrings() public {
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpExpectedString.selector, 0xc0));
        _rlp.toBytes(hex"c0");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpExpectedList.selector, 0x80));
        _rlp.toStrings(hex"80");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpExpectedString.selector, 0xc1));
        _rlp.toStrings(hex"c2c101");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpExpectedString.selector, 0xc1));
        _rlp.readUint(hex"c2c101", 32);
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpExpectedList.selector, 0x01));
        _rlp.readList(hex"c101");
    }

    /// @dev Canonical means that there is one encoding: what is read and encoded again is what was there.
    function testFuzz_whatIsReadEncodesToTheSameBytes(bytes calldata input) public view {
        try _rlp.toBytes(input) returns (bytes memory value) {
            assertEq(RLP.encode(value), input);
        } catch {}
        try _rlp.toStrings(input) returns (bytes[] memory values) {
            for (uint256 i = 0; i < values.length; ++i) {
                values[i] = RLP.encode(values[i]);
            }
            assertEq(RLP.encode(values), input);
        } catch {}
    }

    /// @dev The same near valid encodings, where random bytes seldom come.
    function testFuzz_whatIsReadOfChangedBytesEncodesToTheSameBytes(
        bytes[4] calldata values,
        uint256 at,
        uint8 to
    ) public view {
        bytes[] memory items = new bytes[](4);
        for (uint256 i = 0; i < 4; ++i) {
            items[i] = RLP.encode(values[i]);
        }
        bytes memory input = RLP.encode(items);
        input[at % input.length] = bytes1(to);
        this.testFuzz_whatIsReadEncodesToTheSameBytes(input);
    }

    function _listOf(bytes memory encoded) private pure returns (bytes memory) {
        bytes[] memory items = new bytes[](1);
        items[0] = encoded;
        return RLP.encode(items);
    }
}
