// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {IOwnerManager} from "@safe-global/safe-smart-account/contracts/interfaces/IOwnerManager.sol";
import {ISafe} from "@safe-global/safe-smart-account/contracts/interfaces/ISafe.sol";

import {TestEntryPoint} from "../../kit/TestEntryPoint.sol";
import {SafeCall, SafeRelease, TestSafe} from "../../kit/TestSafe.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {WalletTest} from "./WalletTest.sol";

/// @notice What a Safe does whose owner is a keystore's wallet, whatever its release: the wallet sends its transactions,
/// or approves their hashes.
abstract contract SafeTest is WalletTest {
    uint256 internal constant PLAIN_KEY = uint256(keccak256("a plain key"));

    address internal payee = makeAddr("payee");
    address internal stranger = makeAddr("stranger");
    address internal plainOwner = vm.addr(PLAIN_KEY);
    SafeRelease internal release;
    ISafe internal safe;

    function setUp() public override {
        super.setUp();
        release = deploy();
        safe = createSafe(account);
    }

    function deploy() internal virtual returns (SafeRelease memory);

    function test_wallet_operates_the_safe_by_keys_of_all_schemes() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            PackedUserOperation memory op = sending();
            op.signature = sign(next, entryPoint.getUserOpHash(op));
            TestEntryPoint.handle(op);
            assertEq(payee.balance, scheme * 1 ether);
        }
    }

    function test_new_signer_operates_the_safe_in_the_operation_that_puts_it_in_force() public {
        Keystore memory next = keystore(3, 2, 1, 0);
        PackedUserOperation memory op = sending();
        op.signature = signPreconfirming(initial(), next, entryPoint.getUserOpHash(op));
        TestEntryPoint.handle(op);
        assertInForce(next);
        assertEq(payee.balance, 1 ether);
    }

    function test_replaced_signer_operates_the_safe_no_more() public {
        PackedUserOperation memory op = sending();
        Keystore memory next = keystore(2, 1);
        preconfirm(initial(), next);
        op.signature = sign(initial(), entryPoint.getUserOpHash(op));
        vm.expectRevert();
        TestEntryPoint.handle(op);
        op.signature = sign(next, entryPoint.getUserOpHash(op));
        TestEntryPoint.handle(op);
        assertEq(payee.balance, 1 ether);
    }

    function test_wallet_operates_the_safe_without_a_bundler() public {
        vm.prank(stranger);
        execute(initial(), address(safe), 0, payment().execution(TestSafe.approval(account)));
        assertEq(payee.balance, 1 ether);
    }

    function test_wallet_approves_a_hash_and_anybody_sends() public {
        SafeCall memory call = payment();
        vm.expectRevert("GS025");
        call.execute(safe, TestSafe.approval(account));
        approve(call);
        vm.prank(stranger);
        call.execute(safe, TestSafe.approval(account));
        assertEq(payee.balance, 1 ether);
    }

    function test_wallet_counts_beside_a_plain_key() public {
        safe = createSafe(account, plainOwner);
        SafeCall memory call = payment();
        bytes memory plain = signPlainly(call);
        vm.expectRevert("GS020");
        call.execute(safe, plain);
        bytes memory signatures = inOrder(TestSafe.approval(account), plain);
        vm.expectRevert("GS025");
        call.execute(safe, signatures);
        execute(initial(), address(safe), 0, call.execution(signatures));
        assertEq(payee.balance, 1 ether);
    }

    function test_safe_of_a_plain_key_is_handed_over_to_the_wallet() public {
        safe = createSafe(plainOwner);
        address sentinel = address(1);
        bytes memory swap = abi.encodeCall(IOwnerManager.swapOwner, (sentinel, plainOwner, account));
        SafeCall memory handOver = SafeCall(address(safe), 0, swap, safe.nonce());
        handOver.execute(safe, signPlainly(handOver));

        SafeCall memory call = payment();
        bytes memory signature = signPlainly(call);
        vm.expectRevert("GS026");
        call.execute(safe, signature);
        execute(initial(), address(safe), 0, call.execution(TestSafe.approval(account)));
        assertEq(payee.balance, 1 ether);
    }

    function createSafe(address owner) internal returns (ISafe) {
        address[] memory owners = new address[](1);
        owners[0] = owner;
        return createSafe(owners);
    }

    /// @dev A Safe that asks both.
    function createSafe(address first, address second) internal returns (ISafe) {
        address[] memory owners = new address[](2);
        (owners[0], owners[1]) = (first, second);
        return createSafe(owners);
    }

    function createSafe(address[] memory owners) private returns (ISafe created) {
        created = release.create(owners, owners.length);
        vm.deal(address(created), 10 ether);
    }

    function payment() internal view returns (SafeCall memory) {
        return SafeCall(payee, 1 ether, "", safe.nonce());
    }

    /// @dev The two in the order of their owners, which Safes insist on.
    function inOrder(bytes memory walletsSignature, bytes memory plainSignature)
        internal
        view
        returns (bytes memory)
    {
        return account < plainOwner
            ? bytes.concat(walletsSignature, plainSignature)
            : bytes.concat(plainSignature, walletsSignature);
    }

    function signPlainly(SafeCall memory call) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PLAIN_KEY, call.hash(safe));
        return abi.encodePacked(r, s, v);
    }

    /// @dev A user operation in which the wallet has the Safe pay, without signature.
    function sending() private view returns (PackedUserOperation memory) {
        return operation(oneCall(address(safe), 0, payment().execution(TestSafe.approval(account))));
    }

    /// @dev The wallet approves the hash on chain.
    function approve(SafeCall memory call) internal {
        execute(initial(), address(safe), 0, abi.encodeCall(ISafe.approveHash, (call.hash(safe))));
    }
}
