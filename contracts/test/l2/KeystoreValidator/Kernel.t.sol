// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";

import {ENTRY_POINT} from "keyroll/l2/KeystoreWallet.sol";
import {TestEntryPoint} from "../../kit/TestEntryPoint.sol";
import {TestDomain, TestNesting} from "../../kit/TestNesting.sol";
import {ModularAccountTest} from "./ModularAccountTest.sol";

interface IKernel {
    function initialize(
        bytes21 rootValidator,
        address hook,
        bytes calldata validatorData,
        bytes calldata hookData,
        bytes[] calldata initConfig
    ) external;
}

interface IKernelFactory {
    function createAccount(bytes calldata data, bytes32 salt) external returns (address);

    function getAddress(bytes calldata data, bytes32 salt) external view returns (address);
}

/// @notice ZeroDev's Kernel, the module being its root validator.
contract KernelTest is ModularAccountTest {
    IKernelFactory private _factory;

    function setUp() public override {
        address implementation = create(bytes.concat(published("kernel", "account"), abi.encode(ENTRY_POINT)));
        _factory =
            IKernelFactory(create(bytes.concat(published("kernel", "factory"), abi.encode(implementation))));
        super.setUp();
    }

    function test_account_not_deployed_yet_obeys_its_keystore_in_its_first_operation() public {
        bytes memory creation = abi.encodeCall(_factory.createAccount, (initialization(id), "not deployed"));
        account = _factory.getAddress(initialization(id), "not deployed");
        vm.deal(account, 10 ether);
        PackedUserOperation memory op = payment();
        op.initCode = abi.encodePacked(_factory, creation);
        op.signature = signPreconfirming(initial(), keystore(2, 1), entryPoint.getUserOpHash(op));
        assertEq(account.code.length, 0);
        TestEntryPoint.handle(op);
        assertEq(payee.balance, 1 ether);
        assertInForce(keystore(2, 1));
    }

    function createAccount(bytes32 id_, bytes32 salt) internal override returns (address) {
        return _factory.createAccount(initialization(id_), salt);
    }

    /// @dev The root validator's.
    function nonceKey() internal pure override returns (uint192) {
        return 0;
    }

    /// @dev Kernel hashes what it is asked for into its own domain first.
    function hashAskedFor(address account_, bytes32 hash) internal view override returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(keccak256("Kernel(bytes32 hash)"), hash));
        return TestNesting.digest(domainOf(account_).separator(), structHash);
    }

    function wrap(bytes memory signature) internal pure override returns (bytes memory) {
        return abi.encodePacked(uint8(0), signature);
    }

    function domainOf(address account_) internal view override returns (TestDomain memory) {
        return TestDomain("Kernel", "0.3.1", block.chainid, account_);
    }

    function initialization(bytes32 id_) private view returns (bytes memory) {
        bytes21 root = bytes21(abi.encodePacked(uint8(1), address(validator)));
        return abi.encodeCall(IKernel.initialize, (root, address(0), abi.encode(id_), "", new bytes[](0)));
    }
}
