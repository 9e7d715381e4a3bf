// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {
    ConfigProof,
    IKeystoreReplica,
    OutputProof,
    ReplicaParameters
} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {L1BlockSource} from "keyroll/l2/sources/L1BlockSource.sol";
import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {SharedProofs} from "../kit/SharedProofs.sol";
import {TestL1} from "../kit/TestL1.sol";
import {Keystore, TestSetConfig} from "../kit/TestSetConfig.sol";
import {Signer} from "../kit/TestSigner.sol";
import {L1Test} from "../l1/L1Test.sol";
import {TestTrie} from "../libraries/TestTrie.sol";

/// @notice Answers as the L1Block predeploy does.
contract FakeL1Block {
    bytes32 public hash;

    function set(bytes32 hash_) external {
        hash = hash_;
    }
}

/// @notice A deleted output is of no use: the real OutputOracle and the real replica, which sees the oracle's storage
/// by proofs.
contract DeletedOutputTest is L1Test {
    address private constant _L1_BLOCK = 0x4200000000000000000000000000000000000015;

    L1BlockSource private _source;
    KeystoreReplica private _replica;
    address private _account = makeAddr("account");

    /// @dev The owner's keystore, and the config that a lying proposer says it has.
    Output private _lie;
    bytes32 private _id;

    function setUp() public override {
        super.setUp();
        deployCodeTo("DeletedOutput.t.sol:FakeL1Block", _L1_BLOCK);
        _source = new L1BlockSource();
        ReplicaParameters memory p;
        p.outputOracle = address(oracle);
        p.l2ChainId = 4_200_001;
        p.challengePeriod = uint32(CHALLENGE_PERIOD);
        p.minRecoveryDelay = 1 days;
        p.sources = new address[](1);
        p.sources[0] = address(_source);
        _replica = new KeystoreReplica(p);

        _id = keystore(1, 0).config.hash();
        _lie.stateRoot = "state root";
        _lie.keystoreRoot = TestTrie.rootOf(keystoreTrie());
        _lie.blockHash = "block hash";
    }

    function test_deleted_output_confirms_nothing_ever() public {
        propose();
        OutputProof memory whileItStood = proveOutput();
        challenge();

        // Nothing is proposed in its place, and time passes.
        nextBlock(CHALLENGE_PERIOD);
        OutputProof memory afterwards = proveOutput();
        nextBlock(100 * CHALLENGE_PERIOD);
        OutputProof memory longAfterwards = proveOutput();

        // A proof from the time when it stood is only that of a proposed output.
        relay(whileItStood);
        assertFalse(_replica.root(address(_source), 0).finalized);
        expectConfirmToRevert(
            abi.encodeWithSelector(IKeystoreReplica.ConfigNotHeld.selector, 1, keystore(66, 1).config.hash())
        );

        // Any later one shows that it is gone.
        relay(afterwards);
        bytes memory unknown =
            abi.encodeWithSelector(IKeystoreReplica.RootUnknown.selector, address(_source), 0);
        expectConfirmToRevert(unknown);
        _replica.updateRoot(whileItStood);
        expectConfirmToRevert(unknown);
        relay(longAfterwards);
        expectConfirmToRevert(unknown);

        assertEq(_replica.configHash(_id, _account), _id);
    }

    function test_output_that_stands_confirms_when_its_period_has_passed() public {
        propose();
        nextBlock(CHALLENGE_PERIOD - 13);
        relay(proveOutput());
        assertFalse(_replica.root(address(_source), 0).finalized);
        nextBlock(1);
        relay(proveOutput());
        _replica.confirm(configProof(), keystore(66, 1).config);
        assertEq(_replica.configHash(_id, _account), keystore(66, 1).config.hash());
    }

    /// @dev In the very second in which the replica takes an output for final, it can no longer be deleted.
    function test_what_a_replica_takes_for_final_cannot_be_deleted(uint256 time) public {
        propose();
        nextBlock(bound(time, 1, 3 * CHALLENGE_PERIOD));
        relay(proveOutput());
        vm.prank(challenger);
        (bool deleted,) = address(oracle).call(abi.encodeCall(IOutputOracle.deleteL2Outputs, (0)));
        assertEq(_replica.root(address(_source), 0).finalized, !deleted);
    }

    function propose() private {
        uint256 number = oracle.nextBlockNumber();
        nextBlock(SUBMISSION_INTERVAL * L2_BLOCK_TIME + 1);
        vm.prank(proposer);
        oracle.proposeL2Output(_lie.stateRoot, _lie.keystoreRoot, _lie.blockHash, number, 0, 0);
        _lie.l1Timestamp = block.timestamp;
        _lie.l2BlockNumber = number;
        _lie.inputsHash = keccak256(
            abi.encode(inbox.submissionCount(), inbox.chainHash(), portal.depositCount(), portal.chainHash())
        );
        nextBlock(12);
    }

    function challenge() private {
        vm.prank(challenger);
        oracle.deleteL2Outputs(0);
        nextBlock(12);
    }

    /// @dev What `eth_getProof` says of the oracle now, in the header of this block.
    function proveOutput() private view returns (OutputProof memory proof) {
        bytes32 slot = TestL1.commitmentSlot(0);
        bytes32 word = vm.load(address(oracle), slot);
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](word == 0 ? 1 : 2);
        slots[0] = TestL1.slotEntry("another slot", "its word");
        if (word != 0) slots[1] = TestL1.slotEntry(slot, word);
        TestTrie.Entry[] memory state = TestL1.accountEntry(address(oracle), TestTrie.rootOf(slots));
        proof.source = address(_source);
        proof.header =
            TestL1.encodeHeader(TestTrie.rootOf(state), vm.getBlockNumber(), vm.getBlockTimestamp());
        proof.accountProof = SharedProofs.joined(TestTrie.proofOf(state, state[0].key, false));
        proof.storageProof = SharedProofs.joined(TestTrie.proofOf(slots, keccak256(abi.encode(slot)), false));
        proof.output = _lie;
    }

    /// @dev The L2's L1Block learns of the header, and the replica of the output.
    function relay(OutputProof memory proof) private {
        FakeL1Block(_L1_BLOCK).set(keccak256(proof.header));
        _source.checkpoint();
        _replica.updateRoot(proof);
    }

    function expectConfirmToRevert(bytes memory reason) private {
        ConfigProof memory proof = configProof();
        Keystore memory lie = keystore(66, 1);
        vm.expectRevert(reason);
        _replica.confirm(proof, lie.config);
    }

    function configProof() private view returns (ConfigProof memory proof) {
        proof.source = address(_source);
        proof.id = _id;
        proof.account = _account;
        proof.storageProof =
            SharedProofs.joined(TestTrie.proofOf(keystoreTrie(), keccak256(abi.encode(_id)), false));
    }

    function keystoreTrie() private view returns (TestTrie.Entry[] memory slots) {
        slots = new TestTrie.Entry[](1);
        slots[0] = TestL1.slotEntry(_id, keystore(66, 1).config.hash());
    }

    function keystore(uint256 privateKey, uint64 nonce) private pure returns (Keystore memory) {
        Signer[] memory signers = new Signer[](1);
        signers[0] = Signer(1, privateKey);
        return TestSetConfig.keystoreOf(signers, nonce, 0, "");
    }
}
