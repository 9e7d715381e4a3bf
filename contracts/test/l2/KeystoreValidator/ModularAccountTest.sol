// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IERC7579Execution} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";

import {TestDomain} from "../../kit/TestNesting.sol";
import {TestEntryPoint} from "../../kit/TestEntryPoint.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {ValidatorTest} from "./ValidatorTest.sol";

/// @notice What a modular account that obeys a keystore does, whoever made the account. Each runs its own code as
/// published, by the EntryPoint as published.
abstract contract ModularAccountTest is ValidatorTest {
    address internal payee = makeAddr("payee");

    function setUp() public virtual override {
        super.setUp();
        account = createAccount(id, "first");
        vm.deal(account, 10 ether);
    }

    /// @dev An account whose one validator is the module, for keystore `id_`.
    function createAccount(bytes32 id_, bytes32 salt) internal virtual returns (address);

    /// @dev The key of the EntryPoint's nonces by which the account chooses the module.
    function nonceKey() internal view virtual returns (uint192);

    /// @dev What the account asks the module for when it is asked for `hash`.
    function hashAskedFor(address, bytes32 hash) internal view virtual returns (bytes32) {
        return hash;
    }

    /// @dev A signature as the account takes it, which names the module.
    function wrap(bytes memory signature) internal view virtual returns (bytes memory) {
        return abi.encodePacked(address(validator), signature);
    }

    /// @dev The domain in which the account's signatures are nested.
    function domainOf(address account_) internal view virtual returns (TestDomain memory) {
        return moduleDomain(account_);
    }

    function test_signers_of_all_schemes_operate_the_account() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            handleSigned(payment(), next);
            assertEq(payee.balance, scheme * 1 ether);
        }
    }

    function test_new_signer_puts_itself_in_force_in_its_first_operation() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory head = scheme == 1 ? initial() : keystore(scheme - 1, 10, scheme - 1, 0);
            Keystore memory next = keystore(scheme, 10, scheme, 0);
            PackedUserOperation memory op = payment();
            op.signature = signPreconfirming(head, next, entryPoint.getUserOpHash(op));
            TestEntryPoint.handle(op);
            assertInForce(next);
            assertEq(payee.balance, scheme * 1 ether);
        }
    }

    function test_replaced_signer_is_refused() public {
        PackedUserOperation memory op = payment();
        bytes32 hash = entryPoint.getUserOpHash(op);
        Keystore memory next = keystore(2, 1);
        preconfirm(initial(), next);
        op.signature = abi.encodePacked(uint8(0), abi.encode(next.config, approve(initial(), hash)));
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
        op.signature = sign(initial(), hash);
        vm.expectRevert();
        TestEntryPoint.handle(op);
        assertEq(payee.balance, 0);
    }

    function test_signature_over_another_operation_is_refused() public {
        PackedUserOperation memory op = payment();
        op.signature = sign(initial(), keccak256("another"));
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
    }

    function test_operation_expires_when_the_config_becomes_stale() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        PackedUserOperation memory op = payment();
        op.signature = sign(mayBeStale, entryPoint.getUserOpHash(op));
        vm.warp(GENESIS + 20 days + 1);
        expectFailure("AA22 expired or not due");
        TestEntryPoint.handle(op);
        vm.warp(GENESIS + 20 days);
        TestEntryPoint.handle(op);
        assertEq(payee.balance, 1 ether);
    }

    function test_several_accounts_obey_one_keystore_each_by_its_own_record() public {
        address first = account;
        address second = createAccount(id, "second");
        vm.deal(second, 10 ether);
        Keystore memory next = keystore(3, 2, 1, 0);
        preconfirm(initial(), next);

        handleSigned(payment(), next);
        assertEq(payee.balance, 1 ether);
        // What was preconfirmed for the first is not in force for the second, until that is told too.
        account = second;
        PackedUserOperation memory op = payment();
        op.signature = sign(next, entryPoint.getUserOpHash(op));
        vm.expectRevert();
        TestEntryPoint.handle(op);
        op.signature = signPreconfirming(initial(), next, entryPoint.getUserOpHash(op));
        TestEntryPoint.handle(op);
        assertEq(payee.balance, 2 ether);

        // An operation of the one is none of the other.
        op = payment();
        op.signature = sign(next, entryPoint.getUserOpHash(op));
        op.sender = first;
        op.nonce = entryPoint.getNonce(first, nonceKey());
        expectFailure("AA24 signature error");
        TestEntryPoint.handle(op);
    }

    function test_signers_in_force_sign_for_the_account() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            bytes memory signature = signMessage(next, account);
            assertEq(IERC1271(account).isValidSignature(MESSAGE, signature), MAGIC);
            assertEq(IERC1271(account).isValidSignature(keccak256("another"), signature), NOT_VALID);
        }
    }

    function test_signature_for_another_account_of_the_keystore_is_not_valid() public {
        address second = createAccount(id, "second");
        bytes memory signature = signMessage(initial(), account);
        assertEq(IERC1271(account).isValidSignature(MESSAGE, signature), MAGIC);
        assertEq(IERC1271(second).isValidSignature(MESSAGE, signature), NOT_VALID);
        assertEq(IERC1271(second).isValidSignature(MESSAGE, signMessage(initial(), second)), MAGIC);
    }

    function test_stale_account_signs_nothing() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        bytes memory signature = signMessage(mayBeStale, account);
        assertEq(IERC1271(account).isValidSignature(MESSAGE, signature), MAGIC);
        vm.warp(GENESIS + 20 days + 1);
        assertEq(IERC1271(account).isValidSignature(MESSAGE, signature), NOT_VALID);
    }

    function signMessage(Keystore memory keystore_, address account_) internal view returns (bytes memory) {
        bytes32 digest = domainOf(account_).personalDigest(hashAskedFor(account_, MESSAGE));
        return wrap(sign(keystore_, digest));
    }

    function payment() internal view returns (PackedUserOperation memory) {
        return operation(payee, 1 ether, "");
    }

    /// @dev A user operation that makes one call, without signature.
    function operation(address to, uint256 value, bytes memory data)
        internal
        view
        returns (PackedUserOperation memory op)
    {
        bytes memory call = abi.encodePacked(to, value, data);
        op = TestEntryPoint.operation(account, abi.encodeCall(IERC7579Execution.execute, (bytes32(0), call)));
        op.nonce = entryPoint.getNonce(account, nonceKey());
    }

    function handleSigned(PackedUserOperation memory op, Keystore memory owner) internal {
        op.signature = sign(owner, entryPoint.getUserOpHash(op));
        TestEntryPoint.handle(op);
    }

    /// @dev Code of a contract as its vendor published it.
    function published(string memory account_, string memory name) internal view returns (bytes memory) {
        string memory json = vm.readFile(string.concat("test/accounts/", account_, ".json"));
        return vm.parseJsonBytes(json, string.concat(".", name));
    }

    function create(bytes memory initCode) internal returns (address created) {
        return create(initCode, 0);
    }

    function create(bytes memory initCode, bytes32 salt) internal returns (address created) {
        assembly ("memory-safe") {
            created := create2(0, add(initCode, 0x20), mload(initCode), salt)
        }
        assertNotEq(created, address(0));
    }
}
