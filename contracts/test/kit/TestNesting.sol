// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice An EIP-712 domain of name, version, chain and account.
struct TestDomain {
    string name;
    string version;
    uint256 chainId;
    address account;
}

using TestNesting for TestDomain global;

/// @notice What ERC-7739 makes signers sign, each type written out.
library TestNesting {
    function separator(TestDomain memory domain) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(domain.name)),
                keccak256(bytes(domain.version)),
                domain.chainId,
                domain.account
            )
        );
    }

    function digest(bytes32 separator_, bytes32 structHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator_, structHash));
    }

    function personalDigest(TestDomain memory domain, bytes32 hash) internal pure returns (bytes32) {
        return
            digest(domain.separator(), keccak256(abi.encode(keccak256("PersonalSign(bytes prefixed)"), hash)));
    }

    /// @param name The name of the application's type.
    /// @param types Its encoding.
    function typedDigest(
        TestDomain memory domain,
        bytes32 application,
        bytes32 contents,
        string memory name,
        string memory types
    ) internal pure returns (bytes32) {
        bytes32 typehash = keccak256(
            abi.encodePacked(
                "TypedDataSign(",
                name,
                " contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)",
                types
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(
                typehash,
                contents,
                keccak256(bytes(domain.name)),
                keccak256(bytes(domain.version)),
                domain.chainId,
                domain.account,
                bytes32(0)
            )
        );
        return digest(application, structHash);
    }
}
