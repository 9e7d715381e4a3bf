// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";
import {BatchInbox} from "keyroll/l1/BatchInbox.sol";
import {KeystorePortal} from "keyroll/l1/KeystorePortal.sol";
import {OutputOracle} from "keyroll/l1/OutputOracle.sol";
import {SystemConfig} from "keyroll/l1/SystemConfig.sol";

/// @dev The L1 set of one rollup, and its parties.
abstract contract L1Test is Test {
    uint64 internal constant CHALLENGE_PERIOD = 1 days;
    uint64 internal constant ROTATION_DELAY = 2 days;
    uint64 internal constant PERMISSIONLESS_DELAY = 3 days;
    uint64 internal constant SUBMISSION_INTERVAL = 10;
    uint64 internal constant L2_BLOCK_TIME = 6;
    uint64 internal constant GENESIS_TIME = 1_700_000_000;

    address internal owner = makeAddr("owner");
    address internal batcher = makeAddr("batcher");
    address internal promiseSigner = makeAddr("promise signer");
    address internal proposer = makeAddr("proposer");
    address internal challenger = makeAddr("challenger");

    SystemConfig internal systemConfig;
    KeystorePortal internal portal;
    BatchInbox internal inbox;
    OutputOracle internal oracle;

    function setUp() public virtual {
        vm.roll(1000);
        vm.warp(GENESIS_TIME);
        systemConfig =
            new SystemConfig(owner, batcher, promiseSigner, proposer, challenger, 4_200_001, ROTATION_DELAY);
        portal = new KeystorePortal(systemConfig);
        inbox = new BatchInbox(systemConfig);
        oracle = new OutputOracle(oracleParameters());
    }

    function oracleParameters() internal view returns (OutputOracle.Parameters memory) {
        return OutputOracle.Parameters({
            l1ChainId: block.chainid,
            systemConfig: systemConfig,
            batchInbox: inbox,
            keystorePortal: portal,
            submissionInterval: SUBMISSION_INTERVAL,
            l2BlockTime: L2_BLOCK_TIME,
            startingBlockNumber: 0,
            startingTimestamp: GENESIS_TIME,
            challengePeriod: CHALLENGE_PERIOD,
            permissionlessDelay: PERMISSIONLESS_DELAY
        });
    }

    /// @dev The next L1 block, `time` seconds later.
    function nextBlock(uint256 time) internal {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + time);
    }

    function submit(bytes memory data) internal returns (bool success, bytes memory answer) {
        vm.prank(batcher, batcher);
        (success, answer) = address(inbox).call(data);
    }

    function deposit(bytes memory data) internal {
        portal.depositTransaction(0x4200000000000000000000000000000000000016, 0, 100_000, false, data);
    }
}
