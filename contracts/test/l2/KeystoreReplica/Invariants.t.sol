// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {
    ConfigProof,
    IKeystoreReplica,
    OutputProof,
    Record,
    Root
} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {FakeSource} from "../../kit/FakeSource.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {Keystore, RawSetConfig, TestSetConfig} from "../../kit/TestSetConfig.sol";
import {Signer} from "../../kit/TestSigner.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

/// @notice Acts on one keystore and one account as its signers, honest and lying proposers, relayers and strangers do.
/// Keeps what was in force before each act, and notes which rule an act broke.
/// @dev The rollup's truth is one chain of configs, `_truth[nonce]`, whose signer at every nonce is a key of that
/// nonce. A fork at a nonce is a config signed by the true signer (a stolen key) that is not the truth.
contract ReplicaHandler is CommonBase, StdUtils {
    uint64 private constant _L2_CHAIN_ID = 4_200_001;
    uint256 private constant _FORK = 1000;
    uint256 private constant _STRANGER = 2000;
    uint256 private constant _CHALLENGE_PERIOD = 7 days;
    uint64 private constant _LONGEST = 12;

    KeystoreReplica private immutable _replica;
    FakeSource private immutable _source;
    address private immutable _oracle;
    address public immutable account;
    bytes32 public immutable id;

    /// @dev How far the truth has come, and how many outputs were posted.
    uint64 private _truthNonce;
    uint256 private _outputs;
    uint256 private _l1Number = 1000;
    uint256 private _l1Time;

    struct Posted {
        Output output;
        ShortConfig config;
        bool isTrue;
        bool isDeleted;
    }

    Posted[] private _posted;

    /// @dev All configs that were ever approved, by hash.
    mapping(bytes32 configHash => Keystore) private _keystores;

    string public broken;
    /// @dev The highest nonce that a final output confirmed.
    uint64 private _finalNonce;
    uint256 public confirmations;
    uint256 public preconfirmations;

    constructor(
        KeystoreReplica replica,
        FakeSource source,
        address oracle,
        address account_,
        uint256 genesis
    ) {
        (_replica, _source, _oracle, account) = (replica, source, oracle, account_);
        id = truth(0).config.hash();
        _l1Time = genesis;
    }

    /// @dev The rollup accepts the next update.
    function advanceTruth() external {
        if (_truthNonce < _LONGEST) ++_truthNonce;
    }

    /// @dev Somebody preconfirms, as the truth or a thief has it, on top of the config in force or anywhere else.
    function preconfirm(uint256 seed, bool fork, bool isSigned, bool onHead) external {
        uint64 head = _replica.headNonce(id, account);
        uint64 from = onHead ? head : uint64(seed % _LONGEST);
        Keystore memory current = from == head ? inForce() : truth(from);
        if (current.signers.length == 0) return;
        Keystore memory next = fork ? forkOf(seed % 3, from + 1) : truth(from + 1);
        Keystore memory approver = current;
        if (!isSigned) {
            approver = make(_STRANGER, from);
            approver.config.nonce = current.config.nonce;
        }
        RawSetConfig memory raw = TestSetConfig.update(_L2_CHAIN_ID, id, current, next);
        if (!isSigned) {
            raw.approvals = TestSetConfig.update(_L2_CHAIN_ID, id, approver, next).approvals;
        }
        bytes memory encoded = TestSetConfig.encode(raw);

        Record memory before = _replica.record(id, account);
        bytes32 hashBefore = _replica.configHash(id, account);
        try _replica.preconfirm(account, current.config, encoded) {
            Record memory now_ = _replica.record(id, account);
            if (now_.headNonce == before.headNonce) {
                if (_replica.configHash(id, account) != hashBefore) {
                    broken = "a held update changed the head";
                }
                return;
            }
            ++preconfirmations;
            if (!isSigned) broken = "an unsigned update came into force";
            if (now_.headNonce != before.headNonce + 1) broken = "an update skipped a nonce";
            if (current.config.hash() != hashBefore) broken = "an update did not extend the head";
            if (now_.asOf != before.asOf || now_.confirmedNonce != before.confirmedNonce) {
                broken = "preconfirming confirmed";
            }
            _remember(next);
        } catch {
            if (keccak256(abi.encode(_replica.record(id, account))) != keccak256(abi.encode(before))) {
                broken = "a refused update changed the record";
            }
        }
    }

    /// @dev A proposer posts an output: the truth, an older or forked one, or one made up.
    function propose(uint256 seed, bool isTrue) external {
        _tick(1 hours);
        Keystore memory claimed = isTrue ? truth(_truthNonce) : forkOf(seed % 3, uint64(seed % _LONGEST) + 1);
        Output memory output;
        output.index = _outputs++;
        output.keystoreRoot = TestTrie.rootOf(_trie(claimed.config));
        output.l1Timestamp = _l1Time;
        output.l2BlockNumber = 100 * (output.index + 1);
        _posted.push(Posted(output, claimed.config, isTrue, false));
        _remember(claimed);
        _update(_posted.length - 1, true);
    }

    /// @dev The challenger deletes what is false in time: always before its challenge period is over.
    function challenge(uint256 seed) external {
        if (_posted.length == 0) return;
        Posted storage posted = _posted[seed % _posted.length];
        if (posted.isTrue || _l1Time >= posted.output.l1Timestamp + _CHALLENGE_PERIOD) return;
        posted.isDeleted = true;
        _tick(12);
        _update(seed % _posted.length, false);
    }

    /// @dev Somebody relays what L1 says now of some output. False ones have been deleted by their time.
    function relay(uint256 seed, uint256 time) external {
        if (_posted.length == 0) return;
        _tick(bound(time, 12, 2 * _CHALLENGE_PERIOD));
        Posted storage posted = _posted[seed % _posted.length];
        if (!posted.isTrue && _l1Time >= posted.output.l1Timestamp + _CHALLENGE_PERIOD) {
            posted.isDeleted = true;
        }
        _update(seed % _posted.length, !posted.isDeleted);
    }

    /// @dev Somebody confirms by some output.
    function confirm(uint256 seed) external {
        if (_posted.length == 0) return;
        Posted memory posted = _posted[seed % _posted.length];
        Record memory before = _replica.record(id, account);
        bytes32 held = _replica.hashAt(id, account, posted.config.nonce);
        Root memory root = _replica.root(address(_source), posted.output.index);
        try _replica.confirm(_configProof(posted), posted.config) {
            bool wasHeld = posted.config.nonce <= before.headNonce && held == posted.config.hash();
            if (!root.finalized && !wasHeld) broken = "a proposed output alone confirmed a new config";
            _afterConfirmation(before, posted, wasHeld);
        } catch {
            if (keccak256(abi.encode(_replica.record(id, account))) != keccak256(abi.encode(before))) {
                broken = "a refused confirmation changed the record";
            }
            // Whatever thieves and lying proposers did before, the owner is not locked out.
            if (root.finalized && posted.output.l2BlockNumber >= before.l2BlockNumber) {
                broken = "the truth was refused";
            }
        }
    }

    /// @dev Somebody confirms by some output and the update that leads to its config, if one does.
    function confirmSigned(uint256 seed, bool isSigned) external {
        if (_posted.length == 0) return;
        Posted memory posted = _posted[seed % _posted.length];
        Record memory before = _replica.record(id, account);
        Keystore memory confirmed = _keystores[_replica.hashAt(id, account, before.confirmedNonce)];
        if (before.confirmedNonce == 0) confirmed = truth(0);
        Keystore memory next = _keystores[posted.config.hash()];
        if (confirmed.signers.length == 0 || next.config.nonce != before.confirmedNonce + 1) return;
        bytes[] memory raws = new bytes[](1);
        RawSetConfig memory raw = TestSetConfig.update(_L2_CHAIN_ID, id, confirmed, next);
        if (!isSigned) {
            raw.approvals = TestSetConfig.update(_L2_CHAIN_ID, id, make(_STRANGER, 0), next).approvals;
        }
        raws[0] = TestSetConfig.encode(raw);
        bool wasHeld = _replica.hashAt(id, account, posted.config.nonce) == posted.config.hash();
        try _replica.confirmSigned(_configProof(posted), confirmed.config, raws) {
            if (!isSigned) broken = "an unsigned update was confirmed";
            _afterConfirmation(before, posted, wasHeld);
        } catch {}
    }

    /// @notice A config of the truth: its signer is the key of its nonce.
    function truth(uint64 nonce) public pure returns (Keystore memory) {
        return make(1 + nonce, nonce);
    }

    function forkOf(uint256 which, uint64 nonce) public pure returns (Keystore memory) {
        return make(_FORK + 100 * which + nonce, nonce);
    }

    function make(uint256 privateKey, uint64 nonce) public pure returns (Keystore memory) {
        Signer[] memory signers = new Signer[](1);
        signers[0] = Signer(1, privateKey);
        return TestSetConfig.keystoreOf(signers, nonce, 0, abi.encode(privateKey));
    }

    /// @notice The config in force with its signers; without signers where the handler did not make it.
    function inForce() public view returns (Keystore memory keystore) {
        bytes32 hash = _replica.configHash(id, account);
        return hash == id ? truth(0) : _keystores[hash];
    }

    function _afterConfirmation(Record memory before, Posted memory posted, bool wasHeld) private {
        ++confirmations;
        Record memory now_ = _replica.record(id, account);
        bool isFinal = _replica.root(address(_source), posted.output.index).finalized;
        if (posted.isDeleted && isFinal) broken = "a deleted output became final";
        if (isFinal) {
            if (now_.confirmedNonce < _finalNonce) broken = "what was final fell";
            _finalNonce = now_.confirmedNonce;
        } else if (now_.confirmedNonce < before.confirmedNonce) {
            broken = "the confirmed nonce fell";
        }
        wasHeld = wasHeld && now_.confirmedNonce >= before.confirmedNonce;
        if (now_.l2BlockNumber < before.l2BlockNumber) broken = "an older output confirmed";
        if (now_.asOf < before.asOf) broken = "freshness was lost";
        if (now_.confirmedNonce != posted.config.nonce) broken = "another nonce was confirmed";
        if (_replica.hashAt(id, account, now_.confirmedNonce) != posted.config.hash()) {
            broken = "another config was confirmed";
        }
        if (now_.headNonce != (wasHeld ? before.headNonce : posted.config.nonce)) {
            broken = "the tail was dropped or kept wrongly";
        }
    }

    function _tick(uint256 time) private {
        ++_l1Number;
        _l1Time += time;
    }

    function _remember(Keystore memory keystore) private {
        Keystore storage kept = _keystores[keystore.config.hash()];
        if (kept.signers.length != 0) return;
        kept.config = keystore.config;
        kept.data = keystore.data;
        kept.signers.push(keystore.signers[0]);
    }

    /// @dev Shows the replica the present L1, in which the output stands or does not.
    function _update(uint256 at, bool stands) private {
        Output memory output = _posted[at].output;
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](stands ? 2 : 1);
        slots[0] = TestL1.slotEntry("another slot", "its word");
        if (stands) {
            slots[1] = TestL1.slotEntry(TestL1.commitmentSlot(output.index), TestL1.commitmentOf(output));
        }
        TestTrie.Entry[] memory state = TestL1.accountEntry(_oracle, TestTrie.rootOf(slots));
        OutputProof memory proof;
        proof.source = address(_source);
        proof.header = TestL1.encodeHeader(TestTrie.rootOf(state), _l1Number, _l1Time);
        proof.accountProof = TestTrie.proofOf(state, state[0].key, false);
        proof.storageProof =
            TestTrie.proofOf(slots, keccak256(abi.encode(TestL1.commitmentSlot(output.index))), false);
        proof.output = output;
        _source.vouch(keccak256(proof.header));

        Root memory before = _replica.root(address(_source), output.index);
        try _replica.updateRoot(proof) {
            if (before.finalized) broken = "a finalized root changed";
        } catch {
            if (!before.finalized) broken = "a newer proof of a root that is not final was refused";
        }
    }

    function _configProof(Posted memory posted) private view returns (ConfigProof memory proof) {
        proof.source = address(_source);
        proof.outputIndex = posted.output.index;
        proof.id = id;
        proof.account = account;
        proof.storageProof = TestTrie.proofOf(_trie(posted.config), keccak256(abi.encode(id)), false);
    }

    function _trie(ShortConfig memory config) private view returns (TestTrie.Entry[] memory slots) {
        slots = new TestTrie.Entry[](config.nonce == 0 ? 1 : 2);
        slots[0] = TestL1.slotEntry("another keystore", "its config");
        if (config.nonce != 0) slots[1] = TestL1.slotEntry(id, config.hash());
    }
}

contract InvariantsTest is ReplicaTest {
    ReplicaHandler private _handler;

    function setUp() public override {
        super.setUp();
        _handler = new ReplicaHandler(replica, source, oracle, account, GENESIS);
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = ReplicaHandler.advanceTruth.selector;
        selectors[1] = ReplicaHandler.preconfirm.selector;
        selectors[2] = ReplicaHandler.propose.selector;
        selectors[3] = ReplicaHandler.challenge.selector;
        selectors[4] = ReplicaHandler.relay.selector;
        selectors[5] = ReplicaHandler.confirm.selector;
        selectors[6] = ReplicaHandler.confirmSigned.selector;
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), selectors));
    }

    /// forge-config: default.invariant.runs = 64
    /// forge-config: default.invariant.depth = 100
    function invariant_every_act_moves_toward_the_truth_or_is_refused() public view {
        assertEq(_handler.broken(), "");
        Record memory rec = replica.record(_handler.id(), account);
        assertGe(rec.headNonce, rec.confirmedNonce);
        assertEq(
            replica.configHash(_handler.id(), account), replica.hashAt(_handler.id(), account, rec.headNonce)
        );
        for (uint64 nonce = rec.confirmedNonce; nonce <= rec.headNonce; ++nonce) {
            assertNotEq(replica.hashAt(_handler.id(), account, nonce), 0);
        }
    }

    /// @dev The handler is of use: its acts do confirm and preconfirm.
    function test_handler_reaches_confirmations_and_preconfirmations() public {
        _handler.advanceTruth();
        _handler.preconfirm(0, false, true, true);
        _handler.propose(0, true);
        _handler.confirm(0);
        _handler.relay(0, 7 days);
        _handler.confirm(0);
        _handler.advanceTruth();
        _handler.propose(0, true);
        _handler.confirmSigned(1, false);
        _handler.confirmSigned(1, true);
        assertEq(_handler.preconfirmations(), 1);
        assertEq(_handler.confirmations(), 3);
        assertEq(replica.record(_handler.id(), account).confirmedNonce, 2);
        assertEq(_handler.broken(), "");
    }
}
