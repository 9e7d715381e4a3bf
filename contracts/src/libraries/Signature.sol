// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {P256Verifier} from "./P256Verifier.sol";
import {Sha256} from "./Sha256.sol";
import {Slice} from "./Slice.sol";
import {WebAuthn} from "./WebAuthn.sol";

uint8 constant SECP256K1 = 1;
uint8 constant P256 = 2;
uint8 constant WEBAUTHN = 3;

/// @notice Signatures of the three schemes over a digest (protocol.md 2.2).
library Signature {
    uint256 private constant _HALF_N_SECP256K1 =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Whether the scheme is known and the key has its width.
    function isKeyWellShaped(uint8 scheme, Slice key) internal pure returns (bool) {
        if (scheme == SECP256K1) return key.length() == 20;
        return (scheme == P256 || scheme == WEBAUTHN) && key.length() == 64;
    }

    /// @notice Whether the signature has the shape of its scheme, which is known.
    function isWellShaped(uint8 scheme, Slice signature) internal pure returns (bool) {
        if (scheme == SECP256K1) return signature.length() == 65;
        if (scheme == P256) return signature.length() == 64;
        return WebAuthn.isWellShaped(signature);
    }

    /// @notice Whether a well-shaped signature is a well-shaped key's over `digest`.
    function verify(uint8 scheme, Slice key, bytes32 digest, Slice signature, address p256Verifier)
        internal
        view
        returns (bool)
    {
        if (scheme == SECP256K1) {
            return _verifySecp256k1(address(bytes20(key.wordAt(0))), digest, signature);
        }
        bytes32 hash;
        bytes32 r;
        bytes32 s;
        if (scheme == P256) {
            // Keys that sign with WebCrypto, Secure Enclave or Android Keystore hash what they are given.
            (hash, r, s) = (Sha256.ofWord(digest), signature.wordAt(0), signature.wordAt(32));
        } else {
            bool isGenuine;
            (isGenuine, hash, r, s) = WebAuthn.parse(signature, digest);
            if (!isGenuine) return false;
        }
        return P256Verifier.verify(p256Verifier, hash, r, s, key.wordAt(0), key.wordAt(32));
    }

    function _verifySecp256k1(address key, bytes32 digest, Slice signature) private pure returns (bool) {
        bytes32 s = signature.wordAt(32);
        // ecrecover itself refuses v but 27 and 28, r and s out of range, and answers zero then.
        if (uint256(s) > _HALF_N_SECP256K1) return false;
        uint8 v = uint8(bytes1(signature.wordAt(64)));
        address recovered = ecrecover(digest, v, signature.wordAt(0), s);
        return recovered != address(0) && recovered == key;
    }
}
