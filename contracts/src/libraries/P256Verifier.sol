// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// @notice P-256 signatures over a hash, checked by an account that answers as the precompile of RIP-7212 and EIP-7951:
/// the precompile or, where a chain has none, a contract. Which of the two is the caller's to fix at deployment: calling
/// an absent precompile is no answer, and breaks ERC-7562.
library P256Verifier {
    address internal constant PRECOMPILE = address(0x100);

    uint256 private constant _HALF_N = P256.N / 2;

    // A signature over the hash 1 by the private key 1 (so the public key is the generator) with the nonce 2.
    bytes32 private constant _PROBE_R = 0x7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978;
    bytes32 private constant _PROBE_S = 0x4186c273397e58413ad6e3fe7da5729dfe2ec8659792c1a7a6d740e35a7e45ec;
    bytes32 private constant _PROBE_X = bytes32(P256.GX);
    bytes32 private constant _PROBE_Y = bytes32(P256.GY);

    /// @notice Whether the chain has the precompile: it takes a good signature, and answers that a bad one is none.
    /// @dev Only for constructors, where whoever pays for the deployment cannot make it lie. A call gets at least 63/64
    /// of the gas that is left (EIP-150), so for the precompile to run out of its few thousand gas, only a few thousand
    /// may be left to the constructor; and storing the deployed code, at 200 gas a byte, takes far more than that: such
    /// a deployment fails as a whole, and leaves the address free.
    function hasPrecompile() internal view returns (bool) {
        (, bool takesGood) = _ask(PRECOMPILE, bytes32(uint256(1)), _PROBE_R, _PROBE_S, _PROBE_X, _PROBE_Y);
        (bool isAnswered, bool takesBad) =
            _ask(PRECOMPILE, bytes32(uint256(2)), _PROBE_R, _PROBE_S, _PROBE_X, _PROBE_Y);
        return takesGood && isAnswered && !takesBad;
    }

    /// @notice Whether `(r, s)` signs `hash` by the key `(x, y)`, with low s; keys off the curve sign nothing. Reverts,
    /// without a reason, where there is no gas to find out.
    /// @param verifier The precompile, or the contract that stands in for it.
    /// @dev Ranges, low s and the curve are checked here whatever the verifier checks, so that every chain, and the
    /// rollup itself, gives the same answer.
    function verify(address verifier, bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        internal
        view
        returns (bool)
    {
        if (r == 0 || uint256(r) >= P256.N || s == 0 || uint256(s) > _HALF_N) return false;
        if (!P256.isValidPublicKey(x, y)) return false;
        (bool isAnswered, bool isValid) = _ask(verifier, hash, r, s, x, y);
        // Neither precompile nor contract fails but for want of gas, and that says nothing about the signature.
        if (!isAnswered) revert();
        return isValid;
    }

    function _ask(address verifier, bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y)
        private
        view
        returns (bool isAnswered, bool isValid)
    {
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, hash)
            mstore(add(input, 0x20), r)
            mstore(add(input, 0x40), s)
            mstore(add(input, 0x60), x)
            mstore(add(input, 0x80), y)
            // A refused signature has no output; an account without code has none either.
            isAnswered := staticcall(gas(), verifier, input, 0xa0, 0x00, 0x20)
            isValid := and(and(isAnswered, eq(returndatasize(), 0x20)), eq(mload(0x00), 1))
        }
    }
}
