// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystorePortal} from "keyroll/l1/interfaces/IKeystorePortal.sol";
import {L1Test} from "../L1Test.sol";

/// @dev Deposits data that it makes itself, which is the cheapest way: nobody pays for calldata.
contract DepositingContract {
    function depositZeros(IKeystorePortal portal, uint256 length, uint256 count)
        external
        returns (uint256[] memory used)
    {
        bytes memory data = new bytes(length);
        used = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 before = gasleft();
            portal.depositTransaction(0x4200000000000000000000000000000000000016, 0, 0, false, data);
            used[i] = before - gasleft();
        }
    }

    function depositWith(IKeystorePortal portal, bytes calldata data, uint256 gasLimit)
        external
        returns (bool success)
    {
        bytes memory call_ = abi.encodeCall(
            IKeystorePortal.depositTransaction,
            (0x4200000000000000000000000000000000000016, 0, 0, false, data)
        );
        (success,) = address(portal).call{gas: gasLimit}(call_);
    }
}

contract KeystorePortalDepositTransactionTest is L1Test {
    address private constant KEYSTORE = 0x4200000000000000000000000000000000000016;
    address private user = makeAddr("user");

    function testFuzz_EmitsTheDepositAndItsPlaceInTheChain(bytes memory data, uint64 gasLimit) public {
        vm.assume(data.length <= 2000);
        bytes32 expected = keccak256(
            abi.encode(bytes32(0), uint256(0), block.number, block.timestamp, user, keccak256(data))
        );
        vm.expectEmit(address(portal));
        emit IKeystorePortal.TransactionDeposited(
            user, KEYSTORE, 0, abi.encodePacked(uint256(0), uint256(0), gasLimit, false, data)
        );
        vm.expectEmit(address(portal));
        emit IKeystorePortal.DepositRecorded(0, expected);
        vm.prank(user, user);
        portal.depositTransaction(KEYSTORE, 0, gasLimit, false, data);
        assertEq(portal.chainHash(), expected);
        assertEq(portal.depositCount(), 1);
    }

    function testFuzz_AContractSenderIsAliased(address sender, address origin) public {
        vm.assume(sender != origin);
        address aliased;
        unchecked {
            aliased = address(uint160(sender) + uint160(0x1111000000000000000000000000000000001111));
        }
        vm.expectEmit(true, true, true, false, address(portal));
        emit IKeystorePortal.TransactionDeposited(aliased, KEYSTORE, 0, "");
        vm.prank(sender, origin);
        portal.depositTransaction(KEYSTORE, 0, 0, false, "");
        bytes32 expected = keccak256(
            abi.encode(bytes32(0), uint256(0), block.number, block.timestamp, aliased, keccak256(""))
        );
        assertEq(portal.chainHash(), expected);
    }

    function test_KeepsOneEntryPerL1BlockWithDeposits() public {
        bytes32 chain;
        uint256 index;
        uint8[4] memory depositsInBlock = [2, 0, 1, 3];
        uint256 entries;
        for (uint256 b = 0; b < depositsInBlock.length; ++b) {
            nextBlock(12);
            uint256 number = vm.getBlockNumber();
            for (uint256 d = 0; d < depositsInBlock[b]; ++d) {
                bytes memory data = abi.encode("deposit", b, d);
                vm.prank(user, user);
                deposit(data);
                chain = keccak256(
                    abi.encode(chain, index, number, vm.getBlockTimestamp(), user, keccak256(data))
                );
                ++index;
                assertEq(portal.chainHash(), chain);
                assertEq(portal.depositCount(), index);
            }
            if (depositsInBlock[b] == 0) continue;
            ++entries;
            assertEq(portal.entryCount(), entries);
            IKeystorePortal.Entry memory entry = portal.entryAt(entries - 1);
            assertEq(entry.l1Block, number);
            assertEq(entry.count, index);
            assertEq(entry.chainHash, chain);
        }
    }

    function test_TheFirstDepositMayComeInAnyBlock() public {
        vm.roll(0);
        deposit("");
        assertEq(portal.entryCount(), 1);
        assertEq(portal.entryAt(0).l1Block, 0);
    }

    function testFuzz_CostsAtLeastFortyGasPerByte(uint256 length) public {
        bytes memory data = new bytes(bound(length, 0, 32_768));
        deposit(data);
        assertGe(vm.lastCallGas().gasTotalUsed, 40 * data.length);
    }

    /// forge-config: default.fuzz.runs = 64
    /// forge-config: deep.fuzz.runs = 1000
    function testFuzz_AContractThatMakesManyDepositsPaysForEach(uint256 length, uint256 count) public {
        length = bound(length, 0, 32_768);
        count = bound(count, 1, 8);
        uint256[] memory used = new DepositingContract().depositZeros(portal, length, count);
        for (uint256 i = 0; i < count; ++i) {
            assertGe(used[i], 40 * length);
        }
        assertEq(portal.depositCount(), count);
    }

    function test_ADepositOfNothingStillCostsItsWork() public {
        uint256[] memory used = new DepositingContract().depositZeros(portal, 0, 3);
        // Slots that the same transaction has written are cheap to write again; the logs are not.
        assertGt(used[1], 5000);
        assertGt(used[2], 5000);
    }

    function test_RevertWhen_TheGasDoesNotReachForThePrice() public {
        DepositingContract caller = new DepositingContract();
        bytes memory data = new bytes(4096);
        assertFalse(caller.depositWith(portal, data, 40 * data.length));
        assertEq(portal.depositCount(), 0);
        assertEq(portal.chainHash(), bytes32(0));
        assertTrue(caller.depositWith(portal, data, 2 * 40 * data.length));
        assertEq(portal.depositCount(), 1);
    }

    /// @dev An account with code by EIP-7702 is itself when it sends, and aliased when another calls through it.
    function test_AnAccountWithDelegatedCodeIsAliasedOnlyWhenItIsNotTheOrigin() public {
        vm.etch(user, abi.encodePacked(hex"ef0100", address(this)));
        vm.expectEmit(true, true, true, false, address(portal));
        emit IKeystorePortal.TransactionDeposited(user, KEYSTORE, 0, "");
        vm.prank(user, user);
        deposit("");
        address aliased;
        unchecked {
            aliased = address(uint160(user) + uint160(0x1111000000000000000000000000000000001111));
        }
        vm.expectEmit(true, true, true, false, address(portal));
        emit IKeystorePortal.TransactionDeposited(aliased, KEYSTORE, 0, "");
        vm.prank(user, batcher);
        deposit("");
    }

    function testFuzz_TakesAnyDataUpToTheLargestSetConfig(uint256 length, bytes32 seed) public {
        length = length % 4 == 0 ? 32_768 : bound(length, 32_000, 32_768);
        bytes memory data = new bytes(length);
        for (uint256 at = 32; at <= length; at += 32) {
            assembly ("memory-safe") {
                mstore(add(data, at), seed)
            }
        }
        vm.expectEmit(address(portal));
        emit IKeystorePortal.TransactionDeposited(
            user, KEYSTORE, 0, abi.encodePacked(uint256(0), uint256(0), uint64(100_000), false, data)
        );
        vm.prank(user, user);
        deposit(data);
    }

    function test_TheLargestDepositCostsLittleMoreThanItsPrice() public {
        bytes memory data = new bytes(32_768);
        vm.startPrank(user, user);
        deposit(data);
        vm.snapshotGasLastCall("KeystorePortal", "depositTransaction 32768 bytes");
        deposit(data);
        assertLt(vm.lastCallGas().gasTotalUsed, 40 * data.length + 5000);
        deposit(new bytes(500));
        vm.snapshotGasLastCall("KeystorePortal", "depositTransaction 500 bytes, later in the block");
    }

    function test_RevertWhen_TargetIsNotTheKeystore(address to) public {
        vm.assume(to != KEYSTORE);
        vm.expectRevert(abi.encodeWithSelector(IKeystorePortal.WrongTarget.selector, to));
        portal.depositTransaction(to, 0, 0, false, "");
    }

    function test_RevertWhen_ValueIsSentOrNamed() public {
        vm.deal(user, 1 ether);
        vm.startPrank(user, user);
        vm.expectRevert(abi.encodeWithSelector(IKeystorePortal.ValueNotZero.selector, 1, 0));
        portal.depositTransaction{value: 1}(KEYSTORE, 0, 0, false, "");
        vm.expectRevert(abi.encodeWithSelector(IKeystorePortal.ValueNotZero.selector, 0, 2));
        portal.depositTransaction(KEYSTORE, 2, 0, false, "");
    }

    function test_RevertWhen_Creation() public {
        vm.expectRevert(IKeystorePortal.CreationNotAllowed.selector);
        portal.depositTransaction(KEYSTORE, 0, 0, true, "");
    }

    function test_RevertWhen_DataAreLongerThanTheLargestSetConfig() public {
        vm.expectRevert(abi.encodeWithSelector(IKeystorePortal.DataTooLong.selector, 32_769, 32_768));
        deposit(new bytes(32_769));
    }

    function test_RevertWhen_EtherIsSentWithoutCall() public {
        vm.deal(user, 1);
        vm.prank(user, user);
        (bool success,) = address(portal).call{value: 1}("");
        assertFalse(success);
    }
}
