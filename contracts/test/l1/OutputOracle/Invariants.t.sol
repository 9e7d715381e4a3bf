// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {OutputOracle} from "keyroll/l1/OutputOracle.sol";
import {Test} from "forge-std/Test.sol";
import {L1Test} from "../L1Test.sol";

/// @dev Proposes, deletes and lets time pass at random, and remembers every word that became final.
contract OracleHandler is Test {
    OutputOracle private immutable _oracle;

    uint256 public longest;
    mapping(uint256 index => bytes32) public finalWords;
    mapping(uint256 index => bool) public isFinal;

    constructor(OutputOracle oracle) {
        _oracle = oracle;
    }

    function propose(bytes32 stateRoot, bytes32 keystoreRoot, bytes32 blockHash) external {
        _elapse(_oracle.submissionInterval() * _oracle.l2BlockTime() + 1);
        uint256 l2BlockNumber = _oracle.nextBlockNumber();
        vm.prank(_oracle.proposer());
        _oracle.proposeL2Output(stateRoot, keystoreRoot, blockHash, l2BlockNumber, 0, 0);
        if (_oracle.nextOutputIndex() > longest) longest = _oracle.nextOutputIndex();
    }

    function deleteFrom(uint256 newLength) external {
        uint256 length = _oracle.nextOutputIndex();
        if (length == 0) return;
        vm.prank(_oracle.challenger());
        try _oracle.deleteL2Outputs(bound(newLength, 0, length - 1)) {} catch {}
    }

    function wait_(uint256 time) external {
        _elapse(bound(time, 1, _oracle.finalizationPeriodSeconds()));
    }

    /// @dev Anybody but the challenger may try; nothing may come of it.
    function intrude(address sender, uint256 newLength) external {
        if (sender == _oracle.challenger()) return;
        vm.prank(sender);
        (bool success,) = address(_oracle).call(abi.encodeCall(_oracle.deleteL2Outputs, (newLength)));
        assertFalse(success);
    }

    function _elapse(uint256 time) private {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + time);
        for (uint256 index = 0; index < _oracle.nextOutputIndex(); ++index) {
            uint256 finalAt = _oracle.getL2Output(index).timestamp + _oracle.finalizationPeriodSeconds();
            if (isFinal[index] || vm.getBlockTimestamp() < finalAt) continue;
            isFinal[index] = true;
            finalWords[index] = _oracle.commitments(index);
        }
    }
}

contract OutputOracleInvariantsTest is L1Test {
    OracleHandler private _handler;

    function setUp() public override {
        super.setUp();
        _handler = new OracleHandler(oracle);
        targetContract(address(_handler));
    }

    /// forge-config: default.invariant.runs = 32
    /// forge-config: default.invariant.depth = 100
    /// forge-config: deep.invariant.runs = 500
    /// forge-config: deep.invariant.depth = 200
    function invariant_AWordStandsExactlyWhereAnOutputStands() public view {
        for (uint256 index = 0; index <= _handler.longest(); ++index) {
            assertEq(oracle.commitments(index) != 0, index < oracle.nextOutputIndex());
        }
    }

    /// forge-config: default.invariant.runs = 32
    /// forge-config: default.invariant.depth = 100
    /// forge-config: deep.invariant.runs = 500
    /// forge-config: deep.invariant.depth = 200
    function invariant_AFinalWordNeverChanges() public view {
        for (uint256 index = 0; index < _handler.longest(); ++index) {
            if (_handler.isFinal(index)) assertEq(oracle.commitments(index), _handler.finalWords(index));
        }
    }

    /// forge-config: default.invariant.runs = 32
    /// forge-config: default.invariant.depth = 100
    /// forge-config: deep.invariant.runs = 500
    /// forge-config: deep.invariant.depth = 200
    function invariant_OutputsAreOfEveryInterval() public view {
        for (uint256 index = 0; index < oracle.nextOutputIndex(); ++index) {
            assertEq(oracle.getL2Output(index).l2BlockNumber, (index + 1) * SUBMISSION_INTERVAL);
        }
    }
}
