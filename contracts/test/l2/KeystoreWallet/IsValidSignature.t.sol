// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Approval} from "keyroll/libraries/Approval.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {WalletTest} from "./WalletTest.sol";

contract IsValidSignatureTest is WalletTest {
    bytes4 private constant _MAGIC = 0x1626ba7e;
    bytes4 private constant _NOT_VALID = 0xffffffff;
    bytes32 private constant _HASH = keccak256("message");

    function test_domain_is_the_wallets_own() public view {
        assertEq(wallet.domainSeparator(), domainSeparator(block.chainid, account));
    }

    function test_signers_in_force_sign_for_the_wallet() public {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Keystore memory next = keystore(scheme, 2, scheme, 0);
            confirm(scheme, next.config, true);
            assertEq(wallet.isValidSignature(_HASH, sign(next, account)), _MAGIC);
            assertEq(wallet.isValidSignature(keccak256("another"), sign(next, account)), _NOT_VALID);
        }
    }

    function test_replaced_signer_signs_no_more() public {
        bytes memory signature = sign(initial(), account);
        assertEq(wallet.isValidSignature(_HASH, signature), _MAGIC);
        preconfirm(initial(), keystore(2, 1));
        assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
    }

    function test_signature_for_another_wallet_of_the_signer_is_not_valid() public {
        assertEq(wallet.isValidSignature(_HASH, sign(initial(), makeAddr("another wallet"))), _NOT_VALID);
    }

    function test_signature_for_another_chain_is_not_valid() public {
        bytes memory signature = sign(initial(), account);
        vm.chainId(block.chainid + 1);
        assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
    }

    function test_signature_over_the_bare_hash_is_not_valid() public view {
        bytes memory signature = abi.encode(initial().config, approve(initial(), _HASH));
        assertEq(wallet.isValidSignature(_HASH, signature), _NOT_VALID);
    }

    function test_stale_wallet_signs_nothing() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        vm.warp(GENESIS + 20 days);
        assertEq(wallet.isValidSignature(_HASH, sign(mayBeStale, account)), _MAGIC);
        vm.warp(GENESIS + 20 days + 1);
        assertEq(wallet.isValidSignature(_HASH, sign(mayBeStale, account)), _NOT_VALID);
    }

    function sign(Keystore memory keystore_, address signingWallet) private view returns (bytes memory) {
        bytes32 structHash = keccak256(abi.encode(keccak256("Message(bytes32 hash)"), _HASH));
        bytes32 digest =
            keccak256(abi.encodePacked(hex"1901", domainSeparator(block.chainid, signingWallet), structHash));
        return abi.encode(keystore_.config, approve(keystore_, digest));
    }
}
