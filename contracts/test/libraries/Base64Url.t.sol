// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Base64} from "solady/utils/Base64.sol";
import {Test} from "forge-std/Test.sol";

import {Base64Url} from "keyroll/libraries/Base64Url.sol";

contract Base64UrlTest is Test {
    function testFuzz_encodes_as_solady_does(bytes32 data) public pure {
        assertEq(encode(data), Base64.encode(abi.encodePacked(data), true, true));
    }

    /// @dev Each of the 64 characters at each of the 43 places; the last holds four bits and two zeros.
    function test_every_character_at_every_place() public pure {
        for (uint256 place = 0; place < 43; ++place) {
            for (uint256 sextet = 0; sextet < 64; ++sextet) {
                uint256 data = place == 42 ? sextet >> 2 : sextet << (250 - 6 * place);
                assertEq(
                    encode(bytes32(data)), Base64.encode(abi.encodePacked(data), true, true), "a character"
                );
            }
        }
    }

    function encode(bytes32 data) private pure returns (string memory) {
        (bytes32 first, bytes32 last) = Base64Url.encode(data);
        return string(abi.encodePacked(first, bytes11(last)));
    }
}
