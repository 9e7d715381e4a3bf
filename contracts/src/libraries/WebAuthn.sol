// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Base64Url} from "./Base64Url.sol";
import {RlpRun} from "./RlpRun.sol";
import {Sha256} from "./Sha256.sol";
import {Slice, SliceLib} from "./Slice.sol";

/// @notice What an authenticator signs in a WebAuthn assertion over a digest (protocol.md 2.2), by the limited
/// verification of WebAuthn level 2, 5.8.1.2. A signature is `rlp([authenticatorData, clientDataTail, r ‖ s])`.
/// @dev Libraries that check further flags or parse the client data would disagree with the rollup.
library WebAuthn {
    uint256 private constant _MIN_AUTHENTICATOR_DATA_BYTES = 37;
    uint256 private constant _MAX_AUTHENTICATOR_DATA_BYTES = 512;
    uint256 private constant _MAX_CLIENT_DATA_TAIL_BYTES = 1024;

    /// @dev The flags follow the 32-byte hash of the relying party's id.
    uint256 private constant _FLAGS_POSITION = 32;
    bytes1 private constant _USER_PRESENT = 0x01;

    /// @dev What the client data begin with, in two words of 32 and 4 bytes, and how many characters a challenge has.
    bytes32 private constant _CLIENT_DATA_BEGIN = '{"type":"webauthn.get","challeng';
    bytes32 private constant _CLIENT_DATA_BEGIN_END = 'e":"';

    /// @notice Whether `signature` has the shape of protocol.md 3.1.
    function isWellShaped(Slice signature) internal pure returns (bool) {
        (Slice authenticatorData, Slice tail, Slice rs, bool isSound) = _split(signature);
        return isSound && authenticatorData.length() >= _MIN_AUTHENTICATOR_DATA_BYTES
            && authenticatorData.length() <= _MAX_AUTHENTICATOR_DATA_BYTES && tail.length() >= 1
            && tail.length() <= _MAX_CLIENT_DATA_TAIL_BYTES && rs.length() == 64;
    }

    /// @notice Reads a well-shaped signature over `digest`.
    /// @return isGenuine Whether the user-present flag is set and the tail starts with a quote, which ends the challenge.
    /// @return signedHash What `(r, s)` signs: `sha256(authenticatorData ‖ sha256(clientData))`.
    function parse(Slice signature, bytes32 digest)
        internal
        view
        returns (bool isGenuine, bytes32 signedHash, bytes32 r, bytes32 s)
    {
        (Slice authenticatorData, Slice tail, Slice rs,) = _split(signature);
        // The quote pins the challenge to exactly the digest: without it, a longer one could start with the digest.
        isGenuine = bytes1(authenticatorData.wordAt(_FLAGS_POSITION)) & _USER_PRESENT != 0
            && bytes1(tail.wordAt(0)) == bytes1('"');
        signedHash = _hash(authenticatorData.toBytes(), tail.toBytes(), digest);
        (r, s) = (rs.wordAt(0), rs.wordAt(32));
    }

    /// @dev Builds in place what is hashed: Solidity would copy it three times.
    function _hash(bytes calldata authenticatorData, bytes calldata tail, bytes32 digest)
        private
        view
        returns (bytes32)
    {
        (bytes32 challenge, bytes32 challengeEnd) = Base64Url.encode(digest);
        uint256 free;
        assembly ("memory-safe") {
            // client data: what they begin with (36 bytes), the challenge (43 characters), the tail
            free := mload(0x40)
            mstore(free, _CLIENT_DATA_BEGIN)
            mstore(add(free, 32), _CLIENT_DATA_BEGIN_END)
            mstore(add(free, 36), challenge)
            mstore(add(free, 68), challengeEnd)
            calldatacopy(add(free, 79), tail.offset, tail.length)
        }
        unchecked {
            bytes32 clientDataHash = Sha256.ofMemory(free, 79 + tail.length);
            assembly ("memory-safe") {
                calldatacopy(free, authenticatorData.offset, authenticatorData.length)
                mstore(add(free, authenticatorData.length), clientDataHash)
            }
            return Sha256.ofMemory(free, authenticatorData.length + 32);
        }
    }

    function _split(Slice signature)
        private
        pure
        returns (Slice authenticatorData, Slice tail, Slice rs, bool isSound)
    {
        (uint256 position, uint256 end) = RlpRun.listAt(signature.start());
        if (end != signature.end()) return (authenticatorData, tail, rs, false);
        (authenticatorData, position) = _stringAt(position);
        (tail, position) = _stringAt(position);
        (rs, position) = _stringAt(position);
        isSound = position == end;
    }

    function _stringAt(uint256 position) private pure returns (Slice, uint256) {
        (uint256 payload, uint256 next) = RlpRun.stringAt(position);
        return (SliceLib.between(payload, next), next);
    }
}
