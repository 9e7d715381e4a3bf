// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KeystoreReplica} from "keyroll/l2/KeystoreReplica.sol";
import {Approvals} from "keyroll/libraries/Approvals.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestSigner} from "../../kit/TestSigner.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

/// @notice What checks P-256 is fixed at deployment.
contract P256Test is ReplicaTest {
    address private constant _PRECOMPILE = address(0x100);

    function test_precompile_is_used_where_it_is() public view {
        assertEq(replica.p256Verifier(), _PRECOMPILE);
    }

    function test_chain_without_precompile_gets_a_contract_that_checks_alike() public {
        vm.mockCall(_PRECOMPILE, bytes(""), "");
        replica = new KeystoreReplica(parameters());
        assertNotEq(replica.p256Verifier(), _PRECOMPILE);
        assertNotEq(replica.p256Verifier().code.length, 0);

        Keystore memory first = keystore(2, 2, 1, 0);
        Keystore memory second = keystore(3, 3, 2, 0);
        preconfirm(initial(), first);
        preconfirm(first, second);
        assertInForce(second);

        Approval[] memory approvals = TestSigner.approve(second.signers, second.signers, "digest");
        replica.checkApprovals(id, account, second.config, "digest", approvals);
        vm.expectRevert(abi.encodeWithSelector(Approvals.BadSignature.selector, 0));
        replica.checkApprovals(id, account, second.config, "another", approvals);
    }

    /// @dev Whoever deploys may choose the gas, but not what the probe finds: below some gas there is no replica, from
    /// there on one with the precompile.
    function test_fuzz_gas_of_the_deployment_cannot_hide_the_precompile(uint256 gasLimit) public {
        (, uint256 enough) = deploy(30_000_000);
        (address deployed,) = deploy(bound(gasLimit, 0, enough + 500_000));
        if (deployed != address(0)) {
            assertEq(KeystoreReplica(deployed).p256Verifier(), _PRECOMPILE);
        }
    }

    function test_least_gas_that_deploys_finds_the_precompile() public {
        (, uint256 high) = deploy(30_000_000);
        uint256 low = 0;
        high *= 2;
        address least;
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            (address deployed,) = deploy(middle);
            if (deployed == address(0)) low = middle;
            else (high, least) = (middle, deployed);
        }
        assertEq(KeystoreReplica(least).p256Verifier(), _PRECOMPILE);
    }

    function create(bytes calldata initCode) external returns (address deployed) {
        bytes memory code = initCode;
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
    }

    function deploy(uint256 gasLimit) private returns (address deployed, uint256 used) {
        bytes memory initCode = abi.encodePacked(type(KeystoreReplica).creationCode, abi.encode(parameters()));
        used = gasleft();
        try this.create{gas: gasLimit}(initCode) returns (address created) {
            deployed = created;
        } catch {}
        used -= gasleft();
    }
}
