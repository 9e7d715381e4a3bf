// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Approval} from "../../libraries/Approval.sol";
import {ShortConfig} from "../../libraries/Config.sol";
import {Output} from "../../libraries/Output.sol";

/// @notice Everything a replica trusts; the same on every chain, hence the same address on every chain.
struct ReplicaParameters {
    /// @dev The rollup's OutputOracle, on L1.
    address outputOracle;
    /// @dev The rollup's chain id, in which set-configs are signed.
    uint64 l2ChainId;
    /// @dev Seconds after which an output that still stands is final.
    uint32 challengePeriod;
    /// @dev Least recovery delay of a config with guardians, in seconds.
    uint32 minRecoveryDelay;
    /// @dev The built-in L1 block-hash sources, which count for every account.
    address[] sources;
    /// @dev The rollup's OutputBridge, on L1: as whom it calls on this chain, its alias is the caller. Counts as a built-in source.
    address outputBridge;
    /// @dev May append sources that count for the accounts that enabled them; zero for nobody.
    address sourceAdmin;
}

/// @notice What an L1 block says about one output.
struct OutputProof {
    /// @dev The source that vouches for the L1 block hash, and what it asks for.
    address source;
    bytes sourceProof;
    /// @dev RLP of the L1 header.
    bytes header;
    /// @dev Trie nodes from the header's state root to the OutputOracle account, one after the other, as in all proofs here.
    bytes accountProof;
    /// @dev Trie nodes from the account's storage root to `commitments[output.index]`, or to its absence.
    bytes storageProof;
    /// @dev The output; only its index is read where the word is absent.
    Output output;
}

/// @notice What a known output says about one keystore, and for which account to take it.
struct ConfigProof {
    /// @dev Names a known output: the source it came by and its index in the OutputOracle.
    address source;
    uint256 outputIndex;
    bytes32 id;
    address account;
    /// @dev Trie nodes from the output's keystore root to slot `id`, or to its absence.
    bytes storageProof;
}

/// @notice One of many confirmations from one output: what `confirm` would be told, but for nodes of the proof that the item
/// before begins with too.
struct Confirmation {
    bytes32 id;
    address account;
    /// @dev The proven config in short form; the initial one where absence is proven.
    ShortConfig config;
    /// @dev With how many nodes of the last item's proof this one's begins.
    uint8 kept;
    /// @dev The nodes behind these.
    bytes nodes;
}

/// @notice An output known to a replica.
struct Root {
    bytes32 keystoreRoot;
    uint48 l2BlockNumber;
    /// @dev When the output was proposed; 0 when the output is unknown or was seen absent.
    uint48 l1Timestamp;
    /// @dev The L1 block in which the output, or its absence, was last seen.
    uint48 l1BlockNumber;
    /// @dev Whether the output was seen to stand when its challenge period had passed. Such a root never changes.
    bool finalized;
    /// @dev Whether the source is built in; others count for the accounts that enabled them.
    bool builtIn;
}

/// @notice What a replica knows about one keystore, for one account.
struct Record {
    uint64 confirmedNonce;
    /// @dev The nonce in force; above `confirmedNonce` by as many configs as are preconfirmed.
    uint64 headNonce;
    /// @dev Proposal time of the output behind the last confirmation; 0 before the first.
    uint48 asOf;
    /// @dev L2 block of the output behind the last confirmation.
    uint48 l2BlockNumber;
    /// @dev Of the last confirmed config. Zero while there is no record: then ask the initial config.
    uint32 maxStaleness;
}

/// @title Keystore replica
/// @notice Tells the wallets of one chain which config of their keystore is in force, having checked Merkle proofs
/// against L1 block hashes that its sources vouch for (protocol.md 7). Anybody may call everything but the two
/// functions that say otherwise: a call moves a record toward the truth, changes nothing or reverts.
interface IKeystoreReplica {
    /// @notice An output was seen standing in an L1 block.
    event RootUpdated(
        address indexed source,
        uint256 indexed outputIndex,
        bytes32 keystoreRoot,
        uint256 l2BlockNumber,
        uint256 l1Timestamp,
        uint256 l1BlockNumber,
        bool finalized
    );
    /// @notice An output was seen absent from an L1 block.
    event RootDeleted(address indexed source, uint256 indexed outputIndex, uint256 l1BlockNumber);
    /// @notice An output proved `configHash`, the config of `nonce`; `headNonce` is in force.
    event Confirmed(
        bytes32 indexed id,
        address indexed account,
        uint64 nonce,
        bytes32 configHash,
        uint64 headNonce,
        uint48 asOf,
        bool finalized
    );
    /// @notice `confirmMany` left `item` out, for which `confirm` would have reverted with `reason`.
    event ConfirmationSkipped(
        uint256 indexed item, bytes32 indexed id, address indexed account, bytes reason
    );
    /// @notice A set-config put `configHash`, the config of `nonce`, in force by its own signatures.
    event Preconfirmed(bytes32 indexed id, address indexed account, uint64 nonce, bytes32 configHash);
    /// @notice The admin appended a source, which vouches from `activeAt` on.
    event SourceAppended(address indexed source, uint48 activeAt);
    /// @notice An account lets an appended source count for it, or no longer does.
    event SourceEnabled(address indexed source, address indexed account, bool enabled);

    error NoBuiltInSource();
    error SourceZero();
    error SourceAlreadyKnown(address source);
    error SourceNotActive(address source);
    error SourceNotEnabled(address source, address account);
    error NotSourceAdmin(address caller);
    error L1BlockHashNotVouched(address source, bytes32 blockHash);
    error OutputMismatch(bytes32 computed, bytes32 proven);
    error RootUnknown(address source, uint256 outputIndex);
    error RootOlderThanConfirmed(uint256 l2BlockNumber, uint256 confirmedL2BlockNumber);
    error ConfigMismatch(bytes32 computed, bytes32 expected);
    error NonceBelowConfirmed(uint64 nonce, uint64 confirmedNonce);
    error ConfigNotHeld(uint64 nonce, bytes32 configHash);
    error KeystoreMismatch(bytes32 id, bytes32 expected);
    error KindNotAccepted(uint8 kind);
    error NotOutputBridge(address caller);
    error ConflictingConfig(uint64 nonce, bytes32 configHash);

    /// @notice Takes what an L1 block says about one output. Stored once, for all accounts. What the replica knows already,
    /// from that L1 block or a later one or finally, succeeds without effect, so nobody gains by sending it first.
    /// @dev 1. the root is not finalized, else nothing happens; 2. the source vouches for the header's hash; 3. the header
    /// is later than the one the root was last seen in, else nothing happens; 4. the account proof gives the
    /// OutputOracle's storage root; 5. the storage proof gives the word of the output, or its absence; 6. absent: the
    /// root is deleted; 7. present: the word is the hash of the output and its output root the hash of its parts;
    /// 8. stored, finalized when the header's time is at least a challenge period after the proposal.
    ///
    /// Trusted: a built-in source vouches only for hashes of L1 blocks. A proposed root may be a lie until its
    /// challenge period has passed, so it confirms only what valid signatures lead to.
    function updateRoot(OutputProof calldata proof) external;

    /// @notice Takes an output that the OutputBridge found final: on L1 from the bridge itself, elsewhere by the canonical
    /// bridge of this chain, from the alias of the bridge on L1 or on this chain's parent. It depends on no format of a
    /// header, trie or beacon block, so no fork of L1 can break it. What is known already succeeds without effect.
    ///
    /// Trusted: this chain's bridge lets nobody else call as that alias. At the OutputBridge's own address stands the
    /// OutputBridge or nothing, and without an OutputOracle beside it, which only L1 has, it says nothing here.
    /// @param l1BlockNumber The L1 block in which the output was sent.
    function receiveOutput(
        uint256 outputIndex,
        bytes32 keystoreRoot,
        uint256 l2BlockNumber,
        uint256 l1Timestamp,
        uint256 l1BlockNumber
    ) external;

    /// @notice Confirms the config that an output proves. From a finalized one any, also one of a lower nonce: then what it
    /// overrules was the lie of a proposed output. From a proposed one a config that the replica already holds.
    /// @param config The proven config in short form; the initial one where absence is proven.
    function confirm(ConfigProof calldata proof, ShortConfig calldata config) external;

    /// @notice Confirms many configs that one output proves, each as `confirm` does. One that `confirm` would refuse is left
    /// out, and an event says why; the others are confirmed.
    /// @param items What to confirm; a later one finds what an earlier one has changed. Proofs share most nodes in the order
    /// of the hashed ids.
    function confirmMany(address source, uint256 outputIndex, Confirmation[] calldata items) external;

    /// @notice Confirms the config that an output proves, which `rawSetConfigs`, updates valid one after the other,
    /// lead to from the confirmed config. Replaces preconfirmed configs that conflict. Suffices from a proposed output.
    /// @param confirmed The confirmed config in short form; the initial one where none was confirmed.
    function confirmSigned(
        ConfigProof calldata proof,
        ShortConfig calldata confirmed,
        bytes[] calldata rawSetConfigs
    ) external;

    /// @notice Puts an update in force by its own signatures, on top of the config in force. An update that the
    /// replica already holds succeeds without effect, so nobody gains by sending it first.
    /// @param current The config in force in short form.
    /// @param rawSetConfig The bytes sent to the sequencer (protocol.md 3).
    function preconfirm(address account, ShortConfig calldata current, bytes calldata rawSetConfig) external;

    /// @notice Puts updates in force one on top of the other, each as `preconfirm` does. As many of the first as the
    /// replica already holds succeed without effect, so nobody gains by sending some of them first.
    /// @param current The config in force in short form; not read where the update to it is among them.
    function preconfirmMany(address account, ShortConfig calldata current, bytes[] calldata rawSetConfigs)
        external;

    /// @notice Appends a source that may vouch after 30 days, for accounts that enabled it. Only the source admin.
    function appendSource(address source) external;

    /// @notice Lets an appended source count for the calling account, or no longer.
    function enableSource(address source, bool enabled) external;

    /// @notice Checks that signers of the config in force approve `digest` for `account`, reverting if not. Reads no
    /// clock and, but for immutables, only storage associated with `account` (ERC-7562).
    /// @param current The config in force in short form.
    /// @return The time until which the account may trust the answer, as `validUntil`.
    function checkApprovals(
        bytes32 id,
        address account,
        ShortConfig calldata current,
        bytes32 digest,
        Approval[] calldata approvals
    ) external view returns (uint48);

    /// @notice The last second at which the config in force, whose short form is `current`, is fresh: the time of the
    /// last confirmation plus the confirmed config's `maxStaleness`, or the greatest value where that is 0 or the sum is
    /// greater.
    function validUntil(bytes32 id, address account, ShortConfig calldata current)
        external
        view
        returns (uint48);

    /// @notice The hash of the config in force.
    function configHash(bytes32 id, address account) external view returns (bytes32);

    /// @notice The nonce of the config in force.
    function headNonce(bytes32 id, address account) external view returns (uint64);

    /// @notice The hash of the config of `nonce`, from the confirmed nonce to the head's; zero above the head.
    /// Below the confirmed nonce it is whatever was once held there, or zero.
    function hashAt(bytes32 id, address account, uint64 nonce) external view returns (bytes32);

    function record(bytes32 id, address account) external view returns (Record memory);

    function root(address source, uint256 outputIndex) external view returns (Root memory);

    function isBuiltIn(address source) external view returns (bool);

    /// @notice How long after it was appended a source may vouch, in seconds.
    function APPENDED_SOURCE_DELAY() external view returns (uint48);

    /// @notice When a source may vouch: 0 never, else a time in seconds; 1 when built in.
    function activeAt(address source) external view returns (uint48);

    function isEnabled(address source, address account) external view returns (bool);

    function outputOracle() external view returns (address);

    function l2ChainId() external view returns (uint64);

    function challengePeriod() external view returns (uint32);

    function minRecoveryDelay() external view returns (uint32);

    function sourceAdmin() external view returns (address);

    /// @notice As whom the OutputBridge calls on this chain, and the source of the outputs it sent: its address on L1 plus
    /// `0x1111000000000000000000000000000000001111`, as all rollups that alias contracts do it.
    function outputBridgeAlias() external view returns (address);

    /// @notice What checks P-256 signatures: the precompile at 0x100, or a contract that the constructor deployed where
    /// it found none.
    function p256Verifier() external view returns (address);

    /// @notice The EIP-712 domain separator of set-configs.
    function domainSeparator() external view returns (bytes32);
}
