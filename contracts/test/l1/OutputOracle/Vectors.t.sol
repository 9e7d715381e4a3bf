// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OutputOracle} from "keyroll/l1/OutputOracle.sol";
import {VectorTest} from "../../kit/VectorTest.sol";
import {OracleTest} from "./OracleTest.sol";

contract OutputOracleVectorsTest is OracleTest, VectorTest {
    /// @dev Only what the inbox and the portal say of themselves is made up: no test lives to their 2^64th entry.
    function test_StoresTheWordsOfTheVectors() public {
        string memory json = readVectors("output_commitment.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertTrue(vm.keyExistsJson(json, path("cases", count - 1, "name")));
        uint256 proposed = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (!vm.parseJsonBool(json, path("cases", i, "proposable"))) continue;
            ++proposed;
            string memory name = vm.parseJsonString(json, path("cases", i, "name"));
            uint256 index = vm.parseJsonUint(json, path("cases", i, "index"));
            _proposeUpTo(json, i, index);
            bytes32 commitment = vm.parseJsonBytes32(json, path("cases", i, "commitment"));
            assertEq(oracle.commitments(index), commitment, name);
            bytes32 slot = vm.parseJsonBytes32(json, path("cases", i, "slot"));
            assertEq(vm.load(address(oracle), slot), commitment, name);
            bytes32 outputRoot = vm.parseJsonBytes32(json, path("cases", i, "outputRoot"));
            assertEq(oracle.getL2Output(index).outputRoot, outputRoot, name);
        }
        assertEq(proposed, 11);
    }

    function test_OutputRootsAreThoseOfTheOPStack() public {
        string memory json = vm.readFile("test/vectors/output_root.json");
        nextBlock(1 days);
        vm.prank(proposer);
        oracle.proposeL2Output(
            vm.parseJsonBytes32(json, path("cases", 0, "stateRoot")),
            vm.parseJsonBytes32(json, path("cases", 0, "withdrawalStorageRoot")),
            vm.parseJsonBytes32(json, path("cases", 0, "blockHash")),
            SUBMISSION_INTERVAL,
            0,
            0
        );
        bytes32 expected = vm.parseJsonBytes32(json, path("cases", 0, "expected"));
        assertEq(oracle.getL2Output(0).outputRoot, expected);
    }

    /// @dev A new oracle whose output at `index` is that of case `i`, with as many others before it as it takes.
    function _proposeUpTo(string memory json, uint256 i, uint256 index) private {
        uint256 l2BlockNumber = vm.parseJsonUint(json, path("cases", i, "l2BlockNumber"));
        vm.warp(vm.parseJsonUint(json, path("cases", i, "l1Timestamp")));
        OutputOracle.Parameters memory parameters = oracleParameters();
        parameters.submissionInterval = 1;
        parameters.startingBlockNumber = uint64(l2BlockNumber - index - 1);
        parameters.startingTimestamp = 0;
        oracle = new OutputOracle(parameters);

        for (uint256 at = 0; at < index; ++at) {
            uint256 before = oracle.nextBlockNumber();
            vm.prank(proposer);
            oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, before, 0, 0);
        }
        _answerWithCase(json, i);
        bytes32 stateRoot = vm.parseJsonBytes32(json, path("cases", i, "stateRoot"));
        bytes32 keystoreRoot = vm.parseJsonBytes32(json, path("cases", i, "keystoreRoot"));
        bytes32 blockHash = vm.parseJsonBytes32(json, path("cases", i, "blockHash"));
        vm.prank(proposer);
        oracle.proposeL2Output(stateRoot, keystoreRoot, blockHash, l2BlockNumber, 0, 0);
    }

    /// @dev Has the inbox and the portal say what case `i` says of them.
    function _answerWithCase(string memory json, uint256 i) private {
        uint256 inboxCount = vm.parseJsonUint(json, path("cases", i, "inboxCount"));
        uint256 depositCount = vm.parseJsonUint(json, path("cases", i, "depositCount"));
        bytes32 inboxChainHash = vm.parseJsonBytes32(json, path("cases", i, "inboxChainHash"));
        bytes32 depositChainHash = vm.parseJsonBytes32(json, path("cases", i, "depositChainHash"));
        vm.mockCall(address(inbox), abi.encodeCall(inbox.submissionCount, ()), abi.encode(inboxCount));
        vm.mockCall(address(inbox), abi.encodeCall(inbox.chainHash, ()), abi.encode(inboxChainHash));
        vm.mockCall(address(portal), abi.encodeCall(portal.depositCount, ()), abi.encode(depositCount));
        vm.mockCall(address(portal), abi.encodeCall(portal.chainHash, ()), abi.encode(depositChainHash));
    }
}
