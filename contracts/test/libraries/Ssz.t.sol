// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

import {Ssz} from "../../src/libraries/Ssz.sol";

contract SszHarness {
    function requireBranch(bytes32 root, bytes32 leaf, uint256 index, bytes32[] memory proof) external view {
        Ssz.requireBranch(root, leaf, index, proof);
    }
}

contract SszTest is Test {
    string internal constant VECTORS = "test/vectors/keyroll/ssz_proofs.json";

    SszHarness internal _ssz;

    function setUp() public {
        _ssz = new SszHarness();
    }

    function test_acceptsSlotsAndBlockHashesOfRealBeaconBlocks() public view {
        string memory json = vm.readFile(VECTORS);
        uint256 count = 0;
        for (; vm.keyExistsJson(json, _at(count, "")); ++count) {
            bytes32 root = vm.parseJsonBytes32(json, _at(count, ".beaconRoot"));
            uint256 index = vm.parseJsonUint(json, _at(count, ".blockHashIndex"));
            bytes32 slot = Ssz.uint64Leaf(uint64(vm.parseJsonUint(json, _at(count, ".slot"))));
            _ssz.requireBranch(root, slot, 8, vm.parseJsonBytes32Array(json, _at(count, ".slotProof")));
            bytes32 blockHash = vm.parseJsonBytes32(json, _at(count, ".blockHash"));
            bytes32[] memory proof = vm.parseJsonBytes32Array(json, _at(count, ".blockHashProof"));
            _ssz.requireBranch(root, blockHash, index, proof);
        }
        assertEq(count, 8);
    }

    function test_refusesAnyByteChanged() public view {
        string memory json = vm.readFile(VECTORS);
        bytes32 root = vm.parseJsonBytes32(json, _at(0, ".beaconRoot"));
        bytes32 leaf = vm.parseJsonBytes32(json, _at(0, ".blockHash"));
        uint256 index = vm.parseJsonUint(json, _at(0, ".blockHashIndex"));
        bytes32[] memory proof = vm.parseJsonBytes32Array(json, _at(0, ".blockHashProof"));
        for (uint256 i = 0; i < 32; ++i) {
            bytes32 difference = bytes32(uint256(1) << (8 * i));
            _requireRefused(root ^ difference, leaf, index, proof);
            _requireRefused(root, leaf ^ difference, index, proof);
            for (uint256 j = 0; j < proof.length; ++j) {
                proof[j] ^= difference;
                _requireRefused(root, leaf, index, proof);
                proof[j] ^= difference;
            }
        }
    }

    /// @dev There, a call of it finds no code and succeeds: the left one of two siblings would stand for their hash.
    function test_provesNothingOnAChainWithoutThePrecompile() public {
        bytes32 root = keccak256("root");
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = root;
        vm.mockCall(address(0x02), bytes(""), bytes(""));
        vm.expectRevert(bytes(""));
        _ssz.requireBranch(root, "whatever is not there", 3, proof);
    }

    function test_refusesEveryOtherIndex() public view {
        string memory json = vm.readFile(VECTORS);
        bytes32 root = vm.parseJsonBytes32(json, _at(0, ".beaconRoot"));
        bytes32 leaf = vm.parseJsonBytes32(json, _at(0, ".blockHash"));
        bytes32[] memory proof = vm.parseJsonBytes32Array(json, _at(0, ".blockHashProof"));
        for (uint256 index = 0; index < 9000; ++index) {
            if (index != 6444) _requireRefused(root, leaf, index, proof);
        }
    }

    /// @dev The tree is built from the leaf up, beside a plain reading of the definition of generalized indices.
    function testFuzz_acceptsBranchesOfAnyIndex(uint256 index, bytes32 leaf, bytes32 seed) public {
        index = bound(index, 1, type(uint64).max);
        bytes32[] memory siblings = new bytes32[](64);
        bytes32 node = leaf;
        uint256 depth = 0;
        for (uint256 at = index; at > 1; at /= 2) {
            bytes32 sibling = keccak256(abi.encode(seed, at));
            node = at % 2 == 1 ? sha256(abi.encode(sibling, node)) : sha256(abi.encode(node, sibling));
            siblings[depth++] = sibling;
        }
        bytes32[] memory proof = _first(siblings, depth);
        _ssz.requireBranch(node, leaf, index, proof);

        bytes32[] memory longer = _first(siblings, depth + 1);
        vm.expectRevert(abi.encodeWithSelector(Ssz.SszWrongProofLength.selector, depth + 1, index));
        _ssz.requireBranch(node, leaf, index, longer);
        if (depth == 0) return;
        bytes32[] memory shorter = _first(siblings, depth - 1);
        vm.expectRevert(abi.encodeWithSelector(Ssz.SszWrongProofLength.selector, depth - 1, index));
        _ssz.requireBranch(node, leaf, index, shorter);
        bytes32 otherLeaf = ~leaf;
        vm.expectPartialRevert(Ssz.SszWrongRoot.selector);
        _ssz.requireBranch(node, otherLeaf, index, proof);
    }

    function test_refusesIndexZero() public {
        vm.expectRevert(abi.encodeWithSelector(Ssz.SszWrongProofLength.selector, 0, 0));
        _ssz.requireBranch(0, 0, 0, new bytes32[](0));
    }

    function testFuzz_writesNumbersLittleEndian(uint64 value) public pure {
        bytes memory expected = new bytes(32);
        for (uint256 i = 0; i < 8; ++i) {
            expected[i] = bytes1(uint8(value >> (8 * i)));
        }
        assertEq(Ssz.uint64Leaf(value), bytes32(expected));
    }

    function _requireRefused(bytes32 root, bytes32 leaf, uint256 index, bytes32[] memory proof)
        internal
        view
    {
        try _ssz.requireBranch(root, leaf, index, proof) {
            revert("accepted");
        } catch {}
    }

    function _first(bytes32[] memory items, uint256 count) internal pure returns (bytes32[] memory first) {
        first = new bytes32[](count);
        for (uint256 i = 0; i < count && i < items.length; ++i) {
            first[i] = items[i];
        }
    }

    function _at(uint256 i, string memory field) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]", field);
    }
}
