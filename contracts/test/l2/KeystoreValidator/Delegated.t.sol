// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {AccountERC7579} from "@openzeppelin/contracts/account/extensions/draft-AccountERC7579.sol";
import {IERC7579ModuleConfig} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";
import {IEntryPoint} from "@openzeppelin/contracts/interfaces/IERC4337.sol";
import {SignerEIP7702} from "@openzeppelin/contracts/utils/cryptography/signers/SignerEIP7702.sol";

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {ENTRY_POINT} from "keyroll/l2/KeystoreWallet.sol";
import {KeystoreWalletFactory} from "keyroll/l2/KeystoreWalletFactory.sol";
import {Call} from "keyroll/libraries/Call.sol";
import {TestEntryPoint} from "../../kit/TestEntryPoint.sol";
import {TestDomain} from "../../kit/TestNesting.sol";
import {ModularAccountTest} from "./ModularAccountTest.sol";

/// @notice OpenZeppelin's modular account for accounts that have a key of their own (EIP-7702).
contract DelegateAccount is SignerEIP7702, AccountERC7579 {
    function entryPoint() public pure override returns (IEntryPoint) {
        return IEntryPoint(ENTRY_POINT);
    }

    function _rawSignatureValidation(bytes32 hash, bytes calldata signature)
        internal
        view
        override(SignerEIP7702, AccountERC7579)
        returns (bool)
    {
        return SignerEIP7702._rawSignatureValidation(hash, signature);
    }
}

/// @notice Accounts with a key of their own that delegate their code (EIP-7702).
contract DelegatedTest is ModularAccountTest {
    address private _delegate = address(new DelegateAccount());

    function test_key_of_the_account_stays_above_its_keystore() public {
        PackedUserOperation memory op = payment();
        op.nonce = entryPoint.getNonce(account, 0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keyOf("first"), entryPoint.getUserOpHash(op));
        op.signature = abi.encodePacked(r, s, v);
        TestEntryPoint.handle(op);
        assertEq(payee.balance, 1 ether);
    }

    /// @dev The module is told by the account, not by the code that the account runs at the time.
    function test_installation_outlives_the_delegation_until_the_account_ends_it() public {
        vm.signAndAttachDelegation(address(0), keyOf("first"));
        assertTrue(validator.isInitialized(account));
        vm.prank(account);
        validator.onUninstall("");
        assertEq(account.code.length, 0);
        assertFalse(validator.isInitialized(account));

        vm.signAndAttachDelegation(_delegate, keyOf("first"));
        vm.prank(account);
        validator.onInstall(abi.encode(id));
        handleSigned(payment(), initial());
        assertEq(payee.balance, 1 ether);
    }

    /// @dev A wallet's code finds the id in the wallet's own code. There is none in an account that delegates.
    function test_account_that_delegates_to_a_keystore_wallet_obeys_its_own_key_alone() public {
        KeystoreWalletFactory factory = new KeystoreWalletFactory(replica, address(0));
        address[2] memory delegates = [factory.implementation(), factory.createWallet(id)];
        for (uint256 i = 0; i < delegates.length; ++i) {
            vm.signAndAttachDelegation(delegates[i], keyOf("first"));
            // A delegation takes effect with the next transaction.
            payable(account).transfer(0);
            assertEq(account.code, abi.encodePacked(hex"ef0100", delegates[i]));
            IKeystoreWallet wallet = IKeystoreWallet(account);
            assertEq(wallet.id(), 0);

            PackedUserOperation memory op = payment();
            bytes32 hash = entryPoint.getUserOpHash(op);
            op.signature = sign(initial(), hash);
            vm.prank(ENTRY_POINT);
            vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
            wallet.validateUserOp(op, hash, 0);
            TestDomain memory domain = TestDomain("Keyroll Wallet", "1", block.chainid, account);
            assertEq(
                wallet.isValidSignature(MESSAGE, sign(initial(), domain.personalDigest(MESSAGE))), NOT_VALID
            );

            Call[] memory calls = new Call[](1);
            calls[0] = Call(payee, 1 ether, "");
            bytes memory batch = abi.encode(calls);
            bytes32 mode = bytes32(bytes10(0x01000000000000000000));
            vm.expectRevert(
                abi.encodeWithSelector(IKeystoreWallet.NotEntryPointOrSelf.selector, address(this))
            );
            wallet.execute(mode, batch);
            vm.prank(account);
            wallet.execute(mode, batch);
            assertEq(payee.balance, (i + 1) * 1 ether);
        }
    }

    function createAccount(bytes32 id_, bytes32 salt) internal override returns (address) {
        return delegate(salt, id_);
    }

    function nonceKey() internal view override returns (uint192) {
        return uint192(uint160(address(validator))) << 32;
    }

    /// @dev An account with a key, which delegates and installs the module by itself.
    function delegate(bytes32 salt, bytes32 id_) private returns (address delegating) {
        delegating = vm.addr(keyOf(salt));
        vm.signAndAttachDelegation(_delegate, keyOf(salt));
        vm.prank(delegating);
        IERC7579ModuleConfig(delegating).installModule(1, address(validator), abi.encode(id_));
    }

    function keyOf(bytes32 salt) private pure returns (uint256) {
        return uint256(keccak256(abi.encode("key", salt)));
    }
}
