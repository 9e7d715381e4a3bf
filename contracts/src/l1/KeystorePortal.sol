// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystorePortal} from "./interfaces/IKeystorePortal.sol";
import {ISystemConfig} from "./interfaces/ISystemConfig.sol";

/// @title KeystorePortal
/// @notice Implements {IKeystorePortal}, where everything is explained.
contract KeystorePortal is IKeystorePortal {
    address private constant _KEYSTORE = 0x4200000000000000000000000000000000000016;
    uint160 private constant _ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);
    uint256 private constant _MAX_TRANSACTION_BYTES = 32_768;
    uint256 private constant _GAS_PER_BYTE = 40;
    uint256 private constant _DEPOSIT_VERSION = 0;

    /// @inheritdoc IKeystorePortal
    string public constant version = "2.0.0";

    /// @inheritdoc IKeystorePortal
    ISystemConfig public immutable systemConfig;

    /// @dev The last entry also is the chain's present state.
    Entry[] private _entries;

    /// @param config The rollup this portal belongs to; it makes the address its own.
    constructor(ISystemConfig config) {
        systemConfig = config;
    }

    /// @inheritdoc IKeystorePortal
    function depositTransaction(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external payable {
        uint256 gasBefore = gasleft();
        if (to != _KEYSTORE) revert WrongTarget(to);
        if (msg.value != 0 || value != 0) revert ValueNotZero(msg.value, value);
        if (isCreation) revert CreationNotAllowed();
        if (data.length > _MAX_TRANSACTION_BYTES) revert DataTooLong(data.length, _MAX_TRANSACTION_BYTES);

        address from = msg.sender == tx.origin ? msg.sender : _aliasOf(msg.sender);
        bytes memory opaqueData = abi.encodePacked(uint256(0), uint256(0), gasLimit, false, data);
        emit TransactionDeposited(from, to, _DEPOSIT_VERSION, opaqueData);
        _record(from, keccak256(data));

        // Last, so that all the work above counts towards the price.
        uint256 price = _GAS_PER_BYTE * data.length;
        while (gasBefore - gasleft() < price) {}
    }

    /// @inheritdoc IKeystorePortal
    function depositCount() external view returns (uint256) {
        return _entries.length == 0 ? 0 : _entries[_entries.length - 1].count;
    }

    /// @inheritdoc IKeystorePortal
    function chainHash() external view returns (bytes32) {
        return _entries.length == 0 ? bytes32(0) : _entries[_entries.length - 1].chainHash;
    }

    /// @inheritdoc IKeystorePortal
    function entryCount() external view returns (uint256) {
        return _entries.length;
    }

    /// @inheritdoc IKeystorePortal
    function entryAt(uint256 index) external view returns (Entry memory) {
        if (index >= _entries.length) revert NoSuchEntry(index, _entries.length);
        return _entries[index];
    }

    function _record(address from, bytes32 dataHash) private {
        uint256 length = _entries.length;
        Entry memory last;
        if (length != 0) last = _entries[length - 1];
        uint256 index = last.count;
        bytes32 next =
            keccak256(abi.encode(last.chainHash, index, block.number, block.timestamp, from, dataHash));
        Entry memory entry = Entry({l1Block: uint64(block.number), count: uint64(index + 1), chainHash: next});
        if (length != 0 && last.l1Block == block.number) _entries[length - 1] = entry;
        else _entries.push(entry);
        emit DepositRecorded(index, next);
    }

    /// @dev The OP Stack's L1-to-L2 alias, which wraps around.
    function _aliasOf(address account) private pure returns (address) {
        unchecked {
            return address(uint160(account) + _ALIAS_OFFSET);
        }
    }
}
