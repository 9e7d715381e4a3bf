// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {Output} from "keyroll/libraries/Output.sol";
import {TestTrie} from "../libraries/TestTrie.sol";

/// @notice Headers, state and outputs of an L1 that the test makes up.
library TestL1 {
    /// @notice RLP of a header with all fields of Prague.
    function encodeHeader(bytes32 stateRoot, uint256 number, uint256 timestamp)
        internal
        pure
        returns (bytes memory)
    {
        bytes[] memory items = new bytes[](21);
        items[0] = RLP.encode(keccak256(abi.encode("parent of", number)));
        items[1] = RLP.encode(keccak256(hex"c0"));
        items[2] = RLP.encode(address(0xbeef));
        items[3] = RLP.encode(stateRoot);
        items[4] = RLP.encode(keccak256(hex"80"));
        items[5] = RLP.encode(keccak256(hex"80"));
        items[6] = RLP.encode(new bytes(256));
        items[7] = RLP.encode(uint256(0));
        items[8] = RLP.encode(number);
        items[9] = RLP.encode(uint256(36_000_000));
        items[10] = RLP.encode(uint256(12_345_678));
        items[11] = RLP.encode(timestamp);
        items[12] = RLP.encode(bytes("made in a test"));
        items[13] = RLP.encode(keccak256(abi.encode("randao of", number)));
        items[14] = RLP.encode(new bytes(8));
        items[15] = RLP.encode(uint256(1 gwei));
        items[16] = RLP.encode(keccak256(hex"80"));
        items[17] = RLP.encode(uint256(131_072));
        items[18] = RLP.encode(uint256(0));
        items[19] = RLP.encode(keccak256(abi.encode("beacon parent of", number)));
        items[20] = RLP.encode(sha256(""));
        return RLP.encode(items);
    }

    /// @notice A state trie whose only account has `storageRoot`.
    function accountEntry(address account, bytes32 storageRoot)
        internal
        pure
        returns (TestTrie.Entry[] memory entries)
    {
        bytes[] memory items = new bytes[](4);
        items[0] = RLP.encode(uint256(1));
        items[1] = RLP.encode(uint256(0));
        items[2] = RLP.encode(storageRoot);
        items[3] = RLP.encode(keccak256("the code"));
        entries = new TestTrie.Entry[](1);
        entries[0] = TestTrie.Entry(keccak256(abi.encodePacked(account)), RLP.encode(items));
    }

    /// @notice A slot of a storage trie.
    function slotEntry(bytes32 slot, bytes32 word) internal pure returns (TestTrie.Entry memory) {
        return TestTrie.Entry(keccak256(abi.encode(slot)), RLP.encode(uint256(word)));
    }

    function commitmentSlot(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode(index, uint256(0)));
    }

    function commitmentOf(Output memory output) internal pure returns (bytes32) {
        bytes32 outputRoot =
            keccak256(abi.encode(bytes32(0), output.stateRoot, output.keystoreRoot, output.blockHash));
        return keccak256(
            abi.encode(output.index, outputRoot, output.l1Timestamp, output.l2BlockNumber, output.inputsHash)
        );
    }
}
