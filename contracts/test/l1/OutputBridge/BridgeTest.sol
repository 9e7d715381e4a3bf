// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Vm} from "forge-std/Vm.sol";

import {IOptimismPortal} from "keyroll/l1/interfaces/IOptimismPortal.sol";
import {IOutputOracle} from "keyroll/l1/interfaces/IOutputOracle.sol";
import {OutputBridge} from "keyroll/l1/OutputBridge.sol";
import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {ReplicaParameters} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
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

/// @dev The bridge, Optimism's portal, and a replica.
abstract contract BridgeTest is OracleTest {
    string private constant _PORTAL_ARTIFACT =
        "node_modules/@eth-optimism/contracts-bedrock/forge-artifacts/OptimismPortal.sol/OptimismPortal.json";
    bytes32 private constant _TRANSACTION_DEPOSITED =
        keccak256("TransactionDeposited(address,address,uint256,bytes)");
    uint64 internal constant _GAS_LIMIT = 200_000;

    OutputBridge internal _bridge;
    IOptimismPortal internal _optimismPortal = IOptimismPortal(makeAddr("OptimismPortal"));
    KeystoreReplica internal _replica;

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

    /// @dev What Optimism's derivation does with the one deposit that was logged.
    function _executeDeposit() internal {
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

    function _output(uint256 index) internal view returns (Output memory) {
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
