// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Test} from "forge-std/Test.sol";

import {L1Header} from "../../src/libraries/L1Header.sol";
import {Rlp} from "../../src/libraries/Rlp.sol";

contract L1HeaderHarness {
    function parse(bytes calldata encoded) external pure returns (L1Header.Header memory) {
        return L1Header.parse(encoded);
    }

    function measure(bytes calldata encoded) external view returns (uint256 gasUsed) {
        gasUsed = gasleft();
        L1Header.parse(encoded);
        gasUsed -= gasleft();
    }
}

contract L1HeaderTest is Test {
    uint256 internal constant SHANGHAI_FIELDS = 17;
    uint256 internal constant PRAGUE_FIELDS = 21;

    L1HeaderHarness internal _header;

    function setUp() public {
        _header = new L1HeaderHarness();
    }

    function test_readsAHeaderOfSepolia() public {
        string memory json = vm.readFile("test/vectors/proof_l1_sepolia_9567705.json");
        bytes memory encoded = vm.parseJsonBytes(json, ".rlpBlockHeader");
        L1Header.Header memory header = _header.parse(encoded);
        assertEq(header.hash, vm.parseJsonBytes32(json, ".blockHash"));
        assertEq(header.stateRoot, vm.parseJsonBytes32(json, ".stateRoot"));
        assertEq(header.number, vm.parseJsonUint(json, ".blockNumber"));
        assertEq(header.timestamp, 1_762_367_196);
        vm.snapshotValue("L1Header", "a header of Sepolia", _header.measure(encoded));
    }

    function test_aChangedByteOfARealHeaderIsRefusedOrChangesTheHash() public view {
        string memory json = vm.readFile("test/vectors/proof_l1_sepolia_9567705.json");
        bytes memory encoded = vm.parseJsonBytes(json, ".rlpBlockHeader");
        bytes32 hash = keccak256(encoded);
        for (uint256 i = 0; i < encoded.length; ++i) {
            encoded[i] ^= 0x01;
            try _header.parse(encoded) returns (L1Header.Header memory header) {
                assertNotEq(header.hash, hash);
            } catch {}
            encoded[i] ^= 0x01;
        }
    }

    function testFuzz_readsHeadersOfEveryForkFromShanghai(
        bytes32 stateRoot,
        uint64 number,
        uint64 timestamp,
        bytes calldata extraData,
        uint8 fields
    ) public view {
        bytes[] memory items = _items(bound(fields, SHANGHAI_FIELDS, PRAGUE_FIELDS + 3));
        items[3] = RLP.encode(stateRoot);
        items[8] = RLP.encode(uint256(number));
        items[11] = RLP.encode(uint256(timestamp));
        items[12] = RLP.encode(extraData);
        bytes memory encoded = RLP.encode(items);
        L1Header.Header memory header = _header.parse(encoded);
        assertEq(header.hash, keccak256(encoded));
        assertEq(header.stateRoot, stateRoot);
        assertEq(header.number, number);
        assertEq(header.timestamp, timestamp);
    }

    function test_refusesHeadersFromBeforeShanghai() public {
        for (uint256 fields = 0; fields < SHANGHAI_FIELDS; ++fields) {
            bytes memory encoded = RLP.encode(_items(fields));
            vm.expectRevert(Rlp.RlpNoMoreItems.selector);
            _header.parse(encoded);
        }
    }

    function test_refusesEveryKnownFieldOfAnotherWidth() public {
        bytes memory empty = hex"80";
        bytes memory wide = abi.encodePacked(hex"b90101", bytes1(0x01), new bytes(256));
        for (uint256 i = 0; i < PRAGUE_FIELDS; ++i) {
            if (i == 12) continue; // extraData is as wide as it likes
            bytes[] memory items = _items(PRAGUE_FIELDS);
            items[i] = wide;
            _requireRefused(items);
            items[i] = hex"c0";
            _requireRefused(items);
            items[i] = empty;
            if (_isInteger(i)) _header.parse(RLP.encode(items));
            else _requireRefused(items);
            items[i] = hex"00";
            _requireRefused(items);
        }
    }

    function test_refusesNumbersAbove64Bits() public {
        for (uint256 i = 8; i < 12; ++i) {
            bytes[] memory items = _items(PRAGUE_FIELDS);
            items[i] = RLP.encode(uint256(type(uint64).max) + 1);
            bytes memory encoded = RLP.encode(items);
            vm.expectRevert(abi.encodeWithSelector(Rlp.RlpIntegerTooWide.selector, 9, 8));
            _header.parse(encoded);
        }
    }

    function test_namesTheWidthOfTheBloom() public {
        bytes[] memory items = _items(PRAGUE_FIELDS);
        items[6] = RLP.encode(new bytes(255));
        bytes memory encoded = RLP.encode(items);
        vm.expectRevert(abi.encodeWithSelector(L1Header.MalformedLogsBloom.selector, 255));
        _header.parse(encoded);
    }

    function test_letsLaterFieldsPassIfTheyAreCanonical() public {
        bytes[] memory items = _items(PRAGUE_FIELDS + 2);
        items[PRAGUE_FIELDS] = hex"c20102";
        _header.parse(RLP.encode(items));
        items[PRAGUE_FIELDS] = hex"8101";
        _requireRefused(items);
    }

    function test_refusesBytesAfterTheHeader() public {
        bytes memory encoded = abi.encodePacked(RLP.encode(_items(PRAGUE_FIELDS)), hex"80");
        vm.expectRevert(abi.encodeWithSelector(Rlp.RlpTrailingBytes.selector, 1));
        _header.parse(encoded);
    }

    function _requireRefused(bytes[] memory items) internal {
        bytes memory encoded = RLP.encode(items);
        vm.expectRevert();
        _header.parse(encoded);
    }

    function _isInteger(uint256 i) internal pure returns (bool) {
        return (i >= 7 && i <= 11) || i == 15 || i == 17 || i == 18;
    }

    /// @dev The first `fields` of a header, each well-formed; later ones than Prague's are hashes.
    function _items(uint256 fields) internal pure returns (bytes[] memory items) {
        items = new bytes[](fields);
        for (uint256 i = 0; i < fields; ++i) {
            if (i == 2) items[i] = RLP.encode(address(0xBe));
            else if (i == 6) items[i] = RLP.encode(new bytes(256));
            else if (_isInteger(i)) items[i] = RLP.encode(i * 1_000_003);
            else if (i == 12) items[i] = RLP.encode(bytes("extra"));
            else if (i == 14) items[i] = RLP.encode(new bytes(8));
            else items[i] = RLP.encode(keccak256(abi.encode(i)));
        }
    }
}
