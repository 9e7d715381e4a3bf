// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {ERC7739Utils} from "@openzeppelin/contracts/utils/cryptography/draft-ERC7739Utils.sol";

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {KeystoreWalletFactory} from "keyroll/l2/KeystoreWalletFactory.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {TestNesting} from "../../kit/TestNesting.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {WalletTest} from "./WalletTest.sol";

/// @notice Uses nearly all gas that it gets, and then says that a signature is bad.
contract Spender {
    fallback() external {
        uint256 end = gasleft() / 64;
        while (gasleft() > end) {}
        revert Approvals.BadSignature(0);
    }
}

contract IsValidSignatureTest is WalletTest {
    bytes4 private constant _MAGIC = 0x1626ba7e;
    bytes4 private constant _NOT_VALID = 0xffffffff;
    bytes32 private constant _HASH = keccak256("message");

    /// @dev Typed data of an application.
    bytes32 private constant _APPLICATION = keccak256("the application's domain separator");
    bytes32 private constant _CONTENTS = keccak256("hashStruct of a Mail");
    string private constant _TYPE = "Mail(address to,string contents)";

    function test_domain_is_the_wallets_own() public view {
        assertEq(wallet.domainSeparator(), domainOf(account).separator());
        (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        ) = wallet.eip712Domain();
        assertEq(fields, hex"0f");
        assertEq(name, "Keyroll Wallet");
        assertEq(version, "1");
        assertEq(chainId, block.chainid);
        assertEq(verifyingContract, account);
        assertEq(salt, 0);
        assertEq(extensions.length, 0);
    }

    function test_says_that_it_nests_as_ERC7739() public view {
        bytes32 probe = 0x7739773977397739773977397739773977397739773977397739773977397739;
        assertEq(wallet.isValidSignature(probe, ""), bytes4(0x77390001));
        assertEq(wallet.isValidSignature(_HASH, ""), _NOT_VALID);
        // With a signature, it is one message among others.
        assertEq(wallet.isValidSignature(probe, hex"00"), _NOT_VALID);
        bytes memory signature = sign(initial(), domainOf(account).personalDigest(probe));
        assertEq(wallet.isValidSignature(probe, signature), _MAGIC);
    }

    function test_signers_in_force_sign_messages_for_the_wallet() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            assertEq(wallet.isValidSignature(_HASH, signPersonal(next, account)), _MAGIC);
            assertEq(wallet.isValidSignature(keccak256("another"), signPersonal(next, account)), _NOT_VALID);
        }
    }

    function test_signers_in_force_sign_typed_data_for_the_wallet() public view {
        bytes memory signature = signTyped(account, _TYPE, _TYPE);
        assertEq(wallet.isValidSignature(typedHash(), signature), _MAGIC);
        assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
        // The type's name may also stand after a type that does not begin with it.
        string memory types = "Mail(Person to)Person(address at)";
        assertEq(wallet.isValidSignature(typedHash(), signTyped(account, types, types)), _MAGIC);
        assertEq(
            wallet.isValidSignature(typedHash(), signTyped(account, types, string.concat(types, "Mail"))),
            _MAGIC
        );
    }

    function test_typed_data_without_a_name_binds_nothing_and_is_refused() public view {
        string[4] memory malformed = ["", "(address to)", "Ma il(address to)", "Mail(address to)X,"];
        for (uint256 i = 0; i < malformed.length; ++i) {
            // Signed as the digest would be if the struct hash were zero.
            bytes memory inner = sign(initial(), TestNesting.digest(_APPLICATION, 0));
            bytes memory signature =
                ERC7739Utils.encodeTypedDataSig(inner, _APPLICATION, _CONTENTS, malformed[i]);
            assertEq(wallet.isValidSignature(typedHash(), signature), _NOT_VALID);
        }
    }

    function test_signature_for_another_wallet_of_the_keystore_is_not_valid() public {
        IKeystoreWallet another = anotherWallet();
        bytes memory personal = signPersonal(initial(), account);
        bytes memory typed = signTyped(account, _TYPE, _TYPE);
        assertEq(wallet.isValidSignature(_HASH, personal), _MAGIC);
        assertEq(another.isValidSignature(_HASH, personal), _NOT_VALID);
        assertEq(another.isValidSignature(typedHash(), typed), _NOT_VALID);
        assertEq(another.isValidSignature(_HASH, signPersonal(initial(), address(another))), _MAGIC);
        assertEq(another.isValidSignature(typedHash(), signTyped(address(another), _TYPE, _TYPE)), _MAGIC);
    }

    function test_signature_for_another_chain_is_not_valid() public {
        bytes memory personal = signPersonal(initial(), account);
        bytes memory typed = signTyped(account, _TYPE, _TYPE);
        vm.chainId(block.chainid + 1);
        assertEq(wallet.isValidSignature(_HASH, personal), _NOT_VALID);
        assertEq(wallet.isValidSignature(typedHash(), typed), _NOT_VALID);
    }

    function test_signature_over_the_bare_hash_is_not_valid() public view {
        assertEq(wallet.isValidSignature(_HASH, sign(initial(), _HASH)), _NOT_VALID);
    }

    function test_replaced_signer_signs_no_more() public {
        bytes memory signature = signPersonal(initial(), account);
        assertEq(wallet.isValidSignature(_HASH, signature), _MAGIC);
        preconfirm(initial(), keystore(2, 1));
        assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
    }

    function test_stale_wallet_signs_nothing() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        vm.warp(GENESIS + 20 days);
        assertEq(wallet.isValidSignature(_HASH, signPersonal(mayBeStale, account)), _MAGIC);
        vm.warp(GENESIS + 20 days + 1);
        assertEq(wallet.isValidSignature(_HASH, signPersonal(mayBeStale, account)), _NOT_VALID);
    }

    function test_signature_may_not_carry_a_set_config() public view {
        Keystore memory next = keystore(2, 1);
        bytes memory signature = signPreconfirming(initial(), next, personalDigest(account));
        assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
    }

    function test_signature_of_another_mode_is_not_valid() public view {
        bytes memory signature = signPersonal(initial(), account);
        for (uint256 mode = 1; mode < 256; ++mode) {
            signature[0] = bytes1(uint8(mode));
            assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
        }
    }

    function test_fuzz_garbage_is_not_valid_and_reverts_not(bytes32 hash, bytes calldata signature)
        public
        view
    {
        vm.assume(hash != 0x7739773977397739773977397739773977397739773977397739773977397739);
        assertEq(wallet.isValidSignature(hash, signature), _NOT_VALID);
    }

    /// @dev Else whoever passes a signature on, with little gas, would have it called a bad one.
    function test_good_signature_is_never_called_a_bad_one_for_want_of_gas() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            assertMagicOrRevert(signPersonal(next, account));
        }
    }

    function test_good_signature_is_never_called_a_bad_one_where_a_contract_checks_p256() public {
        vm.mockCall(address(0x100), bytes(""), "");
        replica = new KeystoreReplica(parameters());
        vm.clearMockedCalls();
        factory = new KeystoreWalletFactory(replica, staker);
        account = factory.createWallet(id);
        wallet = IKeystoreWallet(account);
        Keystore memory next = keystore(2, 2, 1, 0);
        confirm(1, next.config, true);
        assertMagicOrRevert(signPersonal(next, account));
    }

    function test_what_the_replica_gives_a_reason_for_is_not_valid_however_little_is_left() public {
        vm.etch(address(replica), type(Spender).runtimeCode);
        assertEq(wallet.isValidSignature{gas: 200_000}(_HASH, signPersonal(initial(), account)), _NOT_VALID);
    }

    function test_cut_signature_is_not_valid() public view {
        bytes memory signature = signPersonal(initial(), account);
        // Behind 65 bytes stand 31 that pad them.
        for (uint256 length = signature.length - 31; length > 0; --length) {
            assembly ("memory-safe") {
                mstore(signature, sub(length, 1))
            }
            assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
        }
    }

    /// @dev ERC-6492: verifiers call the factory as the wrapper says, then ask the wallet.
    function test_wallet_not_deployed_yet_signs() public {
        Keystore memory owner = keystore(2, 9, 0, 0);
        id = owner.config.hash();
        account = factory.walletOf(id);
        bytes memory signature = signPersonal(owner, account);
        (bool success,) = address(factory).call(abi.encodeCall(factory.createWallet, (id)));
        assertTrue(success);
        assertEq(IKeystoreWallet(account).isValidSignature(_HASH, signature), _MAGIC);
    }

    /// @dev ERC-6492 too, with the replica in the factory's place: what the wrapper calls puts the signer in force.
    function test_signer_not_in_force_yet_signs_for_a_standing_wallet() public {
        Keystore memory next = keystore(2, 1);
        bytes memory signature = signPersonal(next, account);
        assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
        (bool success,) = address(replica)
            .call(
                abi.encodeCall(
                    IKeystoreReplica.preconfirm, (account, initial().config, rawUpdate(initial(), next))
                )
            );
        assertTrue(success);
        assertEq(wallet.isValidSignature(_HASH, signature), _MAGIC);
    }

    /// @dev Asks with ever less gas: each time what was left over, and a little less, is taken away.
    function assertMagicOrRevert(bytes memory signature) private view {
        bytes memory call = abi.encodeCall(wallet.isValidSignature, (_HASH, signature));
        uint256 enough = gasleft();
        assertEq(wallet.isValidSignature(_HASH, signature), _MAGIC);
        enough -= gasleft();
        uint256 reverts;
        // Steps of one part in 512: what is left to a caller (1/64) is several.
        for (uint256 gasLimit = enough; gasLimit > 4000; gasLimit -= 1 + gasLimit / 512) {
            (bool success, bytes memory answer) = account.staticcall{gas: gasLimit}(call);
            if (success) assertEq(bytes4(answer), _MAGIC, vm.toString(gasLimit));
            else ++reverts;
        }
        assertGt(reverts, 100);
    }

    function signPersonal(Keystore memory keystore_, address signingWallet)
        private
        view
        returns (bytes memory)
    {
        return sign(keystore_, personalDigest(signingWallet));
    }

    function personalDigest(address signingWallet) private view returns (bytes32) {
        return domainOf(signingWallet).personalDigest(_HASH);
    }

    /// @dev The `Mail` that `types` describe, the name `Mail` first in the nested type.
    function signTyped(address signingWallet, string memory types, string memory description)
        private
        view
        returns (bytes memory)
    {
        bytes32 digest = domainOf(signingWallet).typedDigest(_APPLICATION, _CONTENTS, "Mail", types);
        return ERC7739Utils.encodeTypedDataSig(sign(initial(), digest), _APPLICATION, _CONTENTS, description);
    }

    function typedHash() private pure returns (bytes32) {
        return TestNesting.digest(_APPLICATION, _CONTENTS);
    }
}
