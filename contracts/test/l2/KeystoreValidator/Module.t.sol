// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PackedUserOperation} from "@openzeppelin/contracts/interfaces/draft-IERC7579.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {ERC7739Utils} from "@openzeppelin/contracts/utils/cryptography/draft-ERC7739Utils.sol";

import {IKeystoreReplica} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {IKeystoreValidator} from "keyroll/l2/interfaces/IKeystoreValidator.sol";
import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {KeystoreValidator} from "keyroll/l2/KeystoreValidator.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {OwnerSignature} from "keyroll/libraries/OwnerSignature.sol";
import {TestDomain, TestNesting} from "../../kit/TestNesting.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestSigner} from "../../kit/TestSigner.sol";
import {ValidatorTest} from "./ValidatorTest.sol";

/// @notice Answers `eip712Domain` as it is told.
contract DomainTeller {
    bool private _fails;
    bytes private _answer;

    function tell(bool fails, bytes memory answer) external {
        (_fails, _answer) = (fails, answer);
    }

    fallback() external {
        bytes memory answer = _answer;
        if (_fails) {
            assembly {
                revert(add(answer, 0x20), mload(answer))
            }
        }
        assembly {
            return(add(answer, 0x20), mload(answer))
        }
    }
}

/// @notice The module alone: what it says to whoever calls it.
contract ModuleTest is ValidatorTest {
    bytes32 private constant _HASH = keccak256("user operation");
    bytes32 private constant _APPLICATION = keccak256("the application's domain separator");
    bytes32 private constant _CONTENTS = keccak256("hashStruct of a Mail");
    string private constant _TYPE = "Mail(address to,string contents)";

    function setUp() public override {
        super.setUp();
        vm.prank(account);
        validator.onInstall(abi.encode(id));
    }

    function test_is_a_validator_and_nothing_else() public view {
        for (uint256 moduleType = 0; moduleType < 16; ++moduleType) {
            assertEq(validator.isModuleType(moduleType), moduleType == 1);
        }
    }

    function test_fuzz_installs_for_the_caller_alone(address another) public {
        vm.assume(another != account);
        assertEq(validator.idOf(account), id);
        assertTrue(validator.isInitialized(account));
        assertFalse(validator.isInitialized(another));
        vm.expectEmit(address(validator));
        emit IKeystoreValidator.KeystoreInstalled(another, "another keystore");
        vm.prank(another);
        validator.onInstall(abi.encode(bytes32("another keystore")));
        assertEq(validator.idOf(account), id);
    }

    function test_installs_once() public {
        vm.expectRevert(abi.encodeWithSelector(IKeystoreValidator.AlreadyInstalled.selector, account, id));
        vm.prank(account);
        validator.onInstall(abi.encode(bytes32("another keystore")));
    }

    function test_installs_one_keystore_and_nothing_else() public {
        vm.expectRevert(IKeystoreValidator.KeystoreZero.selector);
        validator.onInstall(abi.encode(bytes32(0)));
        bytes[3] memory malformed = [bytes(""), new bytes(31), abi.encode(id, id)];
        for (uint256 i = 0; i < malformed.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IKeystoreValidator.MalformedInstallation.selector, malformed[i].length)
            );
            validator.onInstall(malformed[i]);
        }
    }

    function test_uninstalls_and_installs_again() public {
        bytes memory signature = sign(initial(), _HASH);
        bytes memory personal = sign(initial(), moduleDomain(account).personalDigest(MESSAGE));
        vm.startPrank(account);
        vm.expectEmit(address(validator));
        emit IKeystoreValidator.KeystoreUninstalled(account, id);
        validator.onUninstall("whatever");
        assertFalse(validator.isInitialized(account));

        bytes memory notInstalled = abi.encodeWithSelector(IKeystoreValidator.NotInstalled.selector, account);
        vm.expectRevert(notInstalled);
        validator.validateUserOp(operation(signature), _HASH);
        vm.expectRevert(notInstalled);
        validator.onUninstall("");
        assertEq(validator.isValidSignatureWithSender(account, MESSAGE, personal), NOT_VALID);

        validator.onInstall(abi.encode(id));
        assertEq(validator.validateUserOp(operation(signature), _HASH), 0);
        assertEq(validator.isValidSignatureWithSender(account, MESSAGE, personal), MAGIC);
    }

    function test_account_without_keystore_approves_nothing_whatever_the_replica_says() public {
        bytes memory signature = sign(initial(), _HASH);
        vm.mockCall(
            address(replica),
            abi.encodeWithSelector(IKeystoreReplica.checkApprovals.selector),
            abi.encode(type(uint48).max)
        );
        vm.prank(account);
        assertEq(validator.isValidSignatureWithSender(account, MESSAGE, signature), MAGIC);
        vm.prank(makeAddr("another"));
        assertEq(validator.isValidSignatureWithSender(account, MESSAGE, signature), NOT_VALID);
    }

    function test_fuzz_nobody_validates_for_an_account_but_itself(address another) public {
        vm.assume(another != account);
        PackedUserOperation memory op = operation(sign(initial(), _HASH));
        op.sender = account;
        bytes memory personal = sign(initial(), moduleDomain(account).personalDigest(MESSAGE));
        vm.startPrank(another);
        vm.expectRevert(abi.encodeWithSelector(IKeystoreValidator.NotInstalled.selector, another));
        validator.validateUserOp(op, _HASH);
        assertEq(validator.isValidSignatureWithSender(account, MESSAGE, personal), NOT_VALID);
    }

    /// @dev Whoever installs somebody's keystore obeys its signers, and gains nothing else.
    function test_account_that_obeys_the_same_keystore_cannot_speak_for_the_first() public {
        address another = makeAddr("another");
        vm.prank(another);
        validator.onInstall(abi.encode(id));
        bytes memory personal = sign(initial(), moduleDomain(account).personalDigest(MESSAGE));
        assertEq(ask(another, MESSAGE, personal), NOT_VALID);
        assertEq(ask(account, MESSAGE, personal), MAGIC);
        personal = sign(initial(), moduleDomain(another).personalDigest(MESSAGE));
        assertEq(ask(account, MESSAGE, personal), NOT_VALID);
        assertEq(ask(another, MESSAGE, personal), MAGIC);
    }

    function test_reads_the_record_of_the_calling_account_alone() public {
        address another = makeAddr("another");
        vm.prank(another);
        validator.onInstall(abi.encode(id));
        Keystore memory next = keystore(2, 1);
        preconfirm(initial(), next);

        assertEq(validate(account, sign(next, _HASH)), 0);
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        validate(another, sign(next, _HASH));
        assertEq(validate(another, sign(initial(), _HASH)), 0);
    }

    function test_set_config_is_preconfirmed_for_the_calling_account_alone() public {
        address another = makeAddr("another");
        vm.prank(another);
        validator.onInstall(abi.encode(id));
        Keystore memory next = keystore(2, 1);
        assertEq(validate(another, signPreconfirming(initial(), next, _HASH)), 0);
        assertEq(replica.headNonce(id, another), 1);
        assertEq(replica.headNonce(id, account), 0);
    }

    function test_set_config_of_another_keystore_makes_nobody_a_signer() public {
        Keystore memory own = keystore(1, 7, 0, 0);
        Keystore memory ownNext = keystore(1, 8, 1, 0);
        bytes32 accountsId = id;
        id = own.config.hash();
        bytes memory signature = signPreconfirming(own, ownNext, _HASH);
        id = accountsId;
        vm.expectPartialRevert(IKeystoreReplica.ConfigMismatch.selector);
        validate(account, signature);
    }

    function test_wrong_key_or_digest_is_a_failed_signature() public {
        assertEq(validate(account, sign(initial(), "another")), 1);
        bytes memory signature =
            abi.encodePacked(uint8(0), abi.encode(initial().config, approve(keystore(2, 0), _HASH)));
        assertEq(validate(account, signature), 1);
    }

    /// @dev Else bundlers, which sign an estimate with any key, would find too little gas enough.
    function test_want_of_gas_is_never_a_failed_signature() public {
        // Where a contract checks P-256, what it leaves of much gas would suffice to call the signature a failed one.
        vm.mockCall(address(0x100), bytes(""), "");
        replica = new KeystoreReplica(parameters());
        vm.clearMockedCalls();
        validator = new KeystoreValidator(replica);
        vm.prank(account);
        validator.onInstall(abi.encode(id));
        Keystore memory next = keystore(2, 2, 1, 0);
        confirm(1, next.config, true);
        bytes memory signature = sign(next, _HASH);
        uint256 enough = gasleft();
        assertEq(validate(account, signature), 0);
        enough -= gasleft();
        PackedUserOperation memory op = operation(signature);
        vm.startPrank(account);
        for (uint256 gasLimit = enough; gasLimit > 4000; gasLimit -= 1 + gasLimit / 512) {
            try validator.validateUserOp{gas: gasLimit}(op, _HASH) returns (uint256 data) {
                assertEq(data, 0, vm.toString(gasLimit));
            } catch {}
        }
    }

    function test_what_no_digest_could_make_valid_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(OwnerSignature.UnknownSignatureMode.selector, 2));
        validate(account, hex"02");
        vm.expectRevert(OwnerSignature.SignatureTooShort.selector);
        validate(account, "");
        vm.expectRevert(OwnerSignature.SignatureTooShort.selector);
        validate(account, new bytes(1 + 9 * 32 - 1));
    }

    /// @dev Of every secp256k1 signature there is another with high s.
    function test_signature_with_high_s_is_a_failed_one() public {
        Approval[] memory approvals = approve(initial(), _HASH);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(1, _HASH);
        assertEq(approvals[0].signature, abi.encodePacked(r, s, v));
        uint256 highS = TestSigner.N_SECP256K1 - uint256(s);
        approvals[0].signature = abi.encodePacked(r, highS, v == 27 ? 28 : 27);
        assertEq(validate(account, abi.encodePacked(uint8(0), abi.encode(initial().config, approvals))), 1);
    }

    function test_validity_ends_when_the_config_becomes_stale() public {
        Keystore memory mayBeStale = keystore(1, 2, 1, 20 days);
        confirm(0, mayBeStale.config, true);
        assertEq(validate(account, sign(mayBeStale, _HASH)), uint256(GENESIS + 20 days) << 160);
        bytes memory personal = sign(mayBeStale, moduleDomain(account).personalDigest(MESSAGE));
        vm.warp(GENESIS + 20 days);
        assertEq(ask(account, MESSAGE, personal), MAGIC);
        vm.warp(GENESIS + 20 days + 1);
        assertEq(ask(account, MESSAGE, personal), NOT_VALID);
        // Validation reads no clock; the EntryPoint compares.
        assertEq(validate(account, sign(mayBeStale, _HASH)), uint256(GENESIS + 20 days) << 160);
    }

    function test_without_a_replica_nothing_is_valid() public {
        bytes memory personal = sign(initial(), moduleDomain(account).personalDigest(MESSAGE));
        bytes memory signature = sign(initial(), _HASH);
        vm.etch(address(replica), "");
        vm.expectRevert();
        validate(account, signature);
        assertEq(ask(account, MESSAGE, personal), NOT_VALID);
    }

    function test_says_that_it_nests_as_ERC7739() public {
        bytes32 probe = 0x7739773977397739773977397739773977397739773977397739773977397739;
        assertEq(ask(account, probe, ""), bytes4(0x77390001));
        assertEq(ask(account, MESSAGE, ""), NOT_VALID);
    }

    function test_signature_over_the_bare_hash_is_not_valid() public {
        assertEq(ask(account, MESSAGE, sign(initial(), MESSAGE)), NOT_VALID);
    }

    function test_signature_may_not_carry_a_set_config() public {
        bytes32 digest = moduleDomain(account).personalDigest(MESSAGE);
        assertEq(ask(account, MESSAGE, signPreconfirming(initial(), keystore(2, 1), digest)), NOT_VALID);
    }

    function test_signature_for_another_chain_is_not_valid() public {
        bytes memory personal = sign(initial(), moduleDomain(account).personalDigest(MESSAGE));
        bytes memory typed = signTyped(moduleDomain(account));
        assertEq(ask(account, MESSAGE, personal), MAGIC);
        assertEq(ask(account, typedHash(), typed), MAGIC);
        vm.chainId(block.chainid + 1);
        assertEq(ask(account, MESSAGE, personal), NOT_VALID);
        assertEq(ask(account, typedHash(), typed), NOT_VALID);
    }

    function test_fuzz_garbage_is_not_valid_and_reverts_not(bytes32 hash, bytes calldata signature) public {
        vm.assume(hash != 0x7739773977397739773977397739773977397739773977397739773977397739);
        assertEq(ask(account, hash, signature), NOT_VALID);
    }

    function test_nests_in_the_domain_that_the_account_names() public {
        address teller = newTeller();
        TestDomain memory domain = TestDomain("Its Wallet", "3", block.chainid, teller);
        DomainTeller(teller).tell(false, answerOf(domain, hex"0f", 0));
        assertEq(validator.domainSeparatorOf(teller), domain.separator());
        assertEq(ask(teller, MESSAGE, sign(initial(), domain.personalDigest(MESSAGE))), MAGIC);
        assertEq(ask(teller, typedHash(), signTyped(domain)), MAGIC);
        assertEq(
            ask(teller, MESSAGE, sign(initial(), moduleDomain(teller).personalDigest(MESSAGE))), NOT_VALID
        );
    }

    function test_nests_in_a_domain_without_name_and_version() public {
        address teller = newTeller();
        TestDomain memory domain = TestDomain("", "", block.chainid, teller);
        DomainTeller(teller).tell(false, answerOf(domain, hex"0f", 0));
        assertEq(validator.domainSeparatorOf(teller), domain.separator());
        assertEq(ask(teller, MESSAGE, sign(initial(), domain.personalDigest(MESSAGE))), MAGIC);
    }

    /// @dev Else two accounts could name one domain, and a signature for one would count for the other.
    function test_domain_that_is_not_of_this_chain_and_account_alone_is_not_taken() public {
        address teller = newTeller();
        TestDomain[2] memory foreign = [
            TestDomain("Its Wallet", "3", block.chainid + 1, teller),
            TestDomain("Its Wallet", "3", block.chainid, account)
        ];
        for (uint256 i = 0; i < foreign.length; ++i) {
            DomainTeller(teller).tell(false, answerOf(foreign[i], hex"0f", 0));
            assertOwnDomain(teller, foreign[i]);
        }
        TestDomain memory domain = TestDomain("Its Wallet", "3", block.chainid, teller);
        bytes1[4] memory fields = [bytes1(0x07), 0x0b, 0x0e, 0x1f];
        for (uint256 i = 0; i < fields.length; ++i) {
            DomainTeller(teller).tell(false, answerOf(domain, fields[i], "salt"));
            assertOwnDomain(teller, domain);
        }
        bytes[2] memory reasons = [bytes(""), answerOf(domain, hex"0f", 0)];
        for (uint256 i = 0; i < reasons.length; ++i) {
            DomainTeller(teller).tell(true, reasons[i]);
            assertOwnDomain(teller, domain);
        }
        // As accounts do whose fallback takes every call.
        DomainTeller(teller).tell(false, "");
        assertOwnDomain(teller, domain);
        DomainTeller(teller).tell(false, abi.encode(uint256(1)));
        assertOwnDomain(teller, domain);
    }

    /// @dev As accounts may answer whose fallback takes every call.
    function test_answer_that_is_no_domain_is_not_taken() public {
        address teller = newTeller();
        TestDomain memory domain = TestDomain("Its Wallet", "3", block.chainid, teller);
        bytes[3] memory answers =
            [new bytes(320), bytes.concat(IERC5267.eip712Domain.selector, new bytes(400)), new bytes(320)];
        for (uint256 i = 0; i < 320; ++i) {
            answers[2][i] = 0xff;
        }
        for (uint256 i = 0; i < answers.length; ++i) {
            DomainTeller(teller).tell(false, answers[i]);
            assertOwnDomain(teller, domain);
        }
        // The places of name, version and extensions, and the last two's lengths, each made as great as it gets, and that
        // of the answer's last part just too great.
        uint256[5] memory words = [uint256(1), 2, 6, 9, 11];
        for (uint256 i = 0; i < words.length; ++i) {
            bytes memory answer = answerOf(domain, hex"0f", 0);
            assertEq(answer.length, 12 * 32);
            uint256[3] memory values = [type(uint256).max, answer.length - 31, answer.length];
            for (uint256 j = 0; j < values.length; ++j) {
                DomainTeller(teller).tell(false, withWord(answer, words[i], values[j]));
                assertOwnDomain(teller, domain);
            }
        }
        // More than that address, fields, or an extension.
        DomainTeller(teller)
            .tell(false, withWord(answerOf(domain, hex"0f", 0), 4, uint160(teller) | 1 << 160));
        assertOwnDomain(teller, domain);
        DomainTeller(teller).tell(false, withWord(answerOf(domain, hex"0f", 0), 0, 0x0f << 248 | 1));
        assertOwnDomain(teller, domain);
        DomainTeller(teller)
            .tell(false, bytes.concat(withWord(answerOf(domain, hex"0f", 0), 11, 1), bytes32(0)));
        assertOwnDomain(teller, domain);
    }

    /// @dev Compared with Solidity's own decoding: what that refuses is no domain, and nothing reverts.
    function test_fuzz_takes_what_decodes(uint256[3] memory places, uint256[3] memory lengths, uint256 size)
        public
    {
        address teller = newTeller();
        bytes memory answer = new bytes(bound(size, 320, 448));
        for (uint256 i = 0; i < answer.length; ++i) {
            answer[i] = bytes1(uint8(i));
        }
        answer = withWord(answer, 0, 0x0f << 248);
        answer = withWord(answer, 3, block.chainid);
        answer = withWord(answer, 4, uint160(teller));
        uint256[3] memory words = [uint256(1), 2, 6];
        for (uint256 i = 0; i < 3; ++i) {
            places[i] = bound(places[i], 7 * 32, answer.length + 8);
            answer = withWord(answer, words[i], places[i]);
            if (places[i] + 32 > answer.length) continue;
            lengths[i] = bound(lengths[i], 0, i == 2 ? 1 : answer.length - places[i] - 16);
            assembly ("memory-safe") {
                mstore(
                    add(add(answer, 0x20), mload(add(places, mul(i, 0x20)))),
                    mload(add(lengths, mul(i, 0x20)))
                )
            }
        }
        TestDomain memory expected = moduleDomain(teller);
        try this.decode(answer) returns (string memory name, string memory version, uint256 extensions) {
            if (extensions == 0) expected = TestDomain(name, version, block.chainid, teller);
        } catch {}
        DomainTeller(teller).tell(false, answer);
        assertEq(validator.domainSeparatorOf(teller), expected.separator());
    }

    function decode(bytes calldata answer) external pure returns (string memory, string memory, uint256) {
        (, string memory name, string memory version,,,, uint256[] memory extensions) =
            abi.decode(answer, (bytes1, string, string, uint256, address, bytes32, uint256[]));
        return (name, version, extensions.length);
    }

    function withWord(bytes memory answer, uint256 at, uint256 word)
        private
        pure
        returns (bytes memory changed)
    {
        changed = bytes.concat(answer);
        assembly ("memory-safe") {
            mstore(add(add(changed, 0x20), mul(at, 0x20)), word)
        }
    }

    function assertOwnDomain(address teller, TestDomain memory told) private {
        assertEq(validator.domainSeparatorOf(teller), moduleDomain(teller).separator());
        assertEq(ask(teller, MESSAGE, sign(initial(), moduleDomain(teller).personalDigest(MESSAGE))), MAGIC);
        assertEq(ask(teller, MESSAGE, sign(initial(), told.personalDigest(MESSAGE))), NOT_VALID);
    }

    function newTeller() private returns (address teller) {
        teller = address(new DomainTeller());
        vm.prank(teller);
        validator.onInstall(abi.encode(id));
    }

    function answerOf(TestDomain memory domain, bytes1 fields, bytes32 salt)
        private
        pure
        returns (bytes memory)
    {
        return abi.encode(
            fields, domain.name, domain.version, domain.chainId, domain.account, salt, new uint256[](0)
        );
    }

    function validate(address caller, bytes memory signature) private returns (uint256) {
        vm.prank(caller);
        return validator.validateUserOp(operation(signature), _HASH);
    }

    function ask(address caller, bytes32 hash, bytes memory signature) private returns (bytes4) {
        vm.prank(caller);
        return validator.isValidSignatureWithSender(address(this), hash, signature);
    }

    function operation(bytes memory signature) private pure returns (PackedUserOperation memory op) {
        op.signature = signature;
    }

    function signTyped(TestDomain memory domain) private pure returns (bytes memory) {
        bytes memory inner = sign(initial(), domain.typedDigest(_APPLICATION, _CONTENTS, "Mail", _TYPE));
        return ERC7739Utils.encodeTypedDataSig(inner, _APPLICATION, _CONTENTS, _TYPE);
    }

    function typedHash() private pure returns (bytes32) {
        return TestNesting.digest(_APPLICATION, _CONTENTS);
    }
}
