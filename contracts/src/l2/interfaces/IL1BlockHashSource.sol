// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title L1 block-hash source
/// @notice Answers one question: do you vouch for this L1 block hash? (protocol.md §7.1)
/// @dev A source has the same init code, hence the same address, on every chain. On a chain that lacks what it reads, it
///      vouches for nothing and `checkpoint` reverts.
interface IL1BlockHashSource {
    /// @notice A checkpoint stored what the source could vouch for at that moment.
    event Checkpointed(bytes32 indexed stored);

    /// @notice Whether the source vouches for an L1 block hash.
    /// @dev False says that the source does not know what the proof starts from. A proof that is malformed, or leads
    ///      elsewhere, reverts and says why.
    /// @param blockHash Hash of an L1 block.
    /// @param proof What the source asks for; each says what that is.
    function isL1BlockHash(bytes32 blockHash, bytes calldata proof) external view returns (bool);

    /// @notice Stores what the source can vouch for now, so that proofs from it stay good for ever. Anybody may call.
    /// @return What was stored: a block hash, or a root from which block hashes are proven.
    function checkpoint() external returns (bytes32);
}
