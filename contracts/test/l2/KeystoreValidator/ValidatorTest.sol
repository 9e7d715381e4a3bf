// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {KeystoreValidator} from "keyroll/l2/KeystoreValidator.sol";
import {TestDomain} from "../../kit/TestNesting.sol";
import {OwnerTest} from "../OwnerTest.sol";

/// @dev The module, and a keystore for accounts to obey.
abstract contract ValidatorTest is OwnerTest {
    bytes4 internal constant MAGIC = 0x1626ba7e;
    bytes4 internal constant NOT_VALID = 0xffffffff;
    bytes32 internal constant MESSAGE = keccak256("message");

    KeystoreValidator internal validator;

    function setUp() public virtual override {
        super.setUp();
        validator = new KeystoreValidator(replica);
    }

    /// @dev The domain of accounts that name none of their own.
    function moduleDomain(address account_) internal view returns (TestDomain memory) {
        return TestDomain("Keyroll Validator", "1", block.chainid, account_);
    }
}
