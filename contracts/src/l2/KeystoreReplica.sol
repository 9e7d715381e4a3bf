// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Approval} from "../libraries/Approval.sol";
import {Approvals} from "../libraries/Approvals.sol";
import {ConfigLimits, ShortConfig} from "../libraries/Config.sol";
import {Fault} from "../libraries/Fault.sol";
import {L1Header} from "../libraries/L1Header.sol";
import {MerklePatricia} from "../libraries/MerklePatricia.sol";
import {Output, OutputLib} from "../libraries/Output.sol";
import {P256Verifier} from "../libraries/P256Verifier.sol";
import {SetConfig, SetConfigLib, SetConfigRules} from "../libraries/SetConfig.sol";
import {
    ConfigProof,
    Confirmation,
    IKeystoreReplica,
    OutputProof,
    Record,
    ReplicaParameters,
    Root
} from "./interfaces/IKeystoreReplica.sol";
import {IL1BlockHashSource} from "./interfaces/IL1BlockHashSource.sol";
import {P256Fallback} from "./P256Fallback.sol";

/// @title KeystoreReplica
/// @notice See {IKeystoreReplica}.
contract KeystoreReplica is IKeystoreReplica {
    using SafeCast for uint256;

    /// @inheritdoc IKeystoreReplica
    uint48 public constant APPENDED_SOURCE_DELAY = 30 days;

    /// @dev Activation time of a built-in source.
    uint48 private constant _ALWAYS = 1;

    /// @dev What rollups add to the address of a contract on L1 that calls by their bridge.
    uint160 private constant _ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @inheritdoc IKeystoreReplica
    address public immutable outputOracle;
    /// @inheritdoc IKeystoreReplica
    uint64 public immutable l2ChainId;
    /// @inheritdoc IKeystoreReplica
    uint32 public immutable challengePeriod;
    /// @inheritdoc IKeystoreReplica
    uint32 public immutable minRecoveryDelay;
    /// @inheritdoc IKeystoreReplica
    address public immutable sourceAdmin;
    /// @inheritdoc IKeystoreReplica
    address public immutable outputBridgeAlias;
    /// @inheritdoc IKeystoreReplica
    address public immutable p256Verifier;
    /// @inheritdoc IKeystoreReplica
    bytes32 public immutable domainSeparator;

    /// @inheritdoc IKeystoreReplica
    mapping(address source => uint48) public activeAt;
    mapping(address source => mapping(uint256 outputIndex => Root)) private _roots;

    // The account comes last in every mapping that its validation reads: storage associated with it (ERC-7562).
    /// @dev Read by `_recordOf`: a first preconfirmation leaves the record blank where the hash alone says all.
    mapping(bytes32 id => mapping(address account => Record)) private _records;
    mapping(bytes32 id => mapping(uint64 nonce => mapping(address account => bytes32))) private _hashes;
    mapping(address source => mapping(address account => bool)) private _enabled;

    constructor(ReplicaParameters memory p) {
        if (p.sources.length == 0) revert NoBuiltInSource();
        for (uint256 i = 0; i < p.sources.length; ++i) {
            _addSource(p.sources[i], _ALWAYS);
        }
        outputOracle = p.outputOracle;
        l2ChainId = p.l2ChainId;
        challengePeriod = p.challengePeriod;
        minRecoveryDelay = p.minRecoveryDelay;
        sourceAdmin = p.sourceAdmin;
        outputBridgeAlias = _aliasOf(p.outputBridge);
        _addSource(outputBridgeAlias, _ALWAYS);
        p256Verifier = P256Verifier.hasPrecompile() ? P256Verifier.PRECOMPILE : address(new P256Fallback());
        domainSeparator = SetConfigLib.domainSeparator(p.l2ChainId);
    }

    /// @inheritdoc IKeystoreReplica
    function updateRoot(OutputProof calldata proof) external {
        Output calldata output = proof.output;
        uint48 sourceActiveAt = activeAt[proof.source];
        if (sourceActiveAt == 0 || block.timestamp < sourceActiveAt) revert SourceNotActive(proof.source);

        // 1. The root is not finalized; else nothing is left to learn. Were that an error, here or at 3, a stranger who
        // sends the update of a wallet's batch first would have the whole batch fail.
        Root memory entry = _roots[proof.source][output.index];
        if (entry.finalized) return;

        // 2. The source vouches for the header's hash.
        L1Header.Header memory header = L1Header.parse(proof.header);
        if (!IL1BlockHashSource(proof.source).isL1BlockHash(header.hash, proof.sourceProof)) {
            revert L1BlockHashNotVouched(proof.source, header.hash);
        }

        // 3. The header is later than the one the root, or its absence, was last seen in; else it tells nothing new.
        if (header.number <= entry.l1BlockNumber) return;

        // 4. The account proof gives the OutputOracle's storage root.
        bytes32 storageRoot =
            MerklePatricia.accountStorageRoot(header.stateRoot, outputOracle, proof.accountProof);

        // 5. The storage proof gives the word of the output, or its absence.
        (bool exists, bytes32 word) = MerklePatricia.storageValue(
            storageRoot, OutputLib.commitmentSlot(output.index), proof.storageProof
        );

        entry = Root({
            keystoreRoot: 0,
            l2BlockNumber: 0,
            l1Timestamp: 0,
            l1BlockNumber: uint256(header.number).toUint48(),
            finalized: false,
            builtIn: sourceActiveAt == _ALWAYS
        });
        if (!exists) {
            // 6. Absent: the root is deleted. Where that was seen is kept, else an older header could bring it back.
            emit RootDeleted(proof.source, output.index, header.number);
        } else {
            // 7. Present: the word is the hash of the output, and its output root the hash of its parts.
            bytes32 commitment = output.commitment();
            if (commitment != word) revert OutputMismatch(commitment, word);
            entry.keystoreRoot = output.keystoreRoot;
            entry.l2BlockNumber = output.l2BlockNumber.toUint48();
            entry.l1Timestamp = output.l1Timestamp.toUint48();
            // 8. Finalized when no challenge can delete it any more, by the time of L1.
            entry.finalized = header.timestamp >= output.l1Timestamp + challengePeriod;
            emit RootUpdated(
                proof.source,
                output.index,
                output.keystoreRoot,
                output.l2BlockNumber,
                output.l1Timestamp,
                header.number,
                entry.finalized
            );
        }
        _roots[proof.source][output.index] = entry;
    }

    /// @inheritdoc IKeystoreReplica
    function receiveOutput(
        uint256 outputIndex,
        bytes32 keystoreRoot,
        uint256 l2BlockNumber,
        uint256 l1Timestamp,
        uint256 l1BlockNumber
    ) external {
        if (msg.sender != outputBridgeAlias && _aliasOf(msg.sender) != outputBridgeAlias) {
            revert NotOutputBridge(msg.sender);
        }
        if (_roots[outputBridgeAlias][outputIndex].finalized) return;
        _roots[outputBridgeAlias][outputIndex] = Root({
            keystoreRoot: keystoreRoot,
            l2BlockNumber: l2BlockNumber.toUint48(),
            l1Timestamp: l1Timestamp.toUint48(),
            l1BlockNumber: l1BlockNumber.toUint48(),
            finalized: true,
            builtIn: true
        });
        emit RootUpdated(
            outputBridgeAlias, outputIndex, keystoreRoot, l2BlockNumber, l1Timestamp, l1BlockNumber, true
        );
    }

    /// @inheritdoc IKeystoreReplica
    function confirm(ConfigProof calldata proof, ShortConfig calldata config) external {
        (Root memory entry, Record memory rec, bytes32 proven) = _prove(proof);
        Fault.raise(_tryConfirm(entry, rec, proof.id, proof.account, config, proven));
    }

    /// @inheritdoc IKeystoreReplica
    function confirmMany(address source, uint256 outputIndex, Confirmation[] calldata items) external {
        Root memory entry = _knownRoot(source, outputIndex);
        MerklePatricia.Path memory path = MerklePatricia.newPath(entry.keystoreRoot);
        for (uint256 i = 0; i < items.length; ++i) {
            Confirmation calldata item = items[i];
            bytes memory fault = _tryConfirmAlong(source, entry, path, item);
            if (fault.length != 0) emit ConfirmationSkipped(i, item.id, item.account, fault);
        }
    }

    /// @inheritdoc IKeystoreReplica
    function confirmSigned(
        ConfigProof calldata proof,
        ShortConfig calldata confirmed,
        bytes[] calldata rawSetConfigs
    ) external {
        (Root memory entry, Record memory rec, bytes32 proven) = _prove(proof);
        ShortConfig memory config = confirmed;
        bytes32 hash = _requireHeld(proof.id, proof.account, rec.confirmedNonce, config);
        for (uint256 i = 0; i < rawSetConfigs.length; ++i) {
            SetConfig memory update = _decodeUpdate(rawSetConfigs[i]);
            if (update.id != proof.id) revert KeystoreMismatch(update.id, proof.id);
            hash = _requireValid(update, config, hash);
            config = update.next;
        }
        if (hash != proven) revert ConfigMismatch(hash, proven);
        Fault.raise(_tryAccept(entry, rec, proof.id, proof.account, config, proven, true));
    }

    /// @inheritdoc IKeystoreReplica
    function preconfirm(address account, ShortConfig calldata current, bytes calldata rawSetConfig) external {
        _preconfirm(account, current, rawSetConfig);
    }

    /// @inheritdoc IKeystoreReplica
    function preconfirmMany(address account, ShortConfig calldata current, bytes[] calldata rawSetConfigs)
        external
    {
        ShortConfig memory config = current;
        for (uint256 i = 0; i < rawSetConfigs.length; ++i) {
            config = _preconfirm(account, config, rawSetConfigs[i]);
        }
    }

    /// @inheritdoc IKeystoreReplica
    function appendSource(address source) external {
        if (msg.sender != sourceAdmin) revert NotSourceAdmin(msg.sender);
        uint48 active = uint48(block.timestamp) + APPENDED_SOURCE_DELAY;
        _addSource(source, active);
        emit SourceAppended(source, active);
    }

    /// @inheritdoc IKeystoreReplica
    function enableSource(address source, bool enabled) external {
        _enabled[source][msg.sender] = enabled;
        emit SourceEnabled(source, msg.sender, enabled);
    }

    /// @inheritdoc IKeystoreReplica
    function checkApprovals(
        bytes32 id,
        address account,
        ShortConfig calldata current,
        bytes32 digest,
        Approval[] calldata approvals
    ) external view returns (uint48) {
        ShortConfig memory config = current;
        uint48 until = _validUntil(id, account, config);
        Approvals.requireApproved(Approvals.toViews(approvals), config.signers, digest, p256Verifier);
        return until;
    }

    /// @inheritdoc IKeystoreReplica
    function validUntil(bytes32 id, address account, ShortConfig calldata current)
        external
        view
        returns (uint48)
    {
        return _validUntil(id, account, current);
    }

    /// @inheritdoc IKeystoreReplica
    function configHash(bytes32 id, address account) external view returns (bytes32) {
        return _hashAt(id, account, _recordOf(id, account).headNonce);
    }

    /// @inheritdoc IKeystoreReplica
    function headNonce(bytes32 id, address account) external view returns (uint64) {
        return _recordOf(id, account).headNonce;
    }

    /// @inheritdoc IKeystoreReplica
    function hashAt(bytes32 id, address account, uint64 nonce) external view returns (bytes32) {
        return nonce > _recordOf(id, account).headNonce ? bytes32(0) : _hashAt(id, account, nonce);
    }

    /// @inheritdoc IKeystoreReplica
    function record(bytes32 id, address account) external view returns (Record memory) {
        return _recordOf(id, account);
    }

    /// @inheritdoc IKeystoreReplica
    function root(address source, uint256 outputIndex) external view returns (Root memory) {
        return _roots[source][outputIndex];
    }

    /// @inheritdoc IKeystoreReplica
    function isBuiltIn(address source) external view returns (bool) {
        return activeAt[source] == _ALWAYS;
    }

    /// @inheritdoc IKeystoreReplica
    function isEnabled(address source, address account) external view returns (bool) {
        return _enabled[source][account];
    }

    function _aliasOf(address l1Contract) private pure returns (address) {
        unchecked {
            return address(uint160(l1Contract) + _ALIAS_OFFSET);
        }
    }

    function _addSource(address source, uint48 active) private {
        if (source == address(0)) revert SourceZero();
        if (activeAt[source] != 0) revert SourceAlreadyKnown(source);
        activeAt[source] = active;
    }

    function _knownRoot(address source, uint256 outputIndex) private view returns (Root memory entry) {
        entry = _roots[source][outputIndex];
        if (entry.l1Timestamp == 0) revert RootUnknown(source, outputIndex);
    }

    /// @dev What a known output, which must count for the account, says is the keystore's config.
    function _prove(ConfigProof calldata proof)
        private
        view
        returns (Root memory entry, Record memory rec, bytes32 proven)
    {
        entry = _knownRoot(proof.source, proof.outputIndex);
        bytes memory fault;
        (rec, fault) = _tryOpen(proof.source, entry, proof.id, proof.account);
        Fault.raise(fault);
        bool exists;
        (exists, proven) = MerklePatricia.storageValue(entry.keystoreRoot, proof.id, proof.storageProof);
        if (!exists) proven = proof.id;
    }

    // What follows answers the error with which `confirm` reverts and for which `confirmMany` leaves an item out.

    function _tryConfirmAlong(
        address source,
        Root memory entry,
        MerklePatricia.Path memory path,
        Confirmation calldata item
    ) private returns (bytes memory) {
        (bytes32 id, address account) = (item.id, item.account);
        // First, whatever else is wrong with the item: the next one's proof may begin as this one's.
        (bool exists, bytes32 proven, bytes memory proofFault) =
            MerklePatricia.tryStorageValueAlong(path, id, item.kept, item.nodes);
        (Record memory rec, bytes memory fault) = _tryOpen(source, entry, id, account);
        if (fault.length != 0) return fault;
        if (proofFault.length != 0) return proofFault;
        return _tryConfirm(entry, rec, id, account, item.config, exists ? proven : id);
    }

    /// @dev The record that a root, if it counts for the account and is not too old, may change.
    function _tryOpen(address source, Root memory entry, bytes32 id, address account)
        private
        view
        returns (Record memory rec, bytes memory fault)
    {
        if (!entry.builtIn && !_enabled[source][account]) {
            return (rec, abi.encodeWithSelector(SourceNotEnabled.selector, source, account));
        }
        rec = _records[id][account];
        if (entry.l2BlockNumber < rec.l2BlockNumber) {
            fault = Fault.encode(RootOlderThanConfirmed.selector, entry.l2BlockNumber, rec.l2BlockNumber);
        }
    }

    /// @dev Confirms `config` if it is the proven one.
    function _tryConfirm(
        Root memory entry,
        Record memory rec,
        bytes32 id,
        address account,
        ShortConfig memory config,
        bytes32 proven
    ) private returns (bytes memory) {
        bytes32 hash = config.hash();
        // The initial config, and no other, has nonce 0 and hashes to the id.
        if (hash != proven || (config.nonce == 0) != (proven == id)) {
            return Fault.encode(ConfigMismatch.selector, hash, proven);
        }
        return _tryAccept(entry, rec, id, account, config, hash, entry.finalized);
    }

    /// @param mayReplace Whether the config may replace those that the replica holds from its nonce on.
    function _tryAccept(
        Root memory entry,
        Record memory rec,
        bytes32 id,
        address account,
        ShortConfig memory config,
        bytes32 hash,
        bool mayReplace
    ) private returns (bytes memory fault) {
        uint64 nonce = config.nonce;
        // A final output is later than the last confirmation's and true: what it overrules was a proposed one's lie. Were it
        // refused, whoever had an old key once and a proposer for an hour would keep the account for ever.
        if (nonce < rec.confirmedNonce && !entry.finalized) {
            return Fault.encode(NonceBelowConfirmed.selector, nonce, rec.confirmedNonce);
        }
        // The head of a blank record is below 2: for later nonces, it makes no difference which.
        if (nonce < 2) _fillHead(rec, id, account);
        if (nonce < rec.confirmedNonce || nonce > rec.headNonce || _hashAt(id, account, nonce) != hash) {
            if (!mayReplace) return Fault.encode(ConfigNotHeld.selector, nonce, uint256(hash));
            rec.headNonce = nonce;
            _hashes[id][nonce][account] = hash;
        }
        rec.confirmedNonce = nonce;
        rec.maxStaleness = config.maxStaleness;
        rec.l2BlockNumber = entry.l2BlockNumber;
        // Two outputs of one L2 block may differ in age, where the first was deleted: freshness is never lost.
        if (entry.l1Timestamp > rec.asOf) rec.asOf = entry.l1Timestamp;
        _records[id][account] = rec;
        emit Confirmed(id, account, nonce, hash, rec.headNonce, rec.asOf, entry.finalized);
    }

    /// @dev Puts an update in force on top of `config`, unless it is held already.
    /// @return The config in force afterwards, if it was `config` or that of the update; else `config`.
    function _preconfirm(address account, ShortConfig memory config, bytes calldata rawSetConfig)
        private
        returns (ShortConfig memory)
    {
        SetConfig memory update = _decodeUpdate(rawSetConfig);
        (bytes32 id, uint64 nonce) = (update.id, update.next.nonce);
        Record memory rec = _recordOf(id, account);
        if (nonce <= rec.headNonce) {
            bytes32 hash = update.next.hash();
            if (hash != _hashes[id][nonce][account]) revert ConflictingConfig(nonce, hash);
            return nonce == rec.headNonce ? update.next : config;
        }

        bytes32 currentHash = _requireHeld(id, account, rec.headNonce, config);
        bytes32 nextHash = _requireValid(update, config, currentHash);
        // The record begins here: the config in force is the initial one, and as good as the confirmed one.
        if (_isBlank(rec)) rec.maxStaleness = config.maxStaleness;
        rec.headNonce = nonce;
        // A blank record says the same, by the hash, unless something can get stale.
        if (nonce > 1 || rec.maxStaleness != 0 || rec.asOf != 0) _records[id][account] = rec;
        _hashes[id][nonce][account] = nextHash;
        emit Preconfirmed(id, account, nonce, nextHash);
        return update.next;
    }

    function _decodeUpdate(bytes calldata rawSetConfig) private view returns (SetConfig memory update) {
        update = SetConfigLib.decode(rawSetConfig, l2ChainId);
        if (update.kind != SetConfigLib.UPDATE) revert KindNotAccepted(update.kind);
    }

    /// @dev Requires an update to be valid on top of `current`, and returns its config's hash.
    function _requireValid(SetConfig memory update, ShortConfig memory current, bytes32 currentHash)
        private
        view
        returns (bytes32 nextHash)
    {
        nextHash = update.next.hash();
        SetConfigRules memory rules = SetConfigRules({
            domainSeparator: domainSeparator,
            limits: ConfigLimits({minRecoveryDelay: minRecoveryDelay, challengePeriod: challengePeriod}),
            p256Verifier: p256Verifier
        });
        SetConfigLib.requireValidUpdate(update, current, currentHash, nextHash, rules);
    }

    /// @dev Requires `config` to be the one the replica holds at `nonce`, and returns its hash.
    function _requireHeld(bytes32 id, address account, uint64 nonce, ShortConfig memory config)
        private
        view
        returns (bytes32 hash)
    {
        hash = config.hash();
        bytes32 held = _hashAt(id, account, nonce);
        if (hash != held || config.nonce != nonce) revert ConfigMismatch(hash, held);
    }

    function _validUntil(bytes32 id, address account, ShortConfig memory current)
        private
        view
        returns (uint48)
    {
        Record memory rec = _recordOf(id, account);
        _requireHeld(id, account, rec.headNonce, current);
        uint32 maxStaleness = _isBlank(rec) ? current.maxStaleness : rec.maxStaleness;
        if (maxStaleness == 0) return type(uint48).max;
        // Only a lie, by an appended source, is of such a time that the sum is greater: it is not to lock the account.
        return uint48(Math.min(uint256(rec.asOf) + maxStaleness, type(uint48).max));
    }

    function _recordOf(bytes32 id, address account) private view returns (Record memory rec) {
        rec = _records[id][account];
        _fillHead(rec, id, account);
    }

    /// @dev Finds the head of a record that was not written: 1 where the hash at that nonce was. This saves the first
    /// preconfirmation of a keystore one of two slots.
    function _fillHead(Record memory rec, bytes32 id, address account) private view {
        if (_isBlank(rec) && _hashes[id][1][account] != 0) rec.headNonce = 1;
    }

    /// @dev Only for nonces from the confirmed one to the head's is the answer the config of that nonce.
    function _hashAt(bytes32 id, address account, uint64 nonce) private view returns (bytes32) {
        return nonce == 0 ? id : _hashes[id][nonce][account];
    }

    /// @dev Neither confirmed, when an output's time stands here, nor preconfirmed.
    function _isBlank(Record memory rec) private pure returns (bool) {
        return rec.asOf == 0 && rec.headNonce == 0;
    }
}
