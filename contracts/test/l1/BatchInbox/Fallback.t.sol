// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IBatchInbox} from "keyroll/l1/interfaces/IBatchInbox.sol";
import {L1Test} from "../L1Test.sol";

/// @dev Passes a call on, as an account's delegated code would.
contract Forwarder {
    function forward(address to, bytes calldata data) external {
        (bool success, bytes memory answer) = to.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }
}

contract BatchInboxFallbackTest is L1Test {
    bytes32 private constant PARENT_HASH = keccak256("the block before");

    function setUp() public override {
        super.setUp();
        vm.setBlockhash(block.number - 1, PARENT_HASH);
    }

    function expectSubmission(uint256 index, bytes32 previous, bytes32 dataHash)
        private
        returns (bytes32 chain)
    {
        chain = keccak256(
            abi.encode(previous, index, vm.getBlockNumber(), vm.getBlockTimestamp(), PARENT_HASH, dataHash)
        );
        vm.expectEmit(address(inbox));
        emit IBatchInbox.BatchSubmitted(index, dataHash, chain);
    }

    function expectRefusal(bytes memory data, bytes memory refusal) private {
        (bool success, bytes memory answer) = submit(data);
        assertFalse(success);
        assertEq(answer, refusal);
        assertEq(inbox.submissionCount(), 0);
    }

    function testFuzz_ChainsCalldata(bytes memory frame) public {
        bytes memory data = abi.encodePacked(bytes1(0x00), frame);
        bytes32 dataHash = keccak256(abi.encodePacked(bytes1(0x00), keccak256(data)));
        bytes32 first = expectSubmission(0, bytes32(0), dataHash);
        (bool success,) = submit(data);
        assertTrue(success);
        bytes32 second = expectSubmission(1, first, dataHash);
        (success,) = submit(data);
        assertTrue(success);
        assertEq(inbox.submissionCount(), 2);
        assertEq(inbox.chainHash(), second);
        assertEq(inbox.chainHashAt(0), first);
        assertEq(inbox.chainHashAt(1), second);
    }

    function testFuzz_ChainsBlobHashesInOrder(uint256 count) public {
        bytes32[] memory hashes = new bytes32[](bound(count, 1, 6));
        bytes memory preimage = hex"01";
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode("blob", i));
            preimage = abi.encodePacked(preimage, hashes[i]);
        }
        vm.blobhashes(hashes);
        bytes32 chain = expectSubmission(0, bytes32(0), keccak256(preimage));
        (bool success,) = submit("");
        assertTrue(success);
        assertEq(inbox.chainHash(), chain);
    }

    function test_ASubmissionCostsLittle() public {
        bytes memory data = abi.encodePacked(bytes1(0x00), new bytes(1000));
        submit(data);
        vm.snapshotGasLastCall("BatchInbox", "calldata 1000 bytes, first");
        submit(data);
        vm.snapshotGasLastCall("BatchInbox", "calldata 1000 bytes, later");
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (bytes32(uint256(1)), bytes32(uint256(2)));
        vm.blobhashes(hashes);
        submit("");
        vm.snapshotGasLastCall("BatchInbox", "two blobs");
    }

    function test_TakesTheNextBatcherAtOnce() public {
        address next = makeAddr("next batcher");
        vm.prank(owner);
        systemConfig.setBatcher(next);
        expectRefusal(hex"00", abi.encodeWithSelector(IBatchInbox.NotBatcher.selector, batcher, next));
        vm.prank(next, next);
        (bool success,) = address(inbox).call(hex"00");
        assertTrue(success);
    }

    function testFuzz_RevertWhen_SenderIsNotTheBatcher(address sender) public {
        vm.assume(sender != batcher);
        vm.prank(sender, sender);
        (bool success, bytes memory answer) = address(inbox).call(hex"00");
        assertFalse(success);
        assertEq(answer, abi.encodeWithSelector(IBatchInbox.NotBatcher.selector, sender, batcher));
    }

    function test_RevertWhen_TheBatcherIsAContract() public {
        Forwarder forwarder = new Forwarder();
        vm.prank(owner);
        systemConfig.setBatcher(address(forwarder));
        vm.expectRevert(abi.encodeWithSelector(IBatchInbox.NotDirect.selector, address(forwarder), batcher));
        vm.prank(batcher, batcher);
        forwarder.forward(address(inbox), hex"00");
    }

    function test_RevertWhen_TheBatcherAccountIsDelegated() public {
        (address delegated, uint256 key) = makeAddrAndKey("delegated batcher");
        vm.prank(owner);
        systemConfig.setBatcher(delegated);
        vm.signAndAttachDelegation(address(new Forwarder()), key);
        vm.startPrank(delegated, delegated);
        Forwarder(delegated).forward(address(this), "");
        assertEq(delegated.code.length, 23);
        (bool success, bytes memory answer) = address(inbox).call(hex"00");
        assertFalse(success);
        assertEq(answer, abi.encodeWithSelector(IBatchInbox.SenderHasCode.selector, delegated));
    }

    function testFuzz_RevertWhen_TheVersionByteIsWrong(bytes memory data) public {
        vm.assume(data.length > 0 && data[0] != 0x00);
        // A reader's selector reaches the reader, and so submits nothing.
        vm.assume(!_isReader(bytes4(data)) || data.length < 4);
        expectRefusal(data, abi.encodeWithSelector(IBatchInbox.WrongVersion.selector, data[0]));
    }

    function test_RevertWhen_CalldataComesWithBlobs() public {
        bytes32[] memory hashes = new bytes32[](1);
        hashes[0] = bytes32(uint256(1));
        vm.blobhashes(hashes);
        expectRefusal(hex"0011", abi.encodeWithSelector(IBatchInbox.CalldataWithBlobs.selector, 2));
    }

    function test_RevertWhen_EmptyWithoutBlobs() public {
        expectRefusal("", abi.encodeWithSelector(IBatchInbox.EmptySubmission.selector));
    }

    function test_RevertWhen_EtherIsSent() public {
        vm.deal(batcher, 1);
        vm.prank(batcher, batcher);
        (bool success,) = address(inbox).call{value: 1}(hex"00");
        assertFalse(success);
    }

    function test_NoFrameCanBeTakenForAReader() public pure {
        bytes4[4] memory selectors = _readers();
        for (uint256 i = 0; i < selectors.length; ++i) {
            assertNotEq(selectors[i][0], bytes1(0x00));
        }
    }

    function _isReader(bytes4 selector) private pure returns (bool) {
        bytes4[4] memory selectors = _readers();
        for (uint256 i = 0; i < selectors.length; ++i) {
            if (selectors[i] == selector) return true;
        }
        return false;
    }

    function _readers() private pure returns (bytes4[4] memory) {
        return [
            IBatchInbox.systemConfig.selector,
            IBatchInbox.submissionCount.selector,
            IBatchInbox.chainHash.selector,
            IBatchInbox.chainHashAt.selector
        ];
    }

    fallback() external {}
}
