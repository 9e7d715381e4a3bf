// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {IL1BlockHashSource} from "../../../src/l2/interfaces/IL1BlockHashSource.sol";
import {ParentL1BlockSource} from "../../../src/l2/sources/ParentL1BlockSource.sol";
import {MerklePatricia} from "../../../src/libraries/MerklePatricia.sol";
import {FalseAnswers} from "../../kit/FalseAnswers.sol";
import {SharedProofs} from "../../kit/SharedProofs.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";

contract ParentL1BlockSourceTest is Test {
    address internal constant DEPOSITOR = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
    string internal constant L1_BLOCK_ARTIFACT =
        "node_modules/@eth-optimism/contracts-bedrock/forge-artifacts/L1Block.sol/L1Block.json";

    ParentL1BlockSource internal _source;

    /// @dev A block of the parent, and proofs from its state.
    struct Parent {
        bytes header;
        bytes accountProof;
        bytes storageProof;
    }

    function setUp() public {
        _source = new ParentL1BlockSource();
        vm.etch(
            _source.L1_BLOCK(), vm.parseJsonBytes(vm.readFile(L1_BLOCK_ARTIFACT), ".deployedBytecode.object")
        );
    }

    function testFuzz_vouchesForWhatTheParentsPredeployHeld(bytes32 l1BlockHash) public {
        vm.assume(l1BlockHash != 0);
        Parent memory parent = _parent(l1BlockHash, 7);
        _setL1Block(keccak256(parent.header));
        assertTrue(_source.isL1BlockHash(l1BlockHash, _proof(parent)));
    }

    function test_vouchesByCheckpointsForEver() public {
        Parent memory parent = _parent("l1 hash", 7);
        bytes32 parentHash = keccak256(parent.header);
        _setL1Block(parentHash);
        vm.expectEmit(true, false, false, true, address(_source));
        emit IL1BlockHashSource.Checkpointed(parentHash);
        assertEq(_source.checkpoint(), parentHash);
        _setL1Block("a later block of the parent");
        assertTrue(_source.isCheckpoint(parentHash));
        assertTrue(_source.isL1BlockHash("l1 hash", _proof(parent)));
    }

    function test_doesNotVouchByParentBlocksThatTheChainDoesNotName() public {
        _setL1Block(keccak256(_parent("l1 hash", 7).header));
        _source.checkpoint();
        assertFalse(_source.isL1BlockHash("l1 hash", _proof(_parent("l1 hash", 8))));
    }

    function test_refusesAnotherHashThanTheParentHeld() public {
        Parent memory parent = _parent("l1 hash", 7);
        _setL1Block(keccak256(parent.header));
        bytes memory proof = _proof(parent);
        vm.expectRevert(
            abi.encodeWithSelector(
                ParentL1BlockSource.L1BlockHashMismatch.selector, bytes32("l1 hash"), bytes32("other")
            )
        );
        _source.isL1BlockHash("other", proof);
    }

    function test_refusesAParentWhosePredeployHoldsNothing() public {
        Parent memory parent = _parent("l1 hash", 7);
        TestTrie.Entry[] memory none = new TestTrie.Entry[](0);
        _setState(parent, 7, _source.L1_BLOCK(), none);
        _setL1Block(keccak256(parent.header));
        bytes memory proof = _proof(parent);
        vm.expectRevert(
            abi.encodeWithSelector(
                ParentL1BlockSource.L1BlockHashMismatch.selector, bytes32(0), bytes32("l1 hash")
            )
        );
        _source.isL1BlockHash("l1 hash", proof);
        assertFalse(_source.isL1BlockHash(0, proof));
    }

    /// @dev So it is where the chain's own L1Block names L1 blocks: nothing stands at the predeploy's address on L1.
    function test_refusesAParentWithoutThePredeploy() public {
        Parent memory parent = _parent("l1 hash", 7);
        address another = makeAddr("another account");
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](1);
        slots[0] = TestL1.slotEntry(_source.HASH_SLOT(), "l1 hash");
        _setState(parent, 7, another, slots);
        parent.accountProof = SharedProofs.joined(
            TestTrie.proofOf(
                TestL1.accountEntry(another, TestTrie.rootOf(slots)),
                keccak256(abi.encodePacked(_source.L1_BLOCK())),
                false
            )
        );
        _setL1Block(keccak256(parent.header));
        bytes memory proof = _proof(parent);
        vm.expectRevert(abi.encodeWithSelector(MerklePatricia.AccountAbsent.selector, _source.L1_BLOCK()));
        _source.isL1BlockHash("l1 hash", proof);
    }

    function test_refusesAProofWithAnyByteChanged() public {
        Parent memory parent = _parent("l1 hash", 7);
        _setL1Block(keccak256(parent.header));
        _source.checkpoint();
        bytes memory proof = _proof(parent);
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] ^= 0x01;
            try _source.isL1BlockHash("l1 hash", proof) returns (bool vouched) {
                // Padding and offsets of the ABI encoding may change without changing what is encoded.
                if (vouched) assertEq(_normalised(proof), _proof(parent));
            } catch {}
            proof[i] ^= 0x01;
        }
    }

    function test_neverVouchesForZero() public {
        Parent memory parent = _parent("l1 hash", 7);
        assertFalse(_source.isL1BlockHash(0, _proof(parent)));
        vm.expectRevert(ParentL1BlockSource.NoParentBlockHash.selector);
        _source.checkpoint();
    }

    function test_vouchesForNothingWhereThePredeployIsMissing() public {
        vm.etch(_source.L1_BLOCK(), "");
        assertFalse(_source.isL1BlockHash("l1 hash", _proof(_parent("l1 hash", 7))));
        vm.expectRevert(ParentL1BlockSource.NoParentBlockHash.selector);
        _source.checkpoint();
    }

    function test_vouchesForNothingWhereSomethingElseStandsAtItsAddress() public {
        Parent memory parent = _parent("l1 hash", 7);
        bytes memory proof = _proof(parent);
        bytes[3] memory codes = FalseAnswers.withWord(keccak256(parent.header));
        for (uint256 i = 0; i < codes.length; ++i) {
            vm.etch(_source.L1_BLOCK(), codes[i]);
            assertFalse(_source.isL1BlockHash("l1 hash", proof));
            // The last byte that is left out of the hash is hardly ever zero; that of this word is.
            vm.etch(_source.L1_BLOCK(), FalseAnswers.withWord("hash")[i]);
            vm.expectRevert(ParentL1BlockSource.NoParentBlockHash.selector);
            _source.checkpoint();
        }
    }

    function test_refusesBytesThatAreNoProof() public {
        vm.expectRevert();
        _source.isL1BlockHash("l1 hash", "");
    }

    /// forge-config: default.isolate = true
    function test_gas() public {
        Parent memory parent = _parent("l1 hash", 7);
        _setL1Block(keccak256(parent.header));
        _source.isL1BlockHash("l1 hash", _proof(parent));
        vm.snapshotGasLastCall("ParentL1BlockSource", "isL1BlockHash, small tries");
        _source.checkpoint();
        vm.snapshotGasLastCall("ParentL1BlockSource", "checkpoint");
    }

    function _parent(bytes32 l1BlockHash, uint256 number) internal view returns (Parent memory parent) {
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](2);
        slots[0] = TestL1.slotEntry(bytes32(0), bytes32(number));
        slots[1] = TestL1.slotEntry(_source.HASH_SLOT(), l1BlockHash);
        _setState(parent, number, _source.L1_BLOCK(), slots);
    }

    function _setState(Parent memory parent, uint256 number, address account, TestTrie.Entry[] memory slots)
        internal
        view
    {
        bytes32 slotKey = keccak256(abi.encode(_source.HASH_SLOT()));
        TestTrie.Entry[] memory accounts = TestL1.accountEntry(account, TestTrie.rootOf(slots));
        parent.header = TestL1.encodeHeader(TestTrie.rootOf(accounts), number, 1_800_000_000);
        parent.accountProof =
            SharedProofs.joined(TestTrie.proofOf(accounts, keccak256(abi.encodePacked(account)), false));
        parent.storageProof = SharedProofs.joined(TestTrie.proofOf(slots, slotKey, false));
    }

    function _proof(Parent memory parent) internal pure returns (bytes memory) {
        return abi.encode(parent.header, parent.accountProof, parent.storageProof);
    }

    function _normalised(bytes memory proof) internal pure returns (bytes memory) {
        (bytes memory header, bytes memory accountProof, bytes memory storageProof) =
            abi.decode(proof, (bytes, bytes, bytes));
        return abi.encode(header, accountProof, storageProof);
    }

    /// @dev The call data of the L1 attributes transaction since Ecotone, packed.
    function _setL1Block(bytes32 blockHash) internal {
        bytes memory numbers = abi.encodePacked(
            uint32(1),
            uint32(2),
            uint64(3),
            uint64(block.timestamp),
            uint64(block.number),
            uint256(5),
            uint256(6)
        );
        address l1Block = _source.L1_BLOCK();
        bytes4 selector = bytes4(keccak256("setL1BlockValuesEcotone()"));
        vm.prank(DEPOSITOR);
        (bool success,) = l1Block.call(abi.encodePacked(selector, numbers, blockHash, bytes32("batcher")));
        assertTrue(success);
    }
}
