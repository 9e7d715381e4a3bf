// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC7739Utils} from "@openzeppelin/contracts/utils/cryptography/draft-ERC7739Utils.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ISafe} from "@safe-global/safe-smart-account/contracts/interfaces/ISafe.sol";

import {SafeCall, SafeRelease, TestSafe} from "../../kit/TestSafe.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestNesting} from "../../kit/TestNesting.sol";
import {SafeTest} from "./SafeTest.sol";

/// @notice Safe 1.5.0, which asks owners that are contracts as ERC-1271 says: signers sign for the Safe without the
/// wallet's sending anything.
contract NewSafeTest is SafeTest {
    string private constant _MESSAGE_TYPE = "SafeMessage(bytes message)";

    function deploy() internal override returns (SafeRelease memory) {
        return TestSafe.deployNew();
    }

    function test_signers_in_force_of_all_schemes_sign_for_the_safe() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            SafeCall memory call = payment();
            bytes memory signature = signTyped(next, call);
            vm.prank(stranger);
            call.execute(safe, signature);
            assertEq(payee.balance, scheme * 1 ether);
        }
    }

    /// @dev For signers that cannot show typed data.
    function test_signers_may_sign_the_bare_hash_as_a_message() public {
        SafeCall memory call = payment();
        bytes32 digest = domainOf(account).personalDigest(call.hash(safe));
        call.execute(safe, alone(sign(initial(), digest)));
        assertEq(payee.balance, 1 ether);
    }

    function test_signature_that_is_not_nested_is_refused() public {
        SafeCall memory call = payment();
        bytes memory signature = alone(sign(initial(), call.hash(safe)));
        vm.expectRevert("GS024");
        call.execute(safe, signature);
    }

    function test_preconfirmed_rotation_disarms_the_replaced_signer() public {
        Keystore memory next = keystore(2, 1);
        assertDisarms(
            next, abi.encodeCall(replica.preconfirm, (account, initial().config, rawUpdate(initial(), next)))
        );
    }

    function test_confirmed_rotation_disarms_the_replaced_signer() public {
        Keystore memory next = keystore(3, 2, 5, 0);
        postOutput(0, GENESIS, next.config, true);
        assertDisarms(next, abi.encodeCall(replica.confirm, (configProof(0, next.config), next.config)));
    }

    function test_signature_over_another_transaction_is_refused() public {
        SafeCall memory call = payment();
        bytes memory signature = signTyped(initial(), call);
        call.value = 2 ether;
        vm.expectRevert("GS024");
        call.execute(safe, signature);
    }

    function test_signature_counts_once() public {
        SafeCall memory call = payment();
        bytes memory signature = signTyped(initial(), call);
        call.execute(safe, signature);
        vm.expectRevert("GS024");
        call.execute(safe, signature);
    }

    function test_signature_for_one_safe_of_the_wallet_is_refused_by_another() public {
        bytes memory signature = signTyped(initial(), payment());
        safe = createSafe(account, plainOwner);
        vm.prank(address(safe));
        (bool isLowered,) = address(safe).call(abi.encodeWithSignature("changeThreshold(uint256)", 1));
        assertTrue(isLowered);
        SafeCall memory call = payment();
        vm.expectRevert("GS024");
        call.execute(safe, signature);
        call.execute(safe, signTyped(initial(), call));
        assertEq(payee.balance, 1 ether);
    }

    /// @dev One keystore, two wallets, each the owner of its own Safe: what one's signers sign is for it alone.
    function test_signature_for_another_wallet_of_the_keystore_is_refused() public {
        address another = address(anotherWallet());
        SafeCall memory call = payment();
        bytes memory signature = signTyped(initial(), call, another);
        vm.expectRevert("GS024");
        call.execute(safe, signature);
    }

    function test_signature_for_another_chain_is_refused() public {
        SafeCall memory call = payment();
        bytes memory signature = signTyped(initial(), call);
        vm.chainId(block.chainid + 1);
        vm.expectRevert("GS024");
        call.execute(safe, signature);
    }

    function test_stale_wallet_signs_nothing_for_the_safe() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        SafeCall memory call = payment();
        bytes memory signature = signTyped(mayBeStale, call);
        vm.warp(GENESIS + 20 days + 1);
        vm.expectRevert("GS024");
        call.execute(safe, signature);
        vm.warp(GENESIS + 20 days);
        call.execute(safe, signature);
        assertEq(payee.balance, 1 ether);
    }

    function test_signature_counts_beside_a_plain_key() public {
        safe = createSafe(account, plainOwner);
        SafeCall memory call = payment();
        bytes memory heads = inOrder(TestSafe.contractSignature(account, 130), signPlainly(call));
        bytes memory good = typedSignature(initial(), call, account);
        bytes memory bad = typedSignature(keystore(2, 0), call, account);
        vm.expectRevert("GS024");
        call.execute(safe, abi.encodePacked(heads, bad.length, bad));
        call.execute(safe, abi.encodePacked(heads, good.length, good));
        assertEq(payee.balance, 1 ether);
    }

    /// @dev A Safe takes no approval of a hash back. What takes it away is another transaction with its nonce.
    function test_hash_approved_before_a_rotation_stays_approved_until_its_nonce_is_used() public {
        SafeCall memory call = payment();
        approve(call);
        Keystore memory next = keystore(2, 1);
        preconfirm(initial(), next);

        uint256 before = vm.snapshotState();
        call.execute(safe, TestSafe.approval(account));
        assertEq(payee.balance, 1 ether);
        vm.revertToState(before);

        SafeCall memory nothing = SafeCall(address(safe), 0, "", safe.nonce());
        execute(next, address(safe), 0, nothing.execution(TestSafe.approval(account)));
        vm.expectRevert("GS025");
        call.execute(safe, TestSafe.approval(account));
    }

    function test_wallet_that_is_not_deployed_yet_owns_a_safe() public {
        Keystore memory owner = keystore(2, 9, 0, 0);
        id = owner.config.hash();
        account = factory.walletOf(id);
        safe = createSafe(account);
        SafeCall memory call = payment();
        bytes memory signature = signTyped(owner, call);
        vm.expectRevert();
        call.execute(safe, signature);
        factory.createWallet(id);
        call.execute(safe, signature);
        assertEq(payee.balance, 1 ether);
    }

    function test_safe_signs_in_by_the_signers_in_force() public {
        bytes32 asked = keccak256("what an application asks the Safe for");
        bytes memory signature = alone(typedMessageSignature(initial(), asked));
        assertEq(
            IERC1271(address(safe)).isValidSignature(asked, signature), IERC1271.isValidSignature.selector
        );
        preconfirm(initial(), keystore(2, 1));
        vm.expectRevert("GS024");
        IERC1271(address(safe)).isValidSignature(asked, signature);
        signature = alone(typedMessageSignature(keystore(2, 1), asked));
        assertEq(
            IERC1271(address(safe)).isValidSignature(asked, signature), IERC1271.isValidSignature.selector
        );
    }

    /// @dev What was signed before the rotation counts no more after it, and the next signers' word does.
    function assertDisarms(Keystore memory next, bytes memory rotation) private {
        SafeCall memory call = payment();
        bytes memory old = signTyped(initial(), call);
        bytes memory fresh = signTyped(next, call);

        uint256 before = vm.snapshotState();
        vm.expectRevert("GS024");
        call.execute(safe, fresh);
        call.execute(safe, old);
        vm.revertToState(before);

        (bool success,) = address(replica).call(rotation);
        assertTrue(success);
        assertInForce(next);
        vm.expectRevert("GS024");
        call.execute(safe, old);
        call.execute(safe, fresh);
        assertEq(payee.balance, 1 ether);
    }

    function signTyped(Keystore memory keystore_, SafeCall memory call) private view returns (bytes memory) {
        return signTyped(keystore_, call, account);
    }

    /// @dev Nested for `wallet_`, given as the owner's.
    function signTyped(Keystore memory keystore_, SafeCall memory call, address wallet_)
        private
        view
        returns (bytes memory)
    {
        return alone(typedSignature(keystore_, call, wallet_));
    }

    function typedSignature(Keystore memory keystore_, SafeCall memory call, address wallet_)
        private
        view
        returns (bytes memory)
    {
        return nest(keystore_, call.structHash(), TestSafe.CALL_NAME, TestSafe.CALL_TYPE, wallet_);
    }

    /// @dev A Safe wraps what it is asked for into typed data of its own.
    function typedMessageSignature(Keystore memory keystore_, bytes32 asked)
        private
        view
        returns (bytes memory)
    {
        bytes32 structHash =
            keccak256(abi.encode(keccak256(bytes(_MESSAGE_TYPE)), keccak256(abi.encode(asked))));
        return nest(keystore_, structHash, "SafeMessage", _MESSAGE_TYPE, account);
    }

    function nest(
        Keystore memory keystore_,
        bytes32 structHash,
        string memory name,
        string memory types,
        address wallet_
    ) private view returns (bytes memory) {
        bytes32 application = safe.domainSeparator();
        bytes32 digest = domainOf(wallet_).typedDigest(application, structHash, name, types);
        return ERC7739Utils.encodeTypedDataSig(sign(keystore_, digest), application, structHash, types);
    }

    /// @dev The signature of a Safe's one owner, the wallet.
    function alone(bytes memory signature) private view returns (bytes memory) {
        return abi.encodePacked(TestSafe.contractSignature(account, 65), signature.length, signature);
    }
}
