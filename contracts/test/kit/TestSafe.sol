// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Preinstalls} from "@eth-optimism/contracts-bedrock/src/libraries/Preinstalls.sol";
import {ISafe} from "@safe-global/safe-smart-account/contracts/interfaces/ISafe.sol";
import {Enum} from "@safe-global/safe-smart-account/contracts/libraries/Enum.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Vm} from "forge-std/Vm.sol";

import {TestNesting} from "./TestNesting.sol";

interface ISafeProxyFactory {
    function createProxyWithNonce(address singleton, bytes memory initializer, uint256 saltNonce)
        external
        returns (ISafe proxy);
}

/// @notice A release of the Safe contracts.
struct SafeRelease {
    ISafeProxyFactory factory;
    address singleton;
    address fallbackHandler;
}

/// @notice A transaction of a Safe: the fields that are not zero in every test.
struct SafeCall {
    address to;
    uint256 value;
    bytes data;
    uint256 nonce;
}

using TestSafe for SafeRelease global;
using TestSafe for SafeCall global;

/// @notice Safes by the code that stands on chains.
library TestSafe {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    string internal constant CALL_NAME = "SafeTx";
    string internal constant CALL_TYPE =
        "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,address gasToken,address refundReceiver,uint256 nonce)";

    string private constant _ARTIFACTS =
        "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts/";
    string private constant _OLD_FACTORY =
        "node_modules/@eth-optimism/contracts-bedrock/forge-artifacts/GnosisSafeProxyFactory.sol/GnosisSafeProxyFactory.0.8.15.json";

    /// @notice Safe 1.5.0, each contract at the address that it has on every chain.
    function deployNew() internal returns (SafeRelease memory) {
        vm.etch(Preinstalls.SafeSingletonFactory, Preinstalls.SafeSingletonFactoryCode);
        return SafeRelease({
            factory: ISafeProxyFactory(
                _deploy(
                    "proxies/SafeProxyFactory.sol/SafeProxyFactory.json",
                    0x14F2982D601c9458F93bd70B218933A6f8165e7b
                )
            ),
            singleton: _deploy("Safe.sol/Safe.json", 0xFf51A5898e281Db6DfC7855790607438dF2ca44b),
            fallbackHandler: _deploy(
                "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json",
                0x3EfCBb83A4A7AfcB4F68D501E2c2203a38be77f4
            )
        });
    }

    /// @notice Safe 1.3.0, as every OP Stack chain has it from genesis.
    function deployOld() internal returns (SafeRelease memory release) {
        vm.etch(Preinstalls.Safe_v130, Preinstalls.Safe_v130Code);
        release.singleton = Preinstalls.Safe_v130;
        bytes memory code = vm.parseJsonBytes(vm.readFile(_OLD_FACTORY), ".bytecode.object");
        address factory;
        assembly ("memory-safe") {
            factory := create(0, add(code, 0x20), mload(code))
        }
        release.factory = ISafeProxyFactory(factory);
    }

    function create(SafeRelease memory release, address[] memory owners, uint256 threshold)
        internal
        returns (ISafe)
    {
        bytes memory setup = abi.encodeCall(
            ISafe.setup,
            (owners, threshold, address(0), "", release.fallbackHandler, address(0), 0, payable(address(0)))
        );
        return release.factory.createProxyWithNonce(release.singleton, setup, 0);
    }

    function execute(SafeCall memory call, ISafe safe, bytes memory signatures) internal {
        Address.functionCall(address(safe), call.execution(signatures));
    }

    /// @notice The data by which somebody has the Safe make the call.
    function execution(SafeCall memory call, bytes memory signatures) internal pure returns (bytes memory) {
        return abi.encodeCall(
            ISafe.execTransaction,
            (
                call.to,
                call.value,
                call.data,
                Enum.Operation.Call,
                0,
                0,
                0,
                address(0),
                payable(address(0)),
                signatures
            )
        );
    }

    function structHash(SafeCall memory call) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(bytes(CALL_TYPE)),
                call.to,
                call.value,
                keccak256(call.data),
                Enum.Operation.Call,
                0,
                0,
                0,
                address(0),
                address(0),
                call.nonce
            )
        );
    }

    /// @notice What the Safe asks its owners for.
    function hash(SafeCall memory call, ISafe safe) internal view returns (bytes32) {
        return TestNesting.digest(safe.domainSeparator(), call.structHash());
    }

    /// @notice Of an owner that is a contract, whose signature stands `at` bytes behind the start of all.
    function contractSignature(address owner, uint256 at) internal pure returns (bytes memory) {
        return abi.encodePacked(uint256(uint160(owner)), at, uint8(0));
    }

    /// @notice Of an owner that sends the transaction itself, or has approved the hash.
    function approval(address owner) internal pure returns (bytes memory) {
        return abi.encodePacked(uint256(uint160(owner)), uint256(0), uint8(1));
    }

    function _deploy(string memory artifact, address expected) private returns (address) {
        bytes memory initCode =
            vm.parseJsonBytes(vm.readFile(string.concat(_ARTIFACTS, artifact)), ".bytecode");
        (bool success,) = Preinstalls.SafeSingletonFactory.call(abi.encodePacked(bytes32(0), initCode));
        require(success && expected.code.length != 0, "the artifact is not the code that stands on chains");
        return expected;
    }
}
