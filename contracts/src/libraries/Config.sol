// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice A set of signers and how many of them must approve. Both fields zero means nobody.
struct Authority {
    /// @dev Merkle root over signer leaves, or the leaf itself of a single signer.
    bytes32 root;
    /// @dev How many distinct signers must approve.
    uint8 threshold;
}

/// @notice A config in short form: `dataHash = keccak256(data)` stands in place of `data`.
struct ShortConfig {
    uint64 nonce;
    Authority signers;
    Authority guardians;
    uint32 recoveryDelay;
    uint32 maxStaleness;
    bytes32 dataHash;
}

/// @notice The rollup's bounds on the delays of a config.
struct ConfigLimits {
    /// @dev Least `recoveryDelay` of a config with guardians, in seconds.
    uint32 minRecoveryDelay;
    /// @dev The rollup's challenge period, in seconds; `maxStaleness` is 0 or at least twice that.
    uint32 challengePeriod;
}

using ConfigLib for ShortConfig global;

/// @notice Hash and well-formedness of a config (protocol.md 2, 2.1).
library ConfigLib {
    /// @notice A config broke a rule of protocol.md 2.1.
    error ConfigNotWellFormed();

    bytes32 internal constant AUTHORITY_TYPEHASH = keccak256("Authority(bytes32 root,uint8 threshold)");

    bytes32 internal constant CONFIG_TYPEHASH = keccak256(
        "Config(uint64 nonce,Authority signers,Authority guardians,uint32 recoveryDelay,uint32 maxStaleness,bytes data)Authority(bytes32 root,uint8 threshold)"
    );

    uint8 internal constant MAX_THRESHOLD = 16;

    /// @notice The EIP-712 `hashStruct` of the config that `self` is the short form of.
    function hash(ShortConfig memory self) internal pure returns (bytes32 result) {
        bytes32 signers = _hashAuthority(self.signers);
        bytes32 guardians = _hashAuthority(self.guardians);
        bytes32 typehash = CONFIG_TYPEHASH;
        assembly ("memory-safe") {
            // In memory the struct is its encoding, but for the authorities, which are pointers there.
            let free := mload(0x40)
            mstore(free, typehash)
            mcopy(add(free, 0x20), self, 0xc0)
            mstore(add(free, 0x40), signers)
            mstore(add(free, 0x60), guardians)
            result := keccak256(free, 0xe0)
        }
    }

    /// @notice Reverts unless `self` is well-formed under `limits`.
    function checkWellFormed(ShortConfig memory self, ConfigLimits memory limits) internal pure {
        if (!isWellFormed(self, limits)) revert ConfigNotWellFormed();
    }

    /// @notice Whether `self` is well-formed under `limits`.
    function isWellFormed(ShortConfig memory self, ConfigLimits memory limits) internal pure returns (bool) {
        if (!_isUsable(self.signers)) return false;
        if (self.guardians.root == 0 && self.guardians.threshold == 0) {
            if (self.recoveryDelay != 0) return false;
        } else {
            if (!_isUsable(self.guardians) || self.recoveryDelay < limits.minRecoveryDelay) return false;
        }
        return self.maxStaleness == 0 || self.maxStaleness >= 2 * uint256(limits.challengePeriod);
    }

    function _isUsable(Authority memory authority) private pure returns (bool) {
        return authority.root != 0 && authority.threshold != 0 && authority.threshold <= MAX_THRESHOLD;
    }

    function _hashAuthority(Authority memory authority) private pure returns (bytes32 result) {
        bytes32 typehash = AUTHORITY_TYPEHASH;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, typehash)
            mcopy(add(free, 0x20), authority, 0x40)
            result := keccak256(free, 0x60)
        }
    }
}
