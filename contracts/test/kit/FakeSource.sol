// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IL1BlockHashSource} from "keyroll/l2/interfaces/IL1BlockHashSource.sol";

/// @notice Vouches for what the test tells it to.
contract FakeSource is IL1BlockHashSource {
    mapping(bytes32 blockHash => bool) public isVouched;

    function vouch(bytes32 blockHash) external {
        isVouched[blockHash] = true;
    }

    function isL1BlockHash(bytes32 blockHash, bytes calldata) external view returns (bool) {
        return isVouched[blockHash];
    }

    function checkpoint() external pure returns (bytes32) {
        return 0;
    }
}
