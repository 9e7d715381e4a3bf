// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";

/// @notice One call of a batch (ERC-7821).
struct Call {
    /// @dev Zero means the account itself.
    address to;
    uint256 value;
    bytes data;
}

/// @notice Batches of calls: how they are hashed and made.
library Calls {
    bytes32 private constant _TYPEHASH = keccak256("Call(address to,uint256 value,bytes data)");

    /// @notice The EIP-712 encoding of `Call[]`.
    function hash(Call[] memory calls) internal pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            hashes[i] =
                keccak256(abi.encode(_TYPEHASH, calls[i].to, calls[i].value, keccak256(calls[i].data)));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    /// @notice Makes all calls in order, or reverts as the first that fails does.
    function make(Call[] memory calls) internal {
        for (uint256 i = 0; i < calls.length; ++i) {
            address to = calls[i].to == address(0) ? address(this) : calls[i].to;
            (bool success, bytes memory result) = to.call{value: calls[i].value}(calls[i].data);
            if (!success) LowLevelCall.bubbleRevert(result);
        }
    }
}
