// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {IKeystoreReplica, OutputProof} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {VectorTest} from "../../kit/VectorTest.sol";
import {SharedProofs} from "../../kit/SharedProofs.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

contract KeystoreReplicaVectorsTest is ReplicaTest, VectorTest {
    /// @dev Every case: the replica names the word it computes when another stands on L1.
    function test_computes_the_words_of_the_vectors() public {
        string memory json = readVectors("output_commitment.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertTrue(vm.keyExistsJson(json, path("cases", count - 1, "name")));
        for (uint256 i = 0; i < count; ++i) {
            bytes32 commitment = vm.parseJsonBytes32(json, path("cases", i, "commitment"));
            bytes32 other = ~commitment;
            OutputProof memory proof = _proof(json, i, other);
            vm.expectRevert(
                abi.encodeWithSelector(IKeystoreReplica.OutputMismatch.selector, commitment, other)
            );
            replica.updateRoot(proof);
        }
    }

    /// @dev The cases whose time and block number a replica can hold.
    function test_takes_the_words_of_the_vectors() public {
        string memory json = readVectors("output_commitment.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        uint256 taken = 0;
        for (uint256 i = 0; i < count; ++i) {
            OutputProof memory proof =
                _proof(json, i, vm.parseJsonBytes32(json, path("cases", i, "commitment")));
            Output memory out = proof.output;
            if (out.l1Timestamp > type(uint48).max || out.l2BlockNumber > type(uint48).max) continue;
            ++taken;
            // A replica of its own for each case: a finalized root never changes.
            replica = new KeystoreReplica(parameters());
            replica.updateRoot(proof);
            assertEq(replica.root(address(source), out.index).keystoreRoot, out.keystoreRoot);
            assertEq(replica.root(address(source), out.index).l2BlockNumber, out.l2BlockNumber);
            assertEq(replica.root(address(source), out.index).l1Timestamp, out.l1Timestamp);
        }
        assertEq(taken, 12);
    }

    /// @dev The output of case `i`, and an L1 block of its own in which `word` stands in the slot the vector names.
    function _proof(string memory json, uint256 i, bytes32 word) private returns (OutputProof memory proof) {
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](1);
        slots[0] = TestL1.slotEntry(vm.parseJsonBytes32(json, path("cases", i, "slot")), word);
        TestTrie.Entry[] memory state = TestL1.accountEntry(oracle, TestTrie.rootOf(slots));
        proof.source = address(source);
        proof.header = TestL1.encodeHeader(TestTrie.rootOf(state), 1000 + i, GENESIS);
        proof.accountProof = SharedProofs.joined(TestTrie.proofOf(state, state[0].key, false));
        proof.storageProof = SharedProofs.joined(TestTrie.proofOf(slots, slots[0].key, false));
        proof.output = Output({
            index: vm.parseJsonUint(json, path("cases", i, "index")),
            stateRoot: vm.parseJsonBytes32(json, path("cases", i, "stateRoot")),
            keystoreRoot: vm.parseJsonBytes32(json, path("cases", i, "keystoreRoot")),
            blockHash: vm.parseJsonBytes32(json, path("cases", i, "blockHash")),
            l1Timestamp: vm.parseJsonUint(json, path("cases", i, "l1Timestamp")),
            l2BlockNumber: vm.parseJsonUint(json, path("cases", i, "l2BlockNumber")),
            inputsHash: vm.parseJsonBytes32(json, path("cases", i, "inputsHash"))
        });
        source.vouch(keccak256(proof.header));
    }
}
