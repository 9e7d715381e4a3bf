// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {BatchInbox} from "keyroll/l1/BatchInbox.sol";
import {KeystorePortal} from "keyroll/l1/KeystorePortal.sol";
import {OutputOracle} from "keyroll/l1/OutputOracle.sol";
import {SystemConfig} from "keyroll/l1/SystemConfig.sol";
import {L1Test} from "../L1Test.sol";

contract OutputOracleConstructorTest is L1Test {
    function test_KeepsWhatItWasDeployedWith() public view {
        assertEq(oracle.l1ChainId(), block.chainid);
        assertEq(address(oracle.systemConfig()), address(systemConfig));
        assertEq(address(oracle.batchInbox()), address(inbox));
        assertEq(address(oracle.keystorePortal()), address(portal));
        assertEq(oracle.permissionlessDelay(), PERMISSIONLESS_DELAY);
    }

    function test_RevertWhen_TheChainIsNotL1() public {
        OutputOracle.Parameters memory p = oracleParameters();
        p.l1ChainId = block.chainid + 1;
        vm.expectRevert(
            abi.encodeWithSelector(IOutputOracle.WrongChain.selector, block.chainid, block.chainid + 1)
        );
        new OutputOracle(p);
    }

    function test_RevertWhen_TheInboxIsOfAnotherRollup() public {
        OutputOracle.Parameters memory p = oracleParameters();
        SystemConfig other = new SystemConfig(owner, batcher, promiseSigner, proposer, challenger, 2, 10 days);
        p.batchInbox = new BatchInbox(other);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOutputOracle.WrongSystemConfig.selector, p.batchInbox, address(systemConfig), address(other)
            )
        );
        new OutputOracle(p);
    }

    function test_RevertWhen_ThePortalIsOfAnotherRollup() public {
        OutputOracle.Parameters memory p = oracleParameters();
        SystemConfig other = new SystemConfig(owner, batcher, promiseSigner, proposer, challenger, 2, 10 days);
        p.keystorePortal = new KeystorePortal(other);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOutputOracle.WrongSystemConfig.selector,
                p.keystorePortal,
                address(systemConfig),
                address(other)
            )
        );
        new OutputOracle(p);
    }

    function test_RevertWhen_APartyCouldChangeWithinTheChallengePeriod() public {
        OutputOracle.Parameters memory p = oracleParameters();
        p.challengePeriod = ROTATION_DELAY + 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IOutputOracle.RotationDelayTooShort.selector, ROTATION_DELAY, p.challengePeriod
            )
        );
        new OutputOracle(p);
        p.challengePeriod = ROTATION_DELAY;
        new OutputOracle(p);
    }

    function test_RevertWhen_AParameterIsZero() public {
        OutputOracle.Parameters memory p = oracleParameters();
        p.submissionInterval = 0;
        vm.expectRevert(IOutputOracle.ZeroParameter.selector);
        new OutputOracle(p);
        p = oracleParameters();
        p.l2BlockTime = 0;
        vm.expectRevert(IOutputOracle.ZeroParameter.selector);
        new OutputOracle(p);
        p = oracleParameters();
        p.challengePeriod = 0;
        vm.expectRevert(IOutputOracle.ZeroParameter.selector);
        new OutputOracle(p);
    }
}
