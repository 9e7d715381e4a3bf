// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Base64} from "solady/utils/Base64.sol";

import {Rlp} from "./Rlp.sol";

/// @notice What an authenticator signs in a WebAuthn assertion over a digest (protocol.md 2.2), by the limited
/// verification of WebAuthn level 2, 5.8.1.2. A signature is `rlp([authenticatorData, clientDataTail, r ‖ s])`.
/// @dev Libraries that check further flags or parse the client data would disagree with the rollup.
library WebAuthn {
    using Rlp for Rlp.Cursor;

    struct Assertion {
        /// @dev What `(r, s)` signs: `sha256(authenticatorData ‖ sha256(clientData))`.
        bytes32 signedHash;
        bytes32 r;
        bytes32 s;
        /// @dev Whether the user-present flag is set and the tail starts with a quote, which ends the challenge.
        bool isGenuine;
    }

    uint256 private constant _MIN_AUTHENTICATOR_DATA_BYTES = 37;
    uint256 private constant _MAX_AUTHENTICATOR_DATA_BYTES = 512;
    uint256 private constant _MAX_CLIENT_DATA_TAIL_BYTES = 1024;

    /// @dev The flags follow the 32-byte hash of the relying party's id.
    uint256 private constant _FLAGS_POSITION = 32;
    bytes1 private constant _USER_PRESENT = 0x01;

    /// @notice Whether `signature` has the shape of protocol.md 3.1; reverts where it is not canonical RLP.
    function isWellShaped(bytes calldata signature) internal pure returns (bool) {
        (bytes calldata authenticatorData, bytes calldata tail, bytes calldata rs) = _split(signature);
        return authenticatorData.length >= _MIN_AUTHENTICATOR_DATA_BYTES
            && authenticatorData.length <= _MAX_AUTHENTICATOR_DATA_BYTES && tail.length >= 1
            && tail.length <= _MAX_CLIENT_DATA_TAIL_BYTES && rs.length == 64;
    }

    /// @notice Reads a well-shaped signature over `digest`.
    function parse(bytes calldata signature, bytes32 digest)
        internal
        pure
        returns (Assertion memory assertion)
    {
        (bytes calldata authenticatorData, bytes calldata tail, bytes calldata rs) = _split(signature);
        // The quote pins the challenge to exactly the digest: without it, a longer one could start with the digest.
        assertion.isGenuine =
            authenticatorData[_FLAGS_POSITION] & _USER_PRESENT != 0 && tail[0] == bytes1('"');
        bytes32 clientDataHash = sha256(
            bytes.concat(
                '{"type":"webauthn.get","challenge":"',
                bytes(Base64.encode(abi.encodePacked(digest), true, true)),
                tail
            )
        );
        assertion.signedHash = sha256(bytes.concat(authenticatorData, clientDataHash));
        assertion.r = bytes32(rs[:32]);
        assertion.s = bytes32(rs[32:]);
    }

    function _split(bytes calldata signature)
        private
        pure
        returns (bytes calldata authenticatorData, bytes calldata tail, bytes calldata rs)
    {
        Rlp.Cursor memory items = Rlp.toList(signature);
        authenticatorData = items.readBytes();
        tail = items.readBytes();
        rs = items.readBytes();
        items.requireDone();
    }
}
