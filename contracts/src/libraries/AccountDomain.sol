// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";

/// @notice The EIP-712 domain `{name, version, chainId: this chain, verifyingContract: account}`.
struct Domain {
    bytes32 nameHash;
    bytes32 versionHash;
    address account;
}

using AccountDomain for Domain global;

/// @notice EIP-712 domains of accounts.
library AccountDomain {
    /// @dev ERC-5267: all members but the salt.
    bytes1 internal constant FIELDS = 0x0f;

    bytes32 private constant _TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @dev Of the answer to `eip712Domain`: the head, and the lengths of two strings and one array.
    uint256 private constant _LEAST_ANSWER = 10 * 32;

    bytes32 private constant _NOTHING_HASH = keccak256("");

    /// @notice The domain that `account` says it has (ERC-5267), if that is one of this chain and of `account` alone.
    function read(address account) internal view returns (bool exists, Domain memory domain) {
        (bool success, bytes memory answer) = account.staticcall(abi.encodeCall(IERC5267.eip712Domain, ()));
        // Accounts without this function may answer nothing, or whatever their fallback does.
        if (!success || answer.length < _LEAST_ANSWER) return (false, domain);
        // Words, and the places of what has a length: decoding the types would revert where the answer is none.
        (
            bytes32 fields,
            uint256 nameAt,
            uint256 versionAt,
            uint256 chainId,
            uint256 verifyingContract,,
            uint256 extensionsAt
        ) = abi.decode(answer, (bytes32, uint256, uint256, uint256, uint256, bytes32, uint256));
        if (fields != FIELDS || chainId != block.chainid || verifyingContract != uint160(account)) {
            return (false, domain);
        }
        domain = Domain(_tryHash(answer, nameAt), _tryHash(answer, versionAt), account);
        exists = domain.nameHash != 0 && domain.versionHash != 0
            && _tryHash(answer, extensionsAt) == _NOTHING_HASH;
    }

    function separator(Domain memory domain) internal view returns (bytes32) {
        return
            keccak256(
                abi.encode(_TYPEHASH, domain.nameHash, domain.versionHash, block.chainid, domain.account)
            );
    }

    /// @notice The members as ERC-7739 puts them into `TypedDataSign`, the absent salt too.
    function members(Domain memory domain) internal view returns (bytes memory) {
        return abi.encode(domain.nameHash, domain.versionHash, block.chainid, domain.account, bytes32(0));
    }

    /// @dev The hash of the bytes whose length stands at a place of the answer, or zero where they are not inside it.
    function _tryHash(bytes memory answer, uint256 at) private pure returns (bytes32 hash) {
        uint256 last = answer.length - 32;
        if (at > last) return 0;
        assembly ("memory-safe") {
            let start := add(add(answer, 0x40), at)
            let length := mload(sub(start, 0x20))
            if iszero(gt(length, sub(last, at))) { hash := keccak256(start, length) }
        }
    }
}
