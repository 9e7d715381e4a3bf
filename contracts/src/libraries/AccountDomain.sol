// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice The EIP-712 domain `{name, version: "1", chainId: this chain, verifyingContract: account}`.
struct Domain {
    bytes32 nameHash;
    address account;
}

using AccountDomain for Domain global;

/// @notice EIP-712 domains of accounts.
library AccountDomain {
    string internal constant VERSION = "1";
    /// @dev ERC-5267: all members but the salt.
    bytes1 internal constant FIELDS = 0x0f;

    bytes32 private constant _TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant _VERSION_HASH = keccak256(bytes(VERSION));

    function separator(Domain memory domain) internal view returns (bytes32) {
        return keccak256(abi.encode(_TYPEHASH, domain.nameHash, _VERSION_HASH, block.chainid, domain.account));
    }

    /// @notice The members as ERC-7739 puts them into `TypedDataSign`, the absent salt too.
    function members(Domain memory domain) internal view returns (bytes memory) {
        return abi.encode(domain.nameHash, _VERSION_HASH, block.chainid, domain.account, bytes32(0));
    }
}
