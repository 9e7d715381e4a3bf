// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {ERC7739Utils} from "@openzeppelin/contracts/utils/cryptography/draft-ERC7739Utils.sol";

import {Domain} from "./AccountDomain.sol";

/// @notice What signers sign so that a signature counts for one account alone, though several accounts may have the same
/// signers (ERC-7739).
library NestedSignature {
    using ERC7739Utils for bytes;
    using ERC7739Utils for bytes32;
    using ERC7739Utils for string;
    using MessageHashUtils for bytes32;

    /// @dev The answer to a probe.
    bytes4 internal constant SUPPORTED = 0x77390001;

    bytes32 private constant _PROBE = 0x7739773977397739773977397739773977397739773977397739773977397739;

    /// @notice Whether the caller asks if ERC-7739 is supported.
    function isProbe(bytes32 hash, bytes calldata signature) internal pure returns (bool) {
        return hash == _PROBE && signature.length == 0;
    }

    /// @notice The digest that stands for `hash` in the domain, and the signature over it: `TypedDataSign` where the
    /// signature ends in the parts of an application's typed data that hash to `hash`, else `PersonalSign`.
    function unwrap(bytes32 hash, bytes calldata signature, Domain memory domain)
        internal
        view
        returns (bytes32, bytes calldata)
    {
        (bytes calldata inner, bytes32 application, bytes32 contents, string calldata description) =
            signature.decodeTypedDataSig();
        if (hash == application.toTypedDataHash(contents)) {
            bytes32 structHash = description.typedDataSignStructHash(contents, domain.members());
            // Zero where the description is malformed: it would bind neither contents nor domain.
            if (structHash != 0) return (application.toTypedDataHash(structHash), inner);
        }
        return (domain.separator().toTypedDataHash(hash.personalSignStructHash()), signature);
    }
}
