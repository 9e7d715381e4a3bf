// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {Test} from "forge-std/Test.sol";

import {SetConfigLib} from "keyroll/libraries/SetConfig.sol";
import {SetConfigHarness} from "../harness/SetConfigHarness.sol";
import {Keystore, TestSetConfig} from "../kit/TestSetConfig.sol";
import {Signer} from "../kit/TestSigner.sol";

/// @notice What OpenZeppelin's RLP reads of an input, written again.
contract OzRewriter {
    using Memory for Memory.Slice;
    using RLP for Memory.Slice;

    function rewrite(bytes memory input) external view returns (bytes memory) {
        if (uint8(input[0]) < 0xc0) return RLP.encode(RLP.decodeBytes(input));
        Memory.Slice[] memory slices = RLP.decodeList(input);
        bytes[] memory items = new bytes[](slices.length);
        for (uint256 i = 0; i < items.length; ++i) {
            items[i] = this.rewrite(slices[i].toBytes());
        }
        return RLP.encode(items);
    }
}

/// @notice Set-configs are read in one pass that looks at ends of lists once. Whatever it reads must be what item by item
/// reading reads: canonical RLP, of which there is one encoding, with nothing outside its list.
contract SetConfigBesideOthersTest is Test {
    uint64 internal constant L2_CHAIN_ID = 4_200_001;
    bytes16 internal constant PREFIXES = 0x00017f8081a0a1b7b8b9bfc0c1f7f8f9;

    SetConfigHarness internal _harness = new SetConfigHarness(false);
    OzRewriter internal _others = new OzRewriter();
    /// @dev Approvals and openings of all three schemes.
    bytes internal _raw = _update();

    /// forge-config: default.fuzz.runs = 1024
    /// forge-config: deep.fuzz.runs = 100000
    function testFuzz_readsOnlyCanonicalRlp(uint256 seed) public view {
        _readChanged(seed);
    }

    /// @dev The changes are of use: of some, what is read are other keys, hashes and signatures; others are refused.
    function test_changesAreReadAndRefused() public view {
        uint256 read = 0;
        for (uint256 seed = 0; seed < 500; ++seed) {
            if (_readChanged(uint256(keccak256(abi.encode("kinds", seed))))) ++read;
        }
        assertGt(read, 50, "read");
        assertLt(read, 450, "not refused");
    }

    /// @dev No byte may be put in, taken out, or follow.
    function test_refusesEveryByteMoreOrLess() public view {
        bytes memory raw = _raw;
        for (uint256 at = 0; at < raw.length; at += 7) {
            assertFalse(_isRead(bytes.concat(_part(raw, 0, at), _part(raw, at + 1, raw.length))), "one less");
        }
        assertFalse(_isRead(bytes.concat(raw, hex"00")), "one more");
        assertFalse(_isRead(bytes.concat(raw, hex"80")), "one more");
    }

    function test_refusesNothing() public {
        vm.expectRevert(SetConfigLib.WrongTransactionType.selector);
        _harness.decode("", L2_CHAIN_ID);
    }

    function _readChanged(uint256 seed) internal view returns (bool isRead) {
        bytes memory raw = _raw;
        for (uint256 i = 0; i <= seed % 3; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 at = 1 + (random >> 8) % (raw.length - 1);
            if (random % 2 == 0) raw[at] ^= bytes1(uint8(random >> 128));
            else raw[at] = PREFIXES[(random >> 128) % 16];
        }
        isRead = _isRead(raw);
        if (!isRead) return false;
        bytes memory list = _part(raw, 1, raw.length);
        assertEq(_others.rewrite(list), list, "not canonical");
    }

    function _isRead(bytes memory raw) internal view returns (bool) {
        try _harness.decode(raw, L2_CHAIN_ID) {
            return true;
        } catch {
            return false;
        }
    }

    function _update() internal pure returns (bytes memory) {
        Keystore memory current = TestSetConfig.keystoreOf(_signers(1), 1, 0, "data");
        Keystore memory next = TestSetConfig.keystoreOf(_signers(11), 2, 0, new bytes(60));
        return TestSetConfig.encode(TestSetConfig.update(L2_CHAIN_ID, "id", current, next));
    }

    function _signers(uint256 firstKey) internal pure returns (Signer[] memory signers) {
        signers = new Signer[](3);
        for (uint8 i = 0; i < 3; ++i) {
            signers[i] = Signer(i + 1, firstKey + i);
        }
    }

    function _part(bytes memory data, uint256 start, uint256 end) internal pure returns (bytes memory part) {
        part = new bytes(end - start);
        for (uint256 i = 0; i < part.length; ++i) {
            part[i] = data[start + i];
        }
    }
}
