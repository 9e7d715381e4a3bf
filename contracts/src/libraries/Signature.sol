// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {P256Verifier} from "./P256Verifier.sol";
import {WebAuthn} from "./WebAuthn.sol";

uint8 constant SECP256K1 = 1;
uint8 constant P256 = 2;
uint8 constant WEBAUTHN = 3;

/// @notice Signatures of the three schemes over a digest (protocol.md 2.2).
library Signature {
    uint256 private constant _HALF_N_SECP256K1 =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Whether the scheme is known and the key has its width.
    function isKeyWellShaped(uint8 scheme, bytes calldata key) internal pure returns (bool) {
        if (scheme == SECP256K1) return key.length == 20;
        return (scheme == P256 || scheme == WEBAUTHN) && key.length == 64;
    }

    /// @notice Whether the signature has the shape of its scheme, which is known; reverts where it should be canonical
    /// RLP and is not.
    function isWellShaped(uint8 scheme, bytes calldata signature) internal pure returns (bool) {
        if (scheme == SECP256K1) return signature.length == 65;
        if (scheme == P256) return signature.length == 64;
        return WebAuthn.isWellShaped(signature);
    }

    /// @notice Whether a well-shaped signature is the key's over `digest`.
    function verify(
        uint8 scheme,
        bytes calldata key,
        bytes32 digest,
        bytes calldata signature,
        address p256Verifier
    ) internal view returns (bool) {
        if (scheme == SECP256K1) {
            return _verifySecp256k1(address(bytes20(key)), digest, signature);
        }
        (bytes32 x, bytes32 y) = (bytes32(key[:32]), bytes32(key[32:]));
        if (scheme == P256) {
            // Keys that sign with WebCrypto, Secure Enclave or Android Keystore hash what they are given.
            return P256Verifier.verify(
                p256Verifier,
                sha256(abi.encodePacked(digest)),
                bytes32(signature[:32]),
                bytes32(signature[32:]),
                x,
                y
            );
        }
        (bool isGenuine, bytes32 signedHash, bytes32 r, bytes32 s) = WebAuthn.parse(signature, digest);
        return isGenuine && P256Verifier.verify(p256Verifier, signedHash, r, s, x, y);
    }

    function _verifySecp256k1(address key, bytes32 digest, bytes calldata signature)
        private
        pure
        returns (bool)
    {
        bytes32 s = bytes32(signature[32:64]);
        // ecrecover itself refuses v but 27 and 28, r and s out of range, and answers zero then.
        if (uint256(s) > _HALF_N_SECP256K1) return false;
        address recovered = ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), s);
        return recovered != address(0) && recovered == key;
    }
}
