// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Base64 with the alphabet for URLs and no padding (RFC 4648, 5), of 32 bytes: a WebAuthn challenge.
/// @dev Works on 32 characters at once, each in a byte of a word. This costs a fifth of looking them up one by one, and
/// every signature by a passkey pays it.
library Base64Url {
    /// @dev 0x01 in every byte.
    uint256 private constant _ONES = type(uint256).max / 0xff;
    uint256 private constant _HIGH_BITS = _ONES << 7;

    /// @notice The 43 characters of `data`: 32, and 11 at the left of a word.
    function encode(bytes32 data) internal pure returns (bytes32 first, bytes32 last) {
        unchecked {
            first = _characters(uint256(data) >> 64);
            // The last 8 bytes, and zeros after them: eleven characters say all of them.
            last = _characters((uint256(data) & type(uint64).max) << 128);
        }
    }

    /// @dev The characters of 24 bytes.
    function _characters(uint256 data) private pure returns (bytes32) {
        unchecked {
            uint256 sextets = _spread(data);
            // A to Z from 0, a to z from 26, 0 to 9 from 52, - is 62, _ is 63. Sums that borrow from the next byte on the way
            // are right in the end, since every byte is.
            return bytes32(
                sextets + 65 * _ONES + 6 * _atLeast(sextets, 26) - 75 * _atLeast(sextets, 52) - 13
                    * _atLeast(sextets, 62) + 49 * _atLeast(sextets, 63)
            );
        }
    }

    /// @dev 1 in every byte that is at least `least`.
    function _atLeast(uint256 sextets, uint256 least) private pure returns (uint256) {
        unchecked {
            return ((sextets + (0x80 - least) * _ONES) & _HIGH_BITS) >> 7;
        }
    }

    /// @dev Puts each six of 192 bits into a byte of its own: halves groups of bits and moves the upper half of each away
    /// from the lower, as far as the bytes need.
    function _spread(uint256 x) private pure returns (uint256) {
        unchecked {
            x += (x & 0x0000000000000000ffffffffffffffffffffffff000000000000000000000000) * (2 ** 32 - 1);
            x += (x & 0x00000000ffffffffffff00000000000000000000ffffffffffff000000000000) * (2 ** 16 - 1);
            x += (x & 0x0000ffffff0000000000ffffff0000000000ffffff0000000000ffffff000000) * (2 ** 8 - 1);
            x += (x & 0x00fff00000fff00000fff00000fff00000fff00000fff00000fff00000fff000) * (2 ** 4 - 1);
            x += (x & 0x0fc00fc00fc00fc00fc00fc00fc00fc00fc00fc00fc00fc00fc00fc00fc00fc0) * (2 ** 2 - 1);
            return x;
        }
    }
}
