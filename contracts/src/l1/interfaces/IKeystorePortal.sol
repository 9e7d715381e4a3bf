// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ISystemConfig} from "./ISystemConfig.sol";

/// @title IKeystorePortal
/// @notice Takes set-configs straight from L1, so that nobody can refuse them (protocol.md §5.2).
/// @dev Trust: none. Nobody can stop, reorder or fill this contract: a call burns gas in proportion to its data, and
/// only L1's gas limit bounds the deposits of a block. Keeps the OP Stack's function and event.
interface IKeystorePortal {
    /// @notice The deposits up to and with the last one of an L1 block.
    /// @param l1Block The number of an L1 block with deposits.
    /// @param count Deposits made up to the end of that block.
    /// @param chainHash The hash chain over them.
    struct Entry {
        uint64 l1Block;
        uint64 count;
        bytes32 chainHash;
    }

    /// @notice A deposit was made, as in the OP Stack.
    /// @param from The caller; aliased unless it is the transaction's origin.
    /// @param to The Keystore predeploy.
    /// @param version The format of `opaqueData`, always 0.
    /// @param opaqueData `abi.encodePacked(uint256 mint = 0, uint256 value = 0, uint64 gasLimit, bool isCreation, data)`.
    event TransactionDeposited(
        address indexed from, address indexed to, uint256 indexed version, bytes opaqueData
    );

    /// @notice Follows each `TransactionDeposited` directly.
    /// @param index The deposit's place in the hash chain, from 0; its source hash is made of it.
    /// @param chainHash The hash chain with this deposit.
    event DepositRecorded(uint256 indexed index, bytes32 chainHash);

    /// @notice Deposits go to the Keystore predeploy only.
    error WrongTarget(address to);
    /// @notice The rollup has no money: both values must be zero.
    error ValueNotZero(uint256 sent, uint256 value);
    /// @notice The rollup has no contracts to create.
    error CreationNotAllowed();
    /// @notice The data are longer than the largest set-config.
    error DataTooLong(uint256 length, uint256 maximum);
    /// @notice There is no entry at this index.
    error NoSuchEntry(uint256 index, uint256 entryCount);

    /// @notice Puts a raw set-config into the rollup's next epoch. Anybody may call.
    /// @dev Costs at least 40 gas per byte of `data`; the balance over what the work costs is burned.
    /// @param to The Keystore predeploy, 0x4200000000000000000000000000000000000016.
    /// @param value 0.
    /// @param gasLimit Kept in the event for the OP layout; has no effect.
    /// @param isCreation False.
    /// @param data A raw set-config (protocol.md §3), at most 32,768 bytes. It is not checked here: undecodable or
    /// invalid data give a deposit that fails on the rollup.
    function depositTransaction(
        address to,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external payable;

    /// @notice The rollup this portal belongs to.
    function systemConfig() external view returns (ISystemConfig);

    /// @notice Deposits made so far.
    function depositCount() external view returns (uint256);

    /// @notice The hash chain over all deposits, zero before the first:
    /// `keccak256(abi.encode(previous, index, block.number, block.timestamp, from, keccak256(data)))`.
    function chainHash() external view returns (bytes32);

    /// @notice L1 blocks with deposits so far.
    function entryCount() external view returns (uint256);

    /// @notice The entry of the `index`-th L1 block with deposits, from 0.
    function entryAt(uint256 index) external view returns (Entry memory);

    /// @notice The OP Stack portal generation this contract reads like: 2, whose outputs stand in an L2OutputOracle.
    function version() external view returns (string memory);
}
