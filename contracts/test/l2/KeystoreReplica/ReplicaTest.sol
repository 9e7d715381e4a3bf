// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {
    ConfigProof,
    IKeystoreReplica,
    OutputProof,
    Record,
    ReplicaParameters,
    Root
} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {MerklePatricia} from "keyroll/libraries/MerklePatricia.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {FakeSource} from "../../kit/FakeSource.sol";
import {SharedProofs} from "../../kit/SharedProofs.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {Keystore, RawSetConfig, TestSetConfig} from "../../kit/TestSetConfig.sol";
import {Signer} from "../../kit/TestSigner.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";

/// @dev A replica, an L1 that the test makes up, and keystores with one signer.
abstract contract ReplicaTest is Test {
    uint64 internal constant L2_CHAIN_ID = 4_200_001;
    uint32 internal constant CHALLENGE_PERIOD = 7 days;
    uint32 internal constant MIN_RECOVERY_DELAY = 1 days;
    uint48 internal constant GENESIS = 1_700_000_000;

    address internal oracle = makeAddr("output oracle");
    address internal bridge = makeAddr("output bridge");
    address internal admin = makeAddr("source admin");
    address internal account = makeAddr("account");
    FakeSource internal source;
    KeystoreReplica internal replica;

    bytes32 internal id = initial().config.hash();

    function setUp() public virtual {
        vm.warp(GENESIS);
        source = new FakeSource();
        replica = new KeystoreReplica(parameters());
    }

    function parameters() internal view returns (ReplicaParameters memory p) {
        p.outputOracle = oracle;
        p.l2ChainId = L2_CHAIN_ID;
        p.challengePeriod = CHALLENGE_PERIOD;
        p.minRecoveryDelay = MIN_RECOVERY_DELAY;
        p.sources = new address[](1);
        p.sources[0] = address(source);
        p.outputBridge = bridge;
        p.sourceAdmin = admin;
    }

    /// @dev The initial config of the keystore that the tests are about.
    function initial() internal pure virtual returns (Keystore memory) {
        return keystore(1, 0);
    }

    /// @dev A config of `nonce` whose signer is the secp256k1 key `privateKey`; its data says so too.
    function keystore(uint256 privateKey, uint64 nonce) internal pure returns (Keystore memory) {
        return keystore(1, privateKey, nonce, 0);
    }

    function keystore(uint8 scheme, uint256 privateKey, uint64 nonce, uint32 maxStaleness)
        internal
        pure
        returns (Keystore memory)
    {
        Signer[] memory signers = new Signer[](1);
        signers[0] = Signer(scheme, privateKey);
        return TestSetConfig.keystoreOf(signers, nonce, maxStaleness, abi.encode("key", privateKey));
    }

    function rawUpdate(Keystore memory current, Keystore memory next) internal view returns (bytes memory) {
        return TestSetConfig.encode(TestSetConfig.update(L2_CHAIN_ID, id, current, next));
    }

    function preconfirm(Keystore memory current, Keystore memory next) internal {
        replica.preconfirm(account, current.config, rawUpdate(current, next));
    }

    function output(uint256 index, uint256 l1Timestamp, bytes32 keystoreRoot)
        internal
        pure
        returns (Output memory)
    {
        return Output({
            index: index,
            stateRoot: keccak256(abi.encode("state", keystoreRoot)),
            keystoreRoot: keystoreRoot,
            blockHash: keccak256(abi.encode("block", index)),
            l1Timestamp: l1Timestamp,
            l2BlockNumber: 100 * (index + 1),
            inputsHash: keccak256(abi.encode("inputs", index))
        });
    }

    /// @dev A proof that `out` stands, or with `stands` false that its word is zero, in an L1 block that `source` vouches
    /// for. Another output stands beside it.
    function outputProof(Output memory out, bool stands, uint256 l1Number, uint256 l1Time)
        internal
        returns (OutputProof memory proof)
    {
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](stands ? 2 : 1);
        slots[0] = TestL1.slotEntry(TestL1.commitmentSlot(out.index + 1000), keccak256("another"));
        if (stands) slots[1] = TestL1.slotEntry(TestL1.commitmentSlot(out.index), TestL1.commitmentOf(out));
        TestTrie.Entry[] memory state = TestL1.accountEntry(oracle, TestTrie.rootOf(slots));
        proof.source = address(source);
        proof.header = TestL1.encodeHeader(TestTrie.rootOf(state), l1Number, l1Time);
        proof.accountProof = SharedProofs.joined(TestTrie.proofOf(state, state[0].key, false));
        proof.storageProof = SharedProofs.joined(
            TestTrie.proofOf(slots, keccak256(abi.encode(TestL1.commitmentSlot(out.index))), false), 0
        );
        proof.output = out;
        source.vouch(keccak256(proof.header));
    }

    /// @dev The keystore trie in which slot `id` holds `config`'s hash, or with nonce 0 nothing; another keystore
    /// stands beside it.
    function keystoreTrie(ShortConfig memory config) internal view returns (TestTrie.Entry[] memory slots) {
        slots = new TestTrie.Entry[](config.nonce == 0 ? 1 : 2);
        slots[0] = TestL1.slotEntry(keccak256("another keystore"), keccak256("its config"));
        if (config.nonce != 0) slots[1] = TestL1.slotEntry(id, config.hash());
    }

    /// @dev Makes `config` provable from output `index`, proposed at `l1Timestamp`.
    function postOutput(uint256 index, uint256 l1Timestamp, ShortConfig memory config, bool finalized)
        internal
    {
        Output memory out = output(index, l1Timestamp, TestTrie.rootOf(keystoreTrie(config)));
        uint256 seenAt = l1Timestamp + (finalized ? CHALLENGE_PERIOD : 0);
        replica.updateRoot(outputProof(out, true, seenAt / 12, seenAt));
    }

    function configProof(uint256 index, ShortConfig memory config)
        internal
        view
        returns (ConfigProof memory proof)
    {
        proof.source = address(source);
        proof.outputIndex = index;
        proof.id = id;
        proof.account = account;
        proof.storageProof = SharedProofs.joined(keystoreProof(config));
    }

    /// @dev The nodes that prove `config` in the trie of {keystoreTrie}.
    function keystoreProof(ShortConfig memory config) internal view returns (bytes[] memory) {
        return TestTrie.proofOf(keystoreTrie(config), keccak256(abi.encode(id)), false);
    }

    /// @dev Posts an output that proves `config`, and confirms it.
    function confirm(uint256 index, ShortConfig memory config, bool finalized) internal {
        postOutput(index, GENESIS + 3600 * index, config, finalized);
        replica.confirm(configProof(index, config), config);
    }

    function assertInForce(Keystore memory expected) internal view {
        assertEq(replica.configHash(id, account), expected.config.hash(), "config in force");
        assertEq(replica.headNonce(id, account), expected.config.nonce, "head nonce");
    }

    function assertConfirmed(uint64 nonce) internal view {
        assertEq(replica.record(id, account).confirmedNonce, nonce, "confirmed nonce");
    }
}
