// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IOptimismPortal} from "keyroll/l1/interfaces/IOptimismPortal.sol";
import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {OutputBridge} from "keyroll/l1/OutputBridge.sol";
import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {IKeystoreReplica, ReplicaParameters, Root} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {FakeSource} from "../../kit/FakeSource.sol";
import {OracleTest} from "../OutputOracle/OracleTest.sol";

/// @dev What Optimism's portal asks of its SystemConfig.
struct ResourceConfig {
    uint32 maxResourceLimit;
    uint8 elasticityMultiplier;
    uint8 baseFeeMaxChangeDenominator;
    uint32 minimumBaseFee;
    uint32 systemTxMaxGas;
    uint128 maximumBaseFee;
}

contract SendOutputTest is OracleTest {
    string private constant _PORTAL_ARTIFACT =
        "node_modules/@eth-optimism/contracts-bedrock/forge-artifacts/OptimismPortal.sol/OptimismPortal.json";
    bytes32 private constant _TRANSACTION_DEPOSITED =
        keccak256("TransactionDeposited(address,address,uint256,bytes)");
    uint64 private constant _GAS_LIMIT = 200_000;

    OutputBridge private _bridge;
    IOptimismPortal private _optimismPortal = IOptimismPortal(makeAddr("OptimismPortal"));
    KeystoreReplica private _replica;

    function setUp() public override {
        super.setUp();
        _bridge = new OutputBridge(oracle);
        _installOptimismPortal();
        ReplicaParameters memory p;
        p.outputOracle = address(oracle);
        p.l2ChainId = 4_200_001;
        p.challengePeriod = uint32(CHALLENGE_PERIOD);
        p.minRecoveryDelay = 1 days;
        p.sources = new address[](1);
        p.sources[0] = address(new FakeSource());
        p.outputBridge = address(_bridge);
        _replica = new KeystoreReplica(p);
    }

    function test_finalOutputReachesTheReplicaByTheChainsOwnBridge() public {
        propose();
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD);
        vm.recordLogs();
        vm.expectEmit(address(_bridge));
        emit OutputBridge.OutputSent(address(_optimismPortal), address(_replica), index);
        vm.prank(makeAddr("anybody"));
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);

        _executeDeposit();
        Root memory root = _replica.root(_replica.outputBridgeAlias(), index);
        assertEq(root.keystoreRoot, KEYSTORE_ROOT);
        assertEq(root.l2BlockNumber, out.l2BlockNumber);
        assertEq(root.l1Timestamp, out.l1Timestamp);
        assertEq(root.l1BlockNumber, vm.getBlockNumber());
        assertTrue(root.finalized);
        assertTrue(root.builtIn);
        assertTrue(_replica.isBuiltIn(_replica.outputBridgeAlias()));
    }

    function test_refusesAnOutputUntilNobodyCanDeleteIt() public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD - 1);
        uint256 finalAt = out.l1Timestamp + CHALLENGE_PERIOD;
        vm.expectRevert(abi.encodeWithSelector(OutputBridge.OutputNotFinal.selector, index, finalAt));
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
        nextBlock(1);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IOutputOracle.OutputFinalized.selector, index, finalAt));
        oracle.deleteL2Outputs(index);
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
    }

    function test_refusesADeletedOutput() public {
        uint256 index = propose();
        Output memory out = _output(index);
        vm.prank(challenger);
        oracle.deleteL2Outputs(index);
        nextBlock(CHALLENGE_PERIOD);
        vm.expectRevert(
            abi.encodeWithSelector(OutputBridge.OutputMismatch.selector, _commitmentOf(out), bytes32(0))
        );
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
    }

    function testFuzz_refusesAnyOtherOutputThanTheOraclesOwn(uint256 field, bytes32 value) public {
        uint256 index = propose();
        Output memory out = _output(index);
        nextBlock(CHALLENGE_PERIOD);
        bytes memory encoded = abi.encode(out);
        field = bound(field, 0, 6);
        assembly ("memory-safe") {
            mstore(add(add(encoded, 0x20), mul(field, 0x20)), value)
        }
        Output memory other = abi.decode(encoded, (Output));
        vm.assume(keccak256(encoded) != keccak256(abi.encode(out)));
        vm.expectPartialRevert(OutputBridge.OutputMismatch.selector);
        _bridge.sendOutput(_optimismPortal, address(_replica), other, _GAS_LIMIT);
    }

    function test_theSameOutputMayBeSentAgain() public {
        uint256 index = propose();
        nextBlock(CHALLENGE_PERIOD);
        for (uint256 i = 0; i < 2; ++i) {
            vm.recordLogs();
            _bridge.sendOutput(_optimismPortal, address(_replica), _output(index), _GAS_LIMIT);
            _executeDeposit();
            nextBlock(12);
        }
        assertEq(_replica.root(_replica.outputBridgeAlias(), index).l1BlockNumber, vm.getBlockNumber() - 2);
    }

    function test_replicaHearsTheBridgesAliasOnly() public {
        address[3] memory others = [address(_bridge), address(this), address(_optimismPortal)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.NotOutputBridge.selector, others[i]));
            _replica.receiveOutput(0, KEYSTORE_ROOT, 1, 1, 1);
        }
    }

    /// @dev Nothing can stand at the alias, which nobody can derive: no source can vouch in the bridge's name.
    function test_aliasIsTheOneOfOpStackChains() public view {
        unchecked {
            uint160 offset = uint160(0x1111000000000000000000000000000000001111);
            assertEq(_replica.outputBridgeAlias(), address(uint160(address(_bridge)) + offset));
        }
    }

    /// forge-config: default.isolate = true
    function test_gas() public {
        uint256 index = propose();
        nextBlock(CHALLENGE_PERIOD);
        Output memory out = _output(index);
        _bridge.sendOutput(_optimismPortal, address(_replica), out, _GAS_LIMIT);
        vm.snapshotGasLastCall("OutputBridge", "sendOutput");
        vm.prank(_replica.outputBridgeAlias());
        _replica.receiveOutput(index, KEYSTORE_ROOT, 10, GENESIS_TIME, 1000);
        vm.snapshotGasLastCall("OutputBridge", "receiveOutput");
    }

    /// @dev What Optimism's derivation does with the one deposit that was logged.
    function _executeDeposit() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != _TRANSACTION_DEPOSITED) continue;
            assertEq(logs[i].emitter, address(_optimismPortal));
            address from = address(uint160(uint256(logs[i].topics[1])));
            address to = address(uint160(uint256(logs[i].topics[2])));
            bytes memory opaque = abi.decode(logs[i].data, (bytes));
            // mint ‖ value ‖ gas limit ‖ is creation ‖ data
            bytes memory data = new bytes(opaque.length - 73);
            for (uint256 j = 0; j < data.length; ++j) {
                data[j] = opaque[73 + j];
            }
            vm.prank(from);
            (bool success,) = to.call{gas: _GAS_LIMIT}(data);
            assertTrue(success);
            return;
        }
        fail();
    }

    function _output(uint256 index) private view returns (Output memory) {
        IOutputOracle.OutputProposal memory proposal = oracle.getL2Output(index);
        IOutputOracle.OutputInputs memory inputs = oracle.getOutputInputs(index);
        return Output({
            index: index,
            stateRoot: STATE_ROOT,
            keystoreRoot: KEYSTORE_ROOT,
            blockHash: BLOCK_HASH,
            l1Timestamp: proposal.timestamp,
            l2BlockNumber: proposal.l2BlockNumber,
            inputsHash: keccak256(
                abi.encode(
                    inputs.inboxCount, inputs.inboxChainHash, inputs.depositCount, inputs.depositChainHash
                )
            )
        });
    }

    function _commitmentOf(Output memory out) private pure returns (bytes32) {
        bytes32 root = outputRootOf(out.stateRoot, out.keystoreRoot, out.blockHash);
        return keccak256(abi.encode(out.index, root, out.l1Timestamp, out.l2BlockNumber, out.inputsHash));
    }

    /// @dev Optimism's own code, initialised with contracts that answer what it asks for a deposit.
    function _installOptimismPortal() private {
        address at = address(_optimismPortal);
        vm.etch(at, vm.parseJsonBytes(vm.readFile(_PORTAL_ARTIFACT), ".deployedBytecode.object"));
        address config = makeAddr("Optimism's SystemConfig");
        vm.mockCall(
            config,
            abi.encodeWithSignature("resourceConfig()"),
            abi.encode(ResourceConfig(20_000_000, 10, 8, 1 gwei, 1_000_000, type(uint128).max))
        );
        vm.mockCall(
            config,
            abi.encodeWithSignature("gasPayingToken()"),
            abi.encode(0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE, uint8(18))
        );
        (bool success,) = at.call(
            abi.encodeWithSignature("initialize(address,address,address)", address(1), config, address(2))
        );
        assertTrue(success);
    }
}
