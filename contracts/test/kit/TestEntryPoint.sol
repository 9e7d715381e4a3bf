// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {Vm} from "forge-std/Vm.sol";

import {ENTRY_POINT} from "keyroll/l2/KeystoreWallet.sol";

/// @notice The EntryPoint v0.8 as published, at its address.
library TestEntryPoint {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    string private constant _ARTIFACT =
        "node_modules/@account-abstraction/contracts/artifacts/EntryPoint.json";

    function deploy() internal returns (IEntryPoint) {
        vm.etch(ENTRY_POINT, vm.parseJsonBytes(vm.readFile(_ARTIFACT), ".bytecode"));
        (bool success, bytes memory runtime) = ENTRY_POINT.call("");
        require(success, "the EntryPoint's constructor failed");
        vm.etch(ENTRY_POINT, runtime);
        return IEntryPoint(ENTRY_POINT);
    }

    /// @notice An operation without signature; its gas is enough for all tests.
    function operation(address sender, bytes memory callData)
        internal
        view
        returns (PackedUserOperation memory op)
    {
        op.sender = sender;
        op.nonce = IEntryPoint(ENTRY_POINT).getNonce(sender, 0);
        op.callData = callData;
        op.accountGasLimits = bytes32((uint256(3_000_000) << 128) | 1_000_000);
        op.preVerificationGas = 50_000;
        op.gasFees = bytes32((uint256(1 gwei) << 128) | 1 gwei);
    }

    function handle(PackedUserOperation memory op) internal {
        PackedUserOperation[] memory ops = new PackedUserOperation[](1);
        ops[0] = op;
        // The EntryPoint takes bundles from accounts without code alone.
        address bundler = vm.addr(uint256(keccak256("bundler")));
        vm.prank(bundler, bundler);
        IEntryPoint(ENTRY_POINT).handleOps(ops, payable(bundler));
    }
}
