// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ISystemConfig} from "keyroll/l1/interfaces/ISystemConfig.sol";
import {SystemConfig} from "keyroll/l1/SystemConfig.sol";
import {L1Test} from "../L1Test.sol";

contract SystemConfigConstructorTest is L1Test {
    function test_NamesTheParties() public view {
        assertEq(systemConfig.owner(), owner);
        assertEq(systemConfig.batcher(), batcher);
        assertEq(systemConfig.promiseSigner(), promiseSigner);
        assertEq(systemConfig.proposer(), proposer);
        assertEq(systemConfig.challenger(), challenger);
        assertEq(systemConfig.l2ChainId(), 4_200_001);
        assertEq(systemConfig.rotationDelay(), ROTATION_DELAY);
        (address next, uint64 takesOfficeAt) = systemConfig.nextProposer();
        assertEq(next, address(0));
        assertEq(takesOfficeAt, 0);
    }

    function test_EmitsEveryParty() public {
        vm.expectEmit();
        emit ISystemConfig.ConfigUpdate(0, 0, abi.encode(batcher));
        vm.expectEmit();
        emit ISystemConfig.ConfigUpdate(0, 0x80, abi.encode(promiseSigner));
        vm.expectEmit();
        emit ISystemConfig.ConfigUpdate(0, 0x81, abi.encode(proposer, uint64(block.timestamp)));
        vm.expectEmit();
        emit ISystemConfig.ConfigUpdate(0, 0x82, abi.encode(challenger, uint64(block.timestamp)));
        new SystemConfig(owner, batcher, promiseSigner, proposer, challenger, 1, 1);
    }

    function test_RevertWhen_AnyPartyIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableInvalidOwner.selector, address(0)));
        new SystemConfig(address(0), batcher, promiseSigner, proposer, challenger, 1, 1);
        for (uint256 i = 0; i < 4; ++i) {
            address[4] memory parties = [batcher, promiseSigner, proposer, challenger];
            parties[i] = address(0);
            vm.expectRevert(ISystemConfig.ZeroAddress.selector);
            new SystemConfig(owner, parties[0], parties[1], parties[2], parties[3], 1, 1);
        }
    }

    function test_RevertWhen_ChainIdIsZero() public {
        vm.expectRevert(ISystemConfig.ZeroChainId.selector);
        new SystemConfig(owner, batcher, promiseSigner, proposer, challenger, 0, 1);
    }
}
