// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {SetConfigHarness} from "../harness/SetConfigHarness.sol";
import {Signer, TestSigner} from "../kit/TestSigner.sol";
import {VectorTest} from "../kit/VectorTest.sol";

contract SignatureTest is VectorTest {
    SetConfigHarness private _native = new SetConfigHarness(false);
    SetConfigHarness private _fallback = new SetConfigHarness(true);

    function test_answers_are_those_of_the_vectors() public view {
        string memory json = readVectors("signatures.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertGt(count, 0);
        for (uint256 i = 0; i < count; ++i) {
            string memory name = vm.parseJsonString(json, path("cases", i, "name"));
            uint8 scheme = uint8(vm.parseJsonUint(json, path("cases", i, "scheme")));
            bytes memory key = vm.parseJsonBytes(json, path("cases", i, "key"));
            bytes32 digest = vm.parseJsonBytes32(json, path("cases", i, "digest"));
            bytes memory signature = vm.parseJsonBytes(json, path("cases", i, "signature"));
            bool valid = vm.parseJsonBool(json, path("cases", i, "valid"));
            assertEq(isValid(_native, scheme, key, digest, signature), valid, name);
            assertEq(isValid(_fallback, scheme, key, digest, signature), valid, name);
        }
    }

    function test_precompile_is_found_where_it_is() public view {
        assertTrue(_native.hasPrecompile());
    }

    function test_contract_at_0x100_that_says_yes_to_all_is_no_precompile() public {
        vm.mockCall(address(0x100), bytes(""), abi.encode(1));
        assertFalse(_native.hasPrecompile());
    }

    function test_contract_at_0x100_that_says_nothing_is_no_precompile() public {
        vm.mockCall(address(0x100), bytes(""), "");
        assertFalse(_native.hasPrecompile());
    }

    function test_precompile_that_reverts_is_none() public {
        vm.mockCallRevert(address(0x100), bytes(""), "");
        assertFalse(_native.hasPrecompile());
    }

    /// @dev It would leave callers without gas, or without knowing whether that was why.
    function test_precompile_that_takes_good_signatures_and_reverts_at_bad_ones_is_none() public {
        vm.mockCallRevert(address(0x100), bytes(""), "");
        vm.mockCall(address(0x100), abi.encode(uint256(1)), abi.encode(1));
        assertFalse(_native.hasPrecompile());
        vm.mockCall(address(0x100), abi.encode(uint256(2)), "");
        assertTrue(_native.hasPrecompile());
    }

    function test_verifier_that_fails_has_said_nothing_about_the_signature() public {
        bytes memory rs = TestSigner.signP256(42, "hash");
        (bytes32 r, bytes32 s) = abi.decode(rs, (bytes32, bytes32));
        (uint256 x, uint256 y) = vm.publicKeyP256(42);
        vm.mockCallRevert(address(0x100), bytes(""), "why");
        vm.expectRevert(bytes(""));
        _native.verifyP256("hash", r, s, bytes32(x), bytes32(y));
        vm.clearMockedCalls();
        // As an account without code answers, should a chain take its precompile away.
        vm.mockCall(address(0x100), bytes(""), "");
        assertFalse(_native.verifyP256("hash", r, s, bytes32(x), bytes32(y)));
    }

    function test_fallback_answers_nothing_to_other_input(bytes memory input) public {
        vm.assume(input.length != 160);
        (bool success, bytes memory answer) = _fallback.p256Verifier().call(input);
        assertTrue(success);
        assertEq(answer.length, 0);
    }

    function test_fuzz_own_signatures_are_valid(uint256 privateKey, bytes32 digest) public view {
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Signer memory signer =
                Signer(scheme, bound(privateKey, 1, (scheme == 1 ? TestSigner.N_SECP256K1 : P256.N) - 1));
            bytes memory signature = signer.sign(digest);
            assertTrue(isValid(_native, scheme, signer.keyOf(), digest, signature));
            assertTrue(isValid(_fallback, scheme, signer.keyOf(), digest, signature));
        }
    }

    function test_fuzz_changed_signatures_are_not(bytes32 digest, uint256 at, uint8 flip) public view {
        flip = uint8(bound(flip, 1, 255));
        for (uint8 scheme = 1; scheme <= 3; ++scheme) {
            Signer memory signer = Signer(scheme, 42);
            bytes memory signature = signer.sign(digest);
            signature[at % signature.length] ^= bytes1(flip);
            assertFalse(isValid(_native, scheme, signer.keyOf(), digest, signature));
            assertFalse(isValid(_fallback, scheme, signer.keyOf(), digest, signature));
        }
    }

    /// @dev There, a call of it finds no code and succeeds: what the caller left in memory would stand for the hash.
    function test_p256_signs_nothing_on_a_chain_without_sha256() public {
        bytes32 digest = keccak256("digest");
        for (uint8 scheme = 2; scheme <= 3; ++scheme) {
            Signer memory signer = Signer(scheme, 42);
            bytes memory key = signer.keyOf();
            bytes memory signature = signer.sign(digest);
            bytes memory overDigest = TestSigner.signP256(42, digest);
            assertTrue(_native.verify(scheme, key, digest, signature));
            if (scheme == 2) signature = overDigest;
            vm.mockCall(address(0x02), bytes(""), bytes(""));
            vm.expectRevert(bytes(""));
            _native.verify(scheme, key, digest, signature);
            vm.clearMockedCalls();
        }
    }

    function test_fuzz_high_s_is_not_valid(bytes32 digest) public view {
        Signer memory signer = Signer(1, 42);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(42, digest);
        bytes32 high = bytes32(TestSigner.N_SECP256K1 - uint256(s));
        assertFalse(isValid(_native, 1, signer.keyOf(), digest, abi.encodePacked(r, high, v == 27 ? 28 : 27)));

        bytes memory rs = TestSigner.signP256(42, digest);
        (r, s) = abi.decode(rs, (bytes32, bytes32));
        (uint256 x, uint256 y) = vm.publicKeyP256(42);
        assertTrue(_native.verifyP256(digest, r, s, bytes32(x), bytes32(y)));
        high = bytes32(P256.N - uint256(s));
        assertFalse(_native.verifyP256(digest, r, high, bytes32(x), bytes32(y)));
        assertFalse(_fallback.verifyP256(digest, r, high, bytes32(x), bytes32(y)));
    }

    function test_fuzz_precompile_and_fallback_agree(bytes32 hash, bytes32 r, bytes32 s, uint256 privateKey)
        public
        view
    {
        (uint256 x, uint256 y) = vm.publicKeyP256(bound(privateKey, 1, P256.N - 1));
        bool native = _native.verifyP256(hash, r, s, bytes32(x), bytes32(y));
        assertEq(_fallback.verifyP256(hash, r, s, bytes32(x), bytes32(y)), native);
    }

    /// @dev Where additions meet their special cases: the key is a small multiple of the generator, or of its negative,
    /// and so is the point `R`.
    function test_keys_and_nonces_next_to_the_generator_sign() public view {
        for (uint256 small = 1; small <= 8; ++small) {
            for (uint256 nonce = 1; nonce <= 4; ++nonce) {
                assertSignsWithNonce(small, nonce, keccak256(abi.encode(small, nonce)));
                assertSignsWithNonce(P256.N - small, nonce, bytes32(0));
                assertSignsWithNonce(P256.N - small, nonce, bytes32(type(uint256).max));
            }
        }
    }

    /// @dev `hash = -r * privateKey` makes `R` the point at infinity, whatever `s` is.
    function test_fuzz_point_at_infinity_is_no_signature(uint256 privateKey, uint256 r, uint256 s)
        public
        view
    {
        privateKey = bound(privateKey, 1, P256.N - 1);
        r = bound(r, 1, P256.N - 1);
        s = bound(s, 1, P256.N / 2);
        bytes32 hash = bytes32(P256.N - mulmod(r, privateKey, P256.N));
        (uint256 x, uint256 y) = vm.publicKeyP256(privateKey);
        assertFalse(_native.verifyP256(hash, bytes32(r), bytes32(s), bytes32(x), bytes32(y)));
        assertFalse(_fallback.verifyP256(hash, bytes32(r), bytes32(s), bytes32(x), bytes32(y)));
    }

    function test_key_off_the_curve_signs_nothing() public view {
        (bytes32 r, bytes32 s) = vm.signP256(42, keccak256("hash"));
        (uint256 x, uint256 y) = vm.publicKeyP256(42);
        assertFalse(_native.verifyP256(keccak256("hash"), r, s, bytes32(x), bytes32(y + 1)));
        assertFalse(_fallback.verifyP256(keccak256("hash"), r, s, bytes32(x), bytes32(y + 1)));
        assertFalse(_native.verifyP256(keccak256("hash"), r, s, 0, 0));
        assertFalse(_fallback.verifyP256(keccak256("hash"), r, s, 0, 0));
    }

    /// @dev Chains may have precompiles that are laxer: the answer is to be the same on all.
    function test_ranges_and_curve_are_checked_whatever_the_verifier_checks() public {
        vm.etch(_fallback.p256Verifier(), hex"60015f5260205ff3"); // says yes to all
        (bytes32 x, bytes32 y) = (bytes32(P256.GX), bytes32(P256.GY));
        bytes32[2] memory r = [bytes32(uint256(1)), bytes32(P256.N - 1)];
        bytes32[2] memory s = [bytes32(uint256(1)), bytes32(P256.N / 2)];
        for (uint256 i = 0; i < 2; ++i) {
            assertTrue(_fallback.verifyP256("hash", r[i], s[i], x, y));
            assertFalse(_fallback.verifyP256("hash", r[i], s[i], y, x));
            assertFalse(_fallback.verifyP256("hash", r[i], s[i], 0, 0));
            assertFalse(_fallback.verifyP256("hash", 0, s[i], x, y));
            assertFalse(_fallback.verifyP256("hash", bytes32(P256.N), s[i], x, y));
            assertFalse(_fallback.verifyP256("hash", bytes32(P256.N + 1), s[i], x, y));
            assertFalse(_fallback.verifyP256("hash", r[i], 0, x, y));
            assertFalse(_fallback.verifyP256("hash", r[i], bytes32(P256.N / 2 + 1), x, y));
        }
    }

    function assertSignsWithNonce(uint256 privateKey, uint256 nonce, bytes32 hash) private view {
        (uint256 x, uint256 y) = vm.publicKeyP256(privateKey);
        (uint256 r,) = vm.publicKeyP256(nonce);
        uint256 s = addmod(uint256(hash) % P256.N, mulmod(r % P256.N, privateKey, P256.N), P256.N);
        s = mulmod(s, Math.invModPrime(nonce, P256.N), P256.N);
        if (s > P256.N / 2) s = P256.N - s;
        assertTrue(_native.verifyP256(hash, bytes32(r % P256.N), bytes32(s), bytes32(x), bytes32(y)));
        assertTrue(_fallback.verifyP256(hash, bytes32(r % P256.N), bytes32(s), bytes32(x), bytes32(y)));
    }

    function isValid(
        SetConfigHarness harness,
        uint8 scheme,
        bytes memory key,
        bytes32 digest,
        bytes memory signature
    ) private view returns (bool) {
        try harness.verify(scheme, key, digest, signature) returns (bool valid) {
            return valid;
        } catch {
            return false;
        }
    }
}
