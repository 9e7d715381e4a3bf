// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {CommonBase} from "forge-std/Base.sol";
import {StdUtils} from "forge-std/StdUtils.sol";

import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {
    ConfigProof,
    Confirmation,
    OutputProof,
    Record,
    Root
} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {FakeSource} from "../../kit/FakeSource.sol";
import {SharedProofs} from "../../kit/SharedProofs.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {Keystore, RawSetConfig, TestSetConfig} from "../../kit/TestSetConfig.sol";
import {Signer} from "../../kit/TestSigner.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";

/// @notice Acts on one keystore and one account as its signers, honest and lying proposers, relayers, the bridge, the
/// source admin and strangers do. Keeps what was in force before each act, notes which rule an act broke, and counts
/// the acts that came to something.
/// @dev The rollup's truth is one chain of configs, `truth(nonce)`, whose signer at every nonce is a key of that nonce.
/// A fork at a nonce is a config that is not the truth; with stolen keys, it may be signed by the true signer.
///
/// Sources: one that is built in, the bridge, and two that the admin appended: one that vouches for L1 as the built-in
/// one does, which the account enables and disables; and one that vouches for anything, which it never enables.
contract ReplicaHandler is CommonBase, StdUtils {
    struct Posted {
        Output output;
        ShortConfig config;
        bool isTrue;
        bool isDeleted;
    }

    uint64 private constant _L2_CHAIN_ID = 4_200_001;
    uint256 private constant _FORK = 1000;
    uint256 private constant _STRANGER = 2000;
    uint256 private constant _CHALLENGE_PERIOD = 7 days;

    KeystoreReplica private immutable _replica;
    FakeSource private immutable _builtIn;
    FakeSource private immutable _appended;
    FakeSource private immutable _lying;
    address private immutable _oracle;
    bool private immutable _keysAreStolen;
    address public immutable account;
    bytes32 public immutable id;

    /// @dev How far the truth has come.
    uint64 private _truthNonce;
    uint256 private _l1Number = 1000;
    uint256 private _l1Time;
    /// @dev By the index of the output.
    Posted[] private _posted;
    /// @dev All configs that were ever approved or claimed, by hash.
    mapping(bytes32 configHash => Keystore) private _keystores;

    /// @notice Whether signers of the one config ever signed the update to the other.
    mapping(bytes32 current => mapping(bytes32 next => bool)) public isSignedStep;
    /// @notice Whether signers of some config ever signed an update to this one.
    mapping(bytes32 next => bool) public isSigned;
    /// @notice Whether an output that a source proved final, and which is the truth, had this config.
    mapping(bytes32 configHash => bool) public isFinal;

    /// @dev The highest nonce that a final output confirmed.
    uint64 private _finalNonce;

    /// @notice The rule that was broken last.
    string public broken;
    /// @notice How often each act came to something.
    mapping(string act => uint256) public successes;

    constructor(
        KeystoreReplica replica,
        FakeSource builtIn,
        FakeSource[2] memory appended,
        address oracle,
        address account_,
        bool keysAreStolen
    ) {
        (_replica, _builtIn, _oracle, account) = (replica, builtIn, oracle, account_);
        (_appended, _lying) = (appended[0], appended[1]);
        _keysAreStolen = keysAreStolen;
        id = truth(0).config.hash();
        _l1Time = block.timestamp;
    }

    // What happens on the rollup and on L1

    /// @dev The rollup accepts the next update.
    function advanceTruth() external {
        ++_truthNonce;
        ++successes["advanceTruth"];
    }

    /// @dev A proposer posts an output: the truth, or a lie.
    function propose(uint256 seed, bool isTrue) external {
        _tick(1 hours);
        _posted.push();
        _post(_posted.length - 1, seed, isTrue);
        _showL1(_builtIn, _posted.length - 1);
    }

    /// @dev The challenger deletes what is false in time: always before its challenge period is over.
    function challenge() external {
        for (uint256 at = _posted.length; at > 0; --at) {
            Posted storage posted = _posted[at - 1];
            if (posted.isTrue || posted.isDeleted || _isFinalOnL1(posted)) continue;
            posted.isDeleted = true;
            _tick(12);
            _showL1(_builtIn, at - 1);
            ++successes["challenge"];
            return;
        }
    }

    /// @dev L1 loses its last blocks, and another output stands where a proposed one stood, or none.
    function reorganise(uint256 seed, uint256 depth, bool isTrue) external {
        if (_posted.length == 0) return;
        uint256 at = _posted.length - 1;
        if (_isFinalOnL1(_posted[at])) return;
        _l1Number -= _bound(depth, 0, 3);
        if (seed % 4 == 0) _posted[at].isDeleted = true;
        else _post(at, seed, isTrue);
        _showL1(_builtIn, at);
        ++successes["reorganise"];
    }

    /// @dev Local time passes; that of L1 is not looked at.
    function passTime(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + _bound(time, 1, 40 days));
    }

    // Who brings L1 to the replica

    /// @dev Somebody relays what L1 says now of some output. False ones have been deleted by their time.
    function relay(uint256 seed, uint256 time, bool byAppended) external {
        if (_posted.length == 0) return;
        _tick(_bound(time, 12, 2 * _CHALLENGE_PERIOD));
        Posted storage posted = _posted[_pick(seed)];
        if (!posted.isTrue && _isFinalOnL1(posted)) posted.isDeleted = true;
        _showL1(byAppended ? _appended : _builtIn, _pick(seed));
    }

    /// @dev The lying source shows an L1 in which an output that the rollup never had stands and is final.
    function lie(uint256 seed) external {
        Keystore memory claimed = forkOf(seed % 3, _someNonce(seed));
        _remember(claimed);
        Output memory output = _outputOf(seed % 8, claimed.config);
        OutputProof memory proof = _proofOf(output, true, _l1Number + seed % 1000, _l1Time + 365 days);
        proof.source = address(_lying);
        _lying.vouch(keccak256(proof.header));
        try _replica.updateRoot(proof) {
            ++successes["lie"];
            _tryToConfirmALie(output.index, claimed);
        } catch {}
    }

    /// @dev The bridge says what L1 holds and nobody can delete any more. Nobody else says anything by it.
    function receiveOutput(uint256 seed, address sender) external {
        if (_posted.length == 0) return;
        uint256 at = _pick(seed);
        Posted memory posted = _posted[at];
        address bridge = _replica.outputBridgeAlias();
        bool isHonest = seed % 3 != 0;
        if (!isHonest && sender == bridge) return;
        if (isHonest) {
            if (!posted.isTrue || posted.isDeleted) return;
            _tick(_CHALLENGE_PERIOD);
        }
        Root memory before = _replica.root(bridge, at);
        vm.prank(isHonest ? bridge : sender);
        try _replica.receiveOutput(
            at, posted.output.keystoreRoot, posted.output.l2BlockNumber, posted.output.l1Timestamp, _l1Number
        ) {
            if (!isHonest) broken = "somebody else spoke for the bridge";
            if (before.finalized && !_same(before, _replica.root(bridge, at))) {
                broken = "a finalized root changed";
            }
            isFinal[posted.config.hash()] = true;
            ++successes["receiveOutput"];
        } catch {
            if (isHonest) broken = "the bridge was refused";
        }
    }

    // Who uses what the replica knows

    /// @dev Somebody preconfirms, as the truth or a thief has it, on top of the config in force or anywhere else.
    function preconfirm(uint256 seed, bool isFork, bool signs, bool onHead) external {
        uint64 head = _replica.headNonce(id, account);
        uint64 from = onHead ? head : _someNonce(seed) - 1;
        // The owner is at most two updates ahead of the rollup.
        if (from > _truthNonce + 1) return;
        Keystore memory current = from == head ? inForce() : truth(from);
        if (current.signers.length == 0) return;
        Keystore memory next = isFork ? forkOf(seed % 3, from + 1) : truth(from + 1);
        // Only thieves have the keys for a fork; and a fork of theirs for the truth's next config.
        signs = signs && (_keysAreStolen || !isFork);
        bytes memory raw = _raw(current, next, signs);

        Record memory before = _replica.record(id, account);
        bytes32 hashBefore = _replica.configHash(id, account);
        try _replica.preconfirm(account, current.config, raw) {
            Record memory afterwards = _replica.record(id, account);
            if (afterwards.headNonce == before.headNonce) {
                if (_replica.configHash(id, account) != hashBefore) {
                    broken = "a held update changed the head";
                }
                return;
            }
            ++successes["preconfirm"];
            if (!signs) broken = "an unsigned update came into force";
            if (current.config.hash() != hashBefore) broken = "an update did not extend the head";
            _afterPreconfirmation(before, afterwards, 1);
        } catch {
            if (!_same(before, _replica.record(id, account))) {
                broken = "a refused update changed the record";
            }
        }
    }

    /// @dev Somebody preconfirms the truth's next updates at once, the last of them perhaps unsigned.
    function preconfirmMany(uint256 seed, bool signsLast) external {
        uint64 head = _replica.headNonce(id, account);
        if (head > _truthNonce || _replica.configHash(id, account) != truth(head).config.hash()) return;
        bytes[] memory raws = new bytes[](1 + seed % 2);
        for (uint64 i = 0; i < raws.length; ++i) {
            raws[i] = _raw(truth(head + i), truth(head + i + 1), signsLast || i + 1 < raws.length);
        }
        Record memory before = _replica.record(id, account);
        try _replica.preconfirmMany(account, truth(head).config, raws) {
            ++successes["preconfirmMany"];
            if (!signsLast) broken = "an unsigned update came into force";
            _afterPreconfirmation(before, _replica.record(id, account), uint64(raws.length));
        } catch {
            if (!_same(before, _replica.record(id, account))) {
                broken = "a refused sequence changed the record";
            }
            if (signsLast) broken = "a signed sequence was refused";
        }
    }

    /// @dev Somebody confirms by some output and source.
    function confirm(uint256 seed) external {
        if (_posted.length == 0) return;
        address source = _sourceOf(seed >> 128);
        Posted memory posted = _posted[_pickFor(source, seed)];
        (Record memory before, bool wasHeld) = _before(posted);
        try _replica.confirm(_configProof(source, posted), posted.config) {
            ++successes["confirm"];
            _afterConfirmation(source, before, posted, wasHeld, false);
        } catch {
            if (!_same(before, _replica.record(id, account))) {
                broken = "a refused confirmation changed the record";
            }
            // Whatever thieves and lying proposers did before, the owner is not locked out.
            if (_mustConfirm(source, posted, before)) broken = "the truth was refused";
        }
    }

    /// @dev The same among items that are left out.
    function confirmMany(uint256 seed) external {
        if (_posted.length == 0) return;
        address source = _sourceOf(seed >> 128);
        Posted memory posted = _posted[_pickFor(source, seed)];
        (Record memory before, bool wasHeld) = _before(posted);
        ConfigProof memory proof = _configProof(source, posted);
        Confirmation[] memory items = new Confirmation[](3);
        bytes[] memory nodes = TestTrie.proofOf(_trie(posted.config), keccak256(abi.encode(id)), false);
        items[0] = Confirmation("another keystore", account, posted.config, 0, proof.storageProof);
        items[1] = Confirmation(id, account, posted.config, uint8(nodes.length), "");
        items[2] = Confirmation(id, account, posted.config, type(uint8).max, "");
        try _replica.confirmMany(source, posted.output.index, items) {
            if (_replica.record(items[0].id, account).asOf != 0) broken = "another keystore was confirmed";
            if (_same(before, _replica.record(id, account))) {
                if (
                    _mustConfirm(source, posted, before) && before.l2BlockNumber < posted.output.l2BlockNumber
                ) {
                    broken = "the truth was left out";
                }
                return;
            }
            ++successes["confirmMany"];
            _afterConfirmation(source, before, posted, wasHeld, false);
        } catch {
            if (!_same(before, _replica.record(id, account))) {
                broken = "a refused confirmation changed the record";
            }
        }
    }

    /// @dev Somebody confirms by some output and the updates that lead to its config, if some do.
    function confirmSigned(uint256 seed, bool signs) external {
        if (_posted.length == 0) return;
        address source = _sourceOf(seed >> 128);
        Posted memory posted = _posted[_pickFor(source, seed)];
        (Record memory before, bool wasHeld) = _before(posted);
        signs = signs && (_keysAreStolen || posted.isTrue);
        (ShortConfig memory confirmed, bytes[] memory raws) = _updatesTo(posted, before.confirmedNonce, signs);
        if (raws.length == 0) return;
        try _replica.confirmSigned(_configProof(source, posted), confirmed, raws) {
            ++successes["confirmSigned"];
            if (!signs) broken = "an unsigned update was confirmed";
            _afterConfirmation(source, before, posted, wasHeld, true);
        } catch {
            if (!_same(before, _replica.record(id, account))) {
                broken = "a refused confirmation changed the record";
            }
        }
    }

    /// @dev The account enables and disables the honest source, strangers the lying one for themselves.
    function enableSource(bool isEnabled, address stranger) external {
        vm.prank(account);
        _replica.enableSource(address(_appended), isEnabled);
        ++successes["enableSource"];
        if (stranger == account) return;
        vm.prank(stranger);
        _replica.enableSource(address(_lying), true);
        if (_replica.isEnabled(address(_lying), account)) broken = "a stranger enabled a source";
    }

    function appendSource(address source, address stranger) external {
        if (stranger == _replica.sourceAdmin()) return;
        vm.prank(stranger);
        try _replica.appendSource(source) {
            broken = "a stranger appended a source";
        } catch {
            ++successes["appendSource refused"];
        }
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

    /// @dev The updates from the confirmed config to that of an output: along the truth, or one to a fork.
    function _updatesTo(Posted memory posted, uint64 from, bool signs)
        private
        returns (ShortConfig memory confirmed, bytes[] memory raws)
    {
        Keystore memory current = from == 0 ? truth(0) : _keystores[_replica.hashAt(id, account, from)];
        Keystore memory last = _keystores[posted.config.hash()];
        if (current.signers.length == 0 || last.config.nonce <= from) return (confirmed, raws);
        confirmed = current.config;
        raws = new bytes[](last.config.nonce - from);
        for (uint64 i = 0; i < raws.length; ++i) {
            Keystore memory next = i + 1 == raws.length ? last : truth(from + i + 1);
            raws[i] = _raw(current, next, signs);
            current = next;
        }
    }

    function _before(Posted memory posted) private view returns (Record memory rec, bool isHeld) {
        rec = _replica.record(id, account);
        // Below the confirmed nonce nothing is held, nor can it be confirmed.
        isHeld = _replica.hashAt(id, account, posted.config.nonce) == posted.config.hash();
    }

    function _afterPreconfirmation(Record memory before, Record memory afterwards, uint64 count) private {
        if (afterwards.headNonce != before.headNonce + count) broken = "an update skipped a nonce";
        if (afterwards.asOf != before.asOf || afterwards.confirmedNonce != before.confirmedNonce) {
            broken = "preconfirming confirmed";
        }
    }

    function _afterConfirmation(
        address source,
        Record memory before,
        Posted memory posted,
        bool wasHeld,
        bool wasSigned
    ) private {
        Record memory afterwards = _replica.record(id, account);
        Root memory root = _replica.root(source, posted.output.index);
        if (source == address(_lying)) broken = "a source that is not enabled confirmed";
        if (!_replica.isBuiltIn(source) && !_replica.isEnabled(source, account)) {
            broken = "a source that is not enabled confirmed";
        }
        if (!root.finalized && !wasHeld && !wasSigned) {
            broken = "a proposed output alone confirmed a new config";
        }
        if (posted.isDeleted && root.finalized) broken = "a deleted output became final";
        if (root.finalized) {
            if (afterwards.confirmedNonce < _finalNonce) broken = "what was final fell";
            _finalNonce = afterwards.confirmedNonce;
        } else if (afterwards.confirmedNonce < before.confirmedNonce) {
            broken = "the confirmed nonce fell";
        }
        // What a final output overrules goes, with all that was built on it.
        wasHeld = wasHeld && afterwards.confirmedNonce >= before.confirmedNonce;
        if (afterwards.l2BlockNumber < before.l2BlockNumber) broken = "an older output confirmed";
        if (afterwards.asOf < before.asOf) broken = "freshness was lost";
        if (afterwards.confirmedNonce != posted.config.nonce) broken = "another nonce was confirmed";
        if (_replica.hashAt(id, account, afterwards.confirmedNonce) != posted.config.hash()) {
            broken = "another config was confirmed";
        }
        if (afterwards.headNonce != (wasHeld ? before.headNonce : posted.config.nonce)) {
            broken = "the tail was dropped or kept wrongly";
        }
    }

    /// @dev Whether the source shows the output as final, later than what is confirmed, and counts for the account.
    function _mustConfirm(address source, Posted memory posted, Record memory rec)
        private
        view
        returns (bool)
    {
        Root memory root = _replica.root(source, posted.output.index);
        return root.finalized && root.keystoreRoot == posted.output.keystoreRoot
            && root.l2BlockNumber >= rec.l2BlockNumber
            && (root.builtIn || _replica.isEnabled(source, account));
    }

    /// @dev What only a source says that the account did not enable.
    function _tryToConfirmALie(uint256 index, Keystore memory claimed) private {
        Record memory before = _replica.record(id, account);
        Posted memory posted;
        posted.output.index = index;
        posted.config = claimed.config;
        try _replica.confirm(_configProof(address(_lying), posted), claimed.config) {
            broken = "a source that is not enabled confirmed";
        } catch {}
        if (!_same(before, _replica.record(id, account))) broken = "a lie changed the record";
    }

    /// @dev A nonce up to which the truth has come, or the next.
    function _someNonce(uint256 seed) private view returns (uint64) {
        return 1 + uint64(seed % (_truthNonce + 1));
    }

    /// @dev An output, mostly one of the newest: the others are final, and their configs surpassed.
    function _pick(uint256 seed) private view returns (uint256) {
        uint256 count = _posted.length;
        return seed % 4 == 0 || count < 4 ? (seed >> 2) % count : count - 1 - (seed >> 2) % 4;
    }

    /// @dev Mostly an output that the source proved and that is not older than what is confirmed, if there is one.
    function _pickFor(address source, uint256 seed) private view returns (uint256) {
        uint256 picked = _pick(seed);
        if (seed >> 64 & 7 == 0) return picked;
        Record memory rec = _replica.record(id, account);
        for (uint256 at = picked + 4 < _posted.length ? picked + 4 : _posted.length; at > 0; --at) {
            Root memory root = _replica.root(source, at - 1);
            if (root.l1Timestamp == 0 || root.l2BlockNumber < rec.l2BlockNumber) continue;
            if (_posted[at - 1].config.nonce >= rec.confirmedNonce) return at - 1;
        }
        return picked;
    }

    function _tick(uint256 time) private {
        ++_l1Number;
        _l1Time += time;
    }

    function _isFinalOnL1(Posted memory posted) private view returns (bool) {
        return _l1Time >= posted.output.l1Timestamp + _CHALLENGE_PERIOD;
    }

    function _post(uint256 at, uint256 seed, bool isTrue) private {
        Keystore memory claimed = isTrue ? truth(_truthNonce) : forkOf(seed % 3, _someNonce(seed));
        _remember(claimed);
        Posted storage posted = _posted[at];
        posted.output = _outputOf(at, claimed.config);
        posted.config = claimed.config;
        posted.isTrue = isTrue;
        posted.isDeleted = false;
    }

    function _outputOf(uint256 index, ShortConfig memory config) private view returns (Output memory output) {
        output.index = index;
        output.keystoreRoot = TestTrie.rootOf(_trie(config));
        output.l1Timestamp = _l1Time;
        output.l2BlockNumber = 100 * (index + 1);
    }

    function _remember(Keystore memory keystore) private {
        Keystore storage kept = _keystores[keystore.config.hash()];
        if (kept.signers.length != 0) return;
        kept.config = keystore.config;
        kept.data = keystore.data;
        kept.signers.push(keystore.signers[0]);
    }

    /// @dev The update from `current` to `next`; if not by the signers of `current`, by a stranger.
    function _raw(Keystore memory current, Keystore memory next, bool signs) private returns (bytes memory) {
        RawSetConfig memory raw = TestSetConfig.update(_L2_CHAIN_ID, id, current, next);
        _remember(next);
        if (signs) {
            isSignedStep[current.config.hash()][next.config.hash()] = true;
            isSigned[next.config.hash()] = true;
        } else {
            Keystore memory stranger = make(_STRANGER, current.config.nonce);
            raw.approvals = TestSetConfig.update(_L2_CHAIN_ID, id, stranger, next).approvals;
        }
        return TestSetConfig.encode(raw);
    }

    /// @dev Shows the replica the present L1, in which the output stands or does not.
    function _showL1(FakeSource source, uint256 at) private {
        Posted memory posted = _posted[at];
        OutputProof memory proof = _proofOf(posted.output, !posted.isDeleted, _l1Number, _l1Time);
        proof.source = address(source);
        source.vouch(keccak256(proof.header));
        Root memory before = _replica.root(address(source), at);
        bool isActive = vm.getBlockTimestamp() >= _replica.activeAt(address(source));
        try _replica.updateRoot(proof) {
            if (!isActive) broken = "a source counted before its time";
            Root memory known = _replica.root(address(source), at);
            if (before.finalized) {
                if (!_same(before, known)) broken = "a finalized root changed";
            } else if (_l1Number <= before.l1BlockNumber) {
                if (!_same(before, known)) broken = "an older L1 block replaced a newer one";
            } else {
                ++successes[source == _appended ? "updateRoot, appended" : "updateRoot"];
                if (known.l1BlockNumber != _l1Number) {
                    broken = "a newer proof of a root that is not final was ignored";
                }
                if (known.finalized) isFinal[posted.config.hash()] = true;
            }
        } catch {
            if (isActive) broken = "what L1 says was refused";
        }
    }

    function _proofOf(Output memory output, bool stands, uint256 l1Number, uint256 l1Time)
        private
        view
        returns (OutputProof memory proof)
    {
        TestTrie.Entry[] memory slots = new TestTrie.Entry[](stands ? 2 : 1);
        slots[0] = TestL1.slotEntry("another slot", "its word");
        if (stands) {
            slots[1] = TestL1.slotEntry(TestL1.commitmentSlot(output.index), TestL1.commitmentOf(output));
        }
        TestTrie.Entry[] memory state = TestL1.accountEntry(_oracle, TestTrie.rootOf(slots));
        proof.header = TestL1.encodeHeader(TestTrie.rootOf(state), l1Number, l1Time);
        proof.accountProof = SharedProofs.joined(TestTrie.proofOf(state, state[0].key, false));
        proof.storageProof = SharedProofs.joined(
            TestTrie.proofOf(slots, keccak256(abi.encode(TestL1.commitmentSlot(output.index))), false)
        );
        proof.output = output;
    }

    function _configProof(address source, Posted memory posted)
        private
        view
        returns (ConfigProof memory proof)
    {
        proof.source = source;
        proof.outputIndex = posted.output.index;
        proof.id = id;
        proof.account = account;
        proof.storageProof =
            SharedProofs.joined(TestTrie.proofOf(_trie(posted.config), keccak256(abi.encode(id)), false));
    }

    function _trie(ShortConfig memory config) private view returns (TestTrie.Entry[] memory slots) {
        slots = new TestTrie.Entry[](config.nonce == 0 ? 1 : 2);
        slots[0] = TestL1.slotEntry("another keystore", "its config");
        if (config.nonce != 0) slots[1] = TestL1.slotEntry(id, config.hash());
    }

    /// @dev Mostly the built-in one, which knows most.
    function _sourceOf(uint256 seed) private view returns (address) {
        uint256 which = seed % 8;
        if (which == 0) return address(_lying);
        if (which == 1) return address(_appended);
        if (which == 2) return _replica.outputBridgeAlias();
        return address(_builtIn);
    }

    function _same(Record memory left, Record memory right) private pure returns (bool) {
        return keccak256(abi.encode(left)) == keccak256(abi.encode(right));
    }

    function _same(Root memory left, Root memory right) private pure returns (bool) {
        return keccak256(abi.encode(left)) == keccak256(abi.encode(right));
    }
}
