// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// @title P256Fallback
/// @notice Answers as the P-256 precompile at 0x100 does (RIP-7212, EIP-7951), for chains that lack it: takes the five
/// words `hash, r, s, x, y` and returns the word 1, or nothing where the signature is not valid. Refuses high s.
contract P256Fallback {
    fallback(bytes calldata input) external returns (bytes memory) {
        if (input.length != 160) return "";
        (bytes32 hash, bytes32 r, bytes32 s, bytes32 x, bytes32 y) =
            abi.decode(input, (bytes32, bytes32, bytes32, bytes32, bytes32));
        return P256.verifySolidity(hash, r, s, x, y) ? abi.encode(1) : bytes("");
    }
}
