// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {Approval} from "keyroll/libraries/Approval.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {Authority, ConfigLib, ConfigLimits, ShortConfig} from "keyroll/libraries/Config.sol";
import {SetConfigLib} from "keyroll/libraries/SetConfig.sol";
import {SetConfigHarness} from "../harness/SetConfigHarness.sol";
import {Keystore, RawSetConfig, TestSetConfig} from "../kit/TestSetConfig.sol";
import {Signer, TestSigner} from "../kit/TestSigner.sol";
import {VectorTest} from "../kit/VectorTest.sol";

contract SetConfigTest is VectorTest {
    uint64 private constant _L2_CHAIN_ID = 4_200_001;

    SetConfigHarness private _harness = new SetConfigHarness(false);
    SetConfigHarness private _fallback = new SetConfigHarness(true);

    mapping(string reason => bytes4) private _selectorOf;

    function setUp() public {
        _selectorOf["NONCE_TOO_LOW"] = SetConfigLib.NonceTooLow.selector;
        _selectorOf["NONCE_TOO_HIGH"] = SetConfigLib.NonceTooHigh.selector;
        _selectorOf["CONFIG_NOT_WELL_FORMED"] = ConfigLib.ConfigNotWellFormed.selector;
        _selectorOf["WRONG_APPROVAL_COUNT"] = Approvals.WrongApprovalCount.selector;
        _selectorOf["APPROVALS_NOT_ASCENDING"] = Approvals.ApprovalsNotAscending.selector;
        _selectorOf["NOT_A_SIGNER"] = Approvals.NotASigner.selector;
        _selectorOf["BAD_SIGNATURE"] = Approvals.BadSignature.selector;
        _selectorOf["UNEXPECTED_OPENINGS"] = Approvals.UnexpectedOpenings.selector;
        _selectorOf["WRONG_OPENING_COUNT"] = Approvals.WrongOpeningCount.selector;
        _selectorOf["OPENINGS_NOT_ASCENDING"] = Approvals.OpeningsNotAscending.selector;
        _selectorOf["OPENING_NOT_IN_ROOT"] = Approvals.OpeningNotInRoot.selector;
        _selectorOf["BAD_OPENING_SIGNATURE"] = Approvals.BadOpeningSignature.selector;
        _selectorOf["NO_USABLE_SIGNER"] = Approvals.NoUsableSigner.selector;
    }

    function test_digests_are_those_of_the_vectors() public view {
        string memory json = readVectors("digests.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        uint256 updates = 0;
        for (uint256 i = 0; i < count; ++i) {
            bytes32 separator =
                SetConfigLib.domainSeparator(uint64(vm.parseJsonUint(json, path("cases", i, "chainId"))));
            assertEq(separator, vm.parseJsonBytes32(json, path("cases", i, "domainSeparator")));
            // A replica takes no recoveries, so it has no digest of them.
            if (vm.parseJsonUint(json, path("cases", i, "kind")) != SetConfigLib.UPDATE) continue;
            ++updates;
            bytes32 digest = SetConfigLib.updateDigest(
                separator,
                vm.parseJsonBytes32(json, path("cases", i, "id")),
                vm.parseJsonBytes32(json, path("cases", i, "previous")),
                vm.parseJsonBytes32(json, path("cases", i, "nextHash"))
            );
            assertEq(digest, vm.parseJsonBytes32(json, path("cases", i, "digest")));
        }
        assertGt(updates, 0);
    }

    function test_valid_bytes_of_the_vectors_decode_to_their_fields() public view {
        string memory json = readVectors("setconfig_codec.json");
        uint256 count = vm.parseJsonUint(json, ".validCount");
        assertGt(count, 0);
        for (uint256 i = 0; i < count; ++i) {
            uint64 chainId = uint64(vm.parseJsonUint(json, path("valid", i, "chainId")));
            bytes memory raw = vm.parseJsonBytes(json, path("valid", i, "raw"));
            string memory name = vm.parseJsonString(json, path("valid", i, "name"));
            (
                bytes32 id,
                uint8 kind,
                ShortConfig memory next,
                Approval[] memory approvals,
                Approval[] memory openings
            ) = _harness.decode(raw, chainId);
            assertEq(id, vm.parseJsonBytes32(json, path("valid", i, "id")), name);
            assertEq(kind, vm.parseJsonUint(json, path("valid", i, "kind")), name);
            assertEq(next.hash(), vm.parseJsonBytes32(json, path("valid", i, "nextHash")), name);
            assertEq(approvals.length, vm.parseJsonUint(json, path("valid", i, "approvalsCount")), name);
            assertEq(openings.length, vm.parseJsonUint(json, path("valid", i, "openingsCount")), name);
            // The codec has one form: what decodes to these lists encodes back to these bytes.
            assertTrue(contains(raw, TestSetConfig.encodeApprovals(approvals)), name);
            assertTrue(contains(raw, TestSetConfig.encodeApprovals(openings)), name);
        }
    }

    function test_malformed_bytes_of_the_vectors_do_not_decode() public view {
        string memory json = readVectors("setconfig_codec.json");
        uint256 count = vm.parseJsonUint(json, ".malformedCount");
        assertGt(count, 0);
        for (uint256 i = 0; i < count; ++i) {
            bytes memory raw = vm.parseJsonBytes(json, path("malformed", i, "raw"));
            uint64 chainId = uint64(vm.parseJsonUint(json, path("malformed", i, "chainId")));
            (bool success,) = address(_harness).staticcall(abi.encodeCall(_harness.decode, (raw, chainId)));
            assertFalse(success, vm.parseJsonString(json, path("malformed", i, "name")));
        }
    }

    function test_updates_of_the_vectors_are_valid_or_refused_for_their_reason() public view {
        string memory json = readVectors("setconfig_validity.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        uint256 updates = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (vm.parseJsonUint(json, path("cases", i, "kind")) != SetConfigLib.UPDATE) continue;
            ++updates;
            checkValidity(_harness, json, i);
            checkValidity(_fallback, json, i);
        }
        assertGt(updates, 0);
    }

    /// @dev Later ones were checked when they were the next, by the limits of then.
    function test_of_configs_in_force_only_the_initial_one_is_checked() public {
        Signer[] memory signers = new Signer[](1);
        signers[0] = Signer(1, 1);
        Keystore memory current = TestSetConfig.keystoreOf(signers, 1, 1, "stale too soon");
        Keystore memory next = TestSetConfig.keystoreOf(signers, 2, 0, "next");
        ConfigLimits memory limits = ConfigLimits({minRecoveryDelay: 0, challengePeriod: 1 days});
        bytes memory raw = TestSetConfig.encode(TestSetConfig.update(_L2_CHAIN_ID, "id", current, next));
        bytes32 nextHash = _harness.requireValidUpdate(raw, current.config, _L2_CHAIN_ID, limits);
        assertEq(nextHash, next.config.hash());

        (current.config.nonce, next.config.nonce) = (0, 1);
        bytes32 id = current.config.hash();
        raw = TestSetConfig.encode(TestSetConfig.update(_L2_CHAIN_ID, id, current, next));
        vm.expectRevert(ConfigLib.ConfigNotWellFormed.selector);
        _harness.requireValidUpdate(raw, current.config, _L2_CHAIN_ID, limits);
    }

    /// @dev Even if the id is the hash of as much of it as was read: all but the data.
    function test_initial_config_with_an_item_too_many_does_not_decode() public {
        ShortConfig memory config;
        config.signers = Authority("root", 1);
        bytes memory initial = TestSetConfig.encodeConfig(config, "data");
        assertEq(initial[0], bytes1(0xf8));
        initial[1] = bytes1(uint8(initial[1]) + 1);
        RawSetConfig memory raw;
        ShortConfig memory next;
        raw = canonical(raw, next, "");
        next.nonce = 1;
        raw.next = TestSetConfig.encodeConfig(next, "");
        raw.id = config.hash();
        raw.initial = bytes.concat(initial, hex"80");
        vm.expectRevert(SetConfigLib.MalformedSetConfig.selector);
        _harness.decode(TestSetConfig.encode(raw), _L2_CHAIN_ID);
    }

    function test_approval_with_an_item_too_many_is_named() public {
        bytes memory approvals = approvalsOf(new bytes(65), RLP.encode(uint256(1)));
        vm.expectRevert(abi.encodeWithSelector(Approvals.MalformedApproval.selector, 0));
        _harness.decode(withApprovals(approvals, TestSetConfig.EMPTY_LIST), _L2_CHAIN_ID);
    }

    /// @dev Else the end of a signature could be read once more, as the openings.
    function test_approval_that_reaches_past_its_list_does_not_decode() public {
        bytes memory signature = new bytes(65);
        signature[64] = 0xc0;
        bytes memory approvals = approvalsOf(signature, "");
        assertEq(approvals[0], bytes1(0xf8));
        approvals[1] = bytes1(uint8(approvals[1]) - 1);
        vm.expectRevert(SetConfigLib.MalformedSetConfig.selector);
        _harness.decode(withApprovals(approvals, ""), _L2_CHAIN_ID);
    }

    function test_fuzz_what_is_encoded_decodes(
        RawSetConfig memory raw,
        ShortConfig memory next,
        bytes memory data
    ) public view {
        raw = canonical(raw, next, data);
        (bytes32 id, uint8 kind, ShortConfig memory decoded,,) =
            _harness.decode(TestSetConfig.encode(raw), _L2_CHAIN_ID);
        next.dataHash = keccak256(data);
        assertEq(id, raw.id);
        assertEq(kind, raw.kind);
        assertEq(abi.encode(decoded), abi.encode(next));
    }

    function test_fuzz_bytes_cut_short_do_not_decode(ShortConfig memory next, uint256 length) public view {
        RawSetConfig memory raw;
        bytes memory encoded = TestSetConfig.encode(canonical(raw, next, "data"));
        length = bound(length, 0, encoded.length - 1);
        assembly ("memory-safe") {
            mstore(encoded, length)
        }
        assertFalse(decodes(encoded));
    }

    function test_fuzz_bytes_after_the_end_do_not_decode(ShortConfig memory next, bytes memory tail)
        public
        view
    {
        vm.assume(tail.length != 0);
        RawSetConfig memory raw;
        assertFalse(decodes(bytes.concat(TestSetConfig.encode(canonical(raw, next, "data")), tail)));
    }

    /// @dev No two byte strings decode to the same set-config: a changed byte changes a field, or is refused.
    function test_fuzz_encoding_is_unique(ShortConfig memory next, uint256 at, uint8 flip) public view {
        Signer[] memory signers = new Signer[](2);
        (signers[0], signers[1]) = (Signer(1, 1), Signer(3, 2));
        RawSetConfig memory raw;
        raw = canonical(raw, next, "data");
        raw.approvals = TestSigner.approve(signers, signers, "digest");
        raw.openings = raw.approvals;
        bytes memory encoded = TestSetConfig.encode(raw);
        bytes memory changed = bytes.concat(encoded);
        changed[at % changed.length] ^= bytes1(uint8(bound(flip, 1, 255)));
        bytes memory call = abi.encodeCall(_harness.decode, (encoded, _L2_CHAIN_ID));
        (, bytes memory fields) = address(_harness).staticcall(call);
        call = abi.encodeCall(_harness.decode, (changed, _L2_CHAIN_ID));
        (bool success, bytes memory changedFields) = address(_harness).staticcall(call);
        if (success) assertNotEq(changedFields, fields);
    }

    function test_fuzz_garbage_does_not_decode(bytes memory garbage) public view {
        assertFalse(decodes(garbage));
        assertFalse(decodes(bytes.concat(hex"4b", garbage)));
    }

    /// @dev A list of one approval, with `tail` behind its signature.
    function approvalsOf(bytes memory signature, bytes memory tail) private pure returns (bytes memory) {
        bytes[] memory fields = new bytes[](4);
        fields[0] = RLP.encode(uint256(1));
        fields[1] = RLP.encode(new bytes(20));
        fields[2] = TestSetConfig.EMPTY_LIST;
        fields[3] = bytes.concat(RLP.encode(signature), tail);
        bytes[] memory approvals = new bytes[](1);
        approvals[0] = RLP.encode(fields);
        return RLP.encode(approvals);
    }

    function withApprovals(bytes memory approvals, bytes memory openings)
        private
        pure
        returns (bytes memory)
    {
        ShortConfig memory next;
        next.nonce = 2;
        bytes[] memory items = new bytes[](6);
        items[0] = RLP.encode(uint256(_L2_CHAIN_ID));
        items[1] = RLP.encode(bytes32("id"));
        items[2] = RLP.encode(uint256(SetConfigLib.UPDATE));
        items[3] = TestSetConfig.EMPTY_LIST;
        items[4] = TestSetConfig.encodeConfig(next, "");
        items[5] = bytes.concat(approvals, openings);
        return bytes.concat(hex"4b", RLP.encode(items));
    }

    /// @dev An encodable set-config made of arbitrary values: of a later nonce, unsigned.
    function canonical(RawSetConfig memory raw, ShortConfig memory next, bytes memory data)
        private
        pure
        returns (RawSetConfig memory)
    {
        next.nonce = uint64(bound(next.nonce, 2, type(uint64).max));
        raw.chainId = _L2_CHAIN_ID;
        raw.kind %= 3;
        raw.initial = TestSetConfig.EMPTY_LIST;
        raw.next = TestSetConfig.encodeConfig(next, data);
        raw.approvals = new Approval[](0);
        raw.openings = new Approval[](0);
        return raw;
    }

    function decodes(bytes memory raw) private view returns (bool success) {
        (success,) = address(_harness).staticcall(abi.encodeCall(_harness.decode, (raw, _L2_CHAIN_ID)));
    }

    function checkValidity(SetConfigHarness harness, string memory json, uint256 i) private view {
        string memory name = vm.parseJsonString(json, path("cases", i, "name"));
        ConfigLimits memory limits = ConfigLimits({
            minRecoveryDelay: uint32(vm.parseJsonUint(json, path("cases", i, "minRecoveryDelay"))),
            challengePeriod: uint32(vm.parseJsonUint(json, path("cases", i, "challengePeriod")))
        });
        bytes memory raw = vm.parseJsonBytes(json, path("cases", i, "raw"));
        uint64 chainId = uint64(vm.parseJsonUint(json, path("cases", i, "chainId")));
        ShortConfig memory current = readCurrent(json, i);
        assertEq(current.hash(), vm.parseJsonBytes32(json, path("cases", i, "headHash")), name);
        string memory reason = vm.parseJsonString(json, path("cases", i, "reason"));
        try harness.requireValidUpdate(raw, current, chainId, limits) returns (bytes32 nextHash) {
            assertEq(reason, "", name);
            assertEq(nextHash, vm.parseJsonBytes32(json, path("cases", i, "nextHash")), name);
        } catch (bytes memory error) {
            assertNotEq(_selectorOf[reason], bytes4(0), string.concat(name, ": no error for ", reason));
            assertEq(bytes4(error), _selectorOf[reason], name);
        }
    }

    function readCurrent(string memory json, uint256 i) private pure returns (ShortConfig memory) {
        return ShortConfig({
            nonce: uint64(vm.parseJsonUint(json, path("cases", i, "current.nonce"))),
            signers: readAuthority(json, i, "signers"),
            guardians: readAuthority(json, i, "guardians"),
            recoveryDelay: uint32(vm.parseJsonUint(json, path("cases", i, "current.recoveryDelay"))),
            maxStaleness: uint32(vm.parseJsonUint(json, path("cases", i, "current.maxStaleness"))),
            dataHash: vm.parseJsonBytes32(json, path("cases", i, "current.dataHash"))
        });
    }

    function readAuthority(string memory json, uint256 i, string memory name)
        private
        pure
        returns (Authority memory)
    {
        string memory field = string.concat("current.", name);
        return Authority({
            root: vm.parseJsonBytes32(json, path("cases", i, string.concat(field, "Root"))),
            threshold: uint8(vm.parseJsonUint(json, path("cases", i, string.concat(field, "Threshold"))))
        });
    }

    function contains(bytes memory whole, bytes memory part) private pure returns (bool) {
        bytes32 hash = keccak256(part);
        for (uint256 i = 0; i + part.length <= whole.length; ++i) {
            bytes32 hashHere;
            assembly ("memory-safe") {
                hashHere := keccak256(add(add(whole, 0x20), i), mload(part))
            }
            if (hashHere == hash) return true;
        }
        return false;
    }
}
