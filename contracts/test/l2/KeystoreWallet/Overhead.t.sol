// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAccount} from "@account-abstraction/contracts/interfaces/IAccount.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {ENTRY_POINT} from "keyroll/l2/KeystoreWallet.sol";
import {OwnKeyWallet} from "../../kit/OwnKeyWallet.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {WalletTest} from "./WalletTest.sol";

/// @notice What validation pays for asking the replica: the execution gas of `validateUserOp`, all accounts and slots
/// cold, above that of the same wallet with its key in its own storage.
contract OverheadTest is WalletTest {
    uint256 private constant _MOST = 15_000;

    address private _ownKeyImplementation;
    address private _ownKeyWallet;

    /// @dev Not in the test itself: what a transaction creates or writes is warm in it.
    function setUp() public override {
        super.setUp();
        // As most wallets will be: after a rotation that was confirmed.
        confirm(0, keystore(1, 2, 1, 0).config, true);
        _ownKeyImplementation = address(new OwnKeyWallet());
        _ownKeyWallet = Clones.clone(_ownKeyImplementation);
        OwnKeyWallet(_ownKeyWallet).setKey(vm.addr(2));
    }

    function test_asking_the_replica_costs_little() public {
        Keystore memory owner = keystore(1, 2, 1, 0);
        PackedUserOperation memory op = operation(oneCall(makeAddr("payee"), 1, ""));
        bytes32 hash = entryPoint.getUserOpHash(op);
        op.signature = sign(owner, hash);
        uint256 used = gasOfValidation(account, factory.implementation(), op, hash);

        (uint8 v, bytes32 r, bytes32 s) = vm.sign(2, hash);
        op.signature = abi.encodePacked(r, s, v);
        uint256 usedByOwnKey = gasOfValidation(_ownKeyWallet, _ownKeyImplementation, op, hash);

        uint256 overhead = used - usedByOwnKey;
        vm.snapshotValue("KeystoreWallet", "validate.overhead", overhead);
        assertLe(overhead, _MOST);
    }

    function gasOfValidation(
        address wallet_,
        address implementation,
        PackedUserOperation memory op,
        bytes32 hash
    ) private returns (uint256) {
        bytes memory call = abi.encodeCall(IAccount.validateUserOp, (op, hash, 0));
        vm.cool(wallet_);
        vm.cool(implementation);
        vm.cool(address(replica));
        vm.prank(ENTRY_POINT);
        uint256 before = gasleft();
        (bool success, bytes memory result) = wallet_.call(call);
        uint256 used = before - gasleft();
        assertTrue(success);
        assertEq(abi.decode(result, (uint256)), 0);
        return used;
    }
}
