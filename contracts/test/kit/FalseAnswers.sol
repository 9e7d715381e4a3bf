// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice Accounts that hand out a word, though not as the answer of one word.
library FalseAnswers {
    function withWord(bytes32 word) internal pure returns (bytes[3] memory codes) {
        bytes memory store = abi.encodePacked(hex"7f", word, hex"5f52");
        codes[0] = abi.encodePacked(store, hex"60205ffd"); // reverts with it
        codes[1] = abi.encodePacked(store, hex"60405ff3"); // 64 bytes begin with it
        codes[2] = abi.encodePacked(store, hex"601f5ff3"); // its last byte is left out
    }
}
