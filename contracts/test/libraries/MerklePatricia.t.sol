// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Test} from "forge-std/Test.sol";

import {MerklePatriciaHarness} from "./MerklePatriciaHarness.sol";

contract MerklePatriciaTest is Test {
    MerklePatriciaHarness internal _trie;

    function setUp() public {
        _trie = new MerklePatriciaHarness();
    }

    function test_provesAnAccountAndASlotOfSepolia() public {
        string memory json = vm.readFile("test/vectors/proof_l1_sepolia_9567705.json");
        bytes[] memory accountProof = _decodeNodes(vm.parseJsonBytes(json, ".rlpAccountProof"));
        bytes[] memory storageProof = _decodeNodes(vm.parseJsonBytes(json, ".rlpStorageProof"));
        (bool exists, bytes32 word, uint256 gasUsed) = _trie.prove(
            vm.parseJsonBytes32(json, ".stateRoot"),
            vm.parseJsonAddress(json, ".account"),
            vm.parseJsonBytes32(json, ".slot"),
            accountProof,
            storageProof
        );
        assertTrue(exists);
        assertEq(word, vm.parseJsonBytes32(json, ".slotValue"));
        emit log_named_uint("nodes", accountProof.length + storageProof.length);
        emit log_named_uint("gas", gasUsed);
    }

    function _decodeNodes(bytes memory list) internal pure returns (bytes[] memory nodes) {
        Memory.Slice[] memory items = RLP.decodeList(list);
        nodes = new bytes[](items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            nodes[i] = RLP.readBytes(items[i]);
        }
    }
}
