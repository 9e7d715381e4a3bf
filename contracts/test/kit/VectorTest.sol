// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Test} from "forge-std/Test.sol";

/// @notice Reads the vector files that TypeScript reads too.
abstract contract VectorTest is Test {
    /// @dev The value at `field` of the element at `index` of `list`, as a JSON path.
    function path(string memory list, uint256 index, string memory field)
        internal
        pure
        returns (string memory)
    {
        return string.concat(".", list, "[", vm.toString(index), "].", field);
    }

    function readVectors(string memory file) internal view returns (string memory) {
        return vm.readFile(string.concat("test/vectors/keyroll/", file));
    }
}
