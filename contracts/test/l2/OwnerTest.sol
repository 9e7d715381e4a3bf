// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";

import {Approval} from "keyroll/libraries/Approval.sol";
import {TestEntryPoint} from "../kit/TestEntryPoint.sol";
import {Keystore} from "../kit/TestSetConfig.sol";
import {TestSigner} from "../kit/TestSigner.sol";
import {ReplicaTest} from "./KeystoreReplica/ReplicaTest.sol";

/// @dev Keystores that sign for the accounts they own, and the EntryPoint.
abstract contract OwnerTest is ReplicaTest {
    IEntryPoint internal entryPoint;

    function setUp() public virtual override {
        super.setUp();
        entryPoint = TestEntryPoint.deploy();
    }

    function approve(Keystore memory keystore_, bytes32 digest) internal pure returns (Approval[] memory) {
        return TestSigner.approve(keystore_.signers, keystore_.signers, digest);
    }

    function sign(Keystore memory keystore_, bytes32 digest) internal pure returns (bytes memory) {
        return abi.encodePacked(uint8(0), abi.encode(keystore_.config, approve(keystore_, digest)));
    }

    /// @dev Carries the update from `head` to `next`, whose signers sign.
    function signPreconfirming(Keystore memory head, Keystore memory next, bytes32 digest)
        internal
        view
        returns (bytes memory)
    {
        bytes memory raw = rawUpdate(head, next);
        return abi.encodePacked(
            uint8(1),
            abi.encode(head.config),
            uint32(raw.length),
            raw,
            abi.encode(next.config, approve(next, digest))
        );
    }

    function expectFailure(string memory reason) internal {
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, reason));
    }
}
