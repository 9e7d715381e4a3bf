// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice One signer's consent: the signer, the proof that it belongs to an authority, and its signature
/// (protocol.md 2.2). An opening has the same shape and may lack the signature.
struct Approval {
    /// @dev 1 secp256k1, 2 P-256, 3 WebAuthn.
    uint8 scheme;
    /// @dev A 20-byte address, or the 64 bytes `x ‖ y` of a P-256 point.
    bytes key;
    /// @dev Siblings from the signer's leaf to the authority's root, at most 20.
    bytes32[] proof;
    bytes signature;
}
