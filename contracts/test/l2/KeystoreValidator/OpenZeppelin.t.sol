// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {AccountERC7579} from "@openzeppelin/contracts/account/extensions/draft-AccountERC7579.sol";
import {IERC7579ModuleConfig} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";
import {IEntryPoint} from "@openzeppelin/contracts/interfaces/IERC4337.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";

import {ENTRY_POINT} from "keyroll/l2/KeystoreWallet.sol";
import {TestEntryPoint} from "../../kit/TestEntryPoint.sol";
import {ModularAccountTest} from "./ModularAccountTest.sol";

/// @notice OpenZeppelin's modular account, with the one validator it is created with.
contract OpenZeppelinAccount is AccountERC7579 {
    constructor(address validator, bytes memory data) {
        _installModule(1, validator, data);
    }

    function entryPoint() public pure override returns (IEntryPoint) {
        return IEntryPoint(ENTRY_POINT);
    }
}

contract OpenZeppelinTest is ModularAccountTest {
    function test_account_that_uninstalls_the_module_obeys_nobody() public {
        bytes memory uninstall =
            abi.encodeCall(IERC7579ModuleConfig.uninstallModule, (1, address(validator), ""));
        handleSigned(operation(account, 0, uninstall), initial());
        assertFalse(validator.isInitialized(account));
        assertFalse(IERC7579ModuleConfig(account).isModuleInstalled(1, address(validator), ""));

        PackedUserOperation memory op = payment();
        op.signature = sign(initial(), entryPoint.getUserOpHash(op));
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
    }

    /// @dev An account may forget the module without telling it, where the module's word does not count.
    function test_operation_without_the_modules_key_is_refused() public {
        PackedUserOperation memory op = payment();
        op.nonce = entryPoint.getNonce(account, 0);
        op.signature = sign(initial(), entryPoint.getUserOpHash(op));
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
    }

    function createAccount(bytes32 id_, bytes32 salt) internal override returns (address) {
        return address(new OpenZeppelinAccount{salt: salt}(address(validator), abi.encode(id_)));
    }

    function nonceKey() internal view override returns (uint192) {
        return uint192(uint160(address(validator))) << 32;
    }
}
