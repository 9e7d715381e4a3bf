// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {L1Test} from "../L1Test.sol";

abstract contract OracleTest is L1Test {
    bytes32 internal constant STATE_ROOT = keccak256("state root");
    bytes32 internal constant KEYSTORE_ROOT = keccak256("keystore root");
    bytes32 internal constant BLOCK_HASH = keccak256("block hash");

    /// @dev The next output by the proposer, in a new L1 block late enough for it.
    function propose() internal returns (uint256 index) {
        nextBlock(SUBMISSION_INTERVAL * L2_BLOCK_TIME + 1);
        index = oracle.nextOutputIndex();
        uint256 l2BlockNumber = oracle.nextBlockNumber();
        vm.prank(proposer);
        oracle.proposeL2Output(STATE_ROOT, KEYSTORE_ROOT, BLOCK_HASH, l2BlockNumber, 0, 0);
    }

    /// @dev What replicas prove: the word in the mapping at slot 0.
    function wordOf(uint256 index) internal view returns (bytes32) {
        return vm.load(address(oracle), keccak256(abi.encode(index, uint256(0))));
    }

    function outputRootOf(bytes32 stateRoot, bytes32 keystoreRoot, bytes32 blockHash)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encodePacked(bytes32(0), stateRoot, keystoreRoot, blockHash));
    }
}
