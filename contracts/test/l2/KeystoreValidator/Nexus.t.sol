// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ERC7739Utils} from "@openzeppelin/contracts/utils/cryptography/draft-ERC7739Utils.sol";

import {ENTRY_POINT} from "keyroll/l2/KeystoreWallet.sol";
import {TestDomain, TestNesting} from "../../kit/TestNesting.sol";
import {ModularAccountTest} from "./ModularAccountTest.sol";

interface INexus {
    function initializeAccount(bytes calldata initData) external payable;
}

interface INexusBootstrap {
    function initNexusWithSingleValidator(
        address validator,
        bytes calldata data,
        address registry,
        address[] calldata attesters,
        uint8 threshold
    ) external;
}

/// @notice Biconomy's Nexus.
contract NexusTest is ModularAccountTest {
    address private _implementation;
    address private _bootstrap;

    function setUp() public override {
        _implementation = create(bytes.concat(published("nexus", "account"), abi.encode(ENTRY_POINT)));
        _bootstrap = create(published("nexus", "bootstrap"));
        super.setUp();
    }

    function test_signs_typed_data_in_the_accounts_own_domain() public view {
        bytes32 application = keccak256("the application's domain separator");
        bytes32 contents = keccak256("hashStruct of a Mail");
        string memory mail = "Mail(address to,string contents)";
        bytes32 digest = domainOf(account).typedDigest(application, contents, "Mail", mail);
        bytes memory signature =
            ERC7739Utils.encodeTypedDataSig(sign(initial(), digest), application, contents, mail);
        bytes32 hash = TestNesting.digest(application, contents);
        assertEq(IERC1271(account).isValidSignature(hash, wrap(signature)), MAGIC);
        assertEq(IERC1271(account).isValidSignature(MESSAGE, wrap(signature)), NOT_VALID);
    }

    function test_account_says_that_signatures_nest_as_ERC7739() public view {
        bytes32 probe = 0x7739773977397739773977397739773977397739773977397739773977397739;
        assertEq(IERC1271(account).isValidSignature(probe, ""), bytes4(0x77390001));
    }

    function createAccount(bytes32 id_, bytes32 salt) internal override returns (address) {
        bytes memory installation = abi.encodeCall(
            INexusBootstrap.initNexusWithSingleValidator,
            (address(validator), abi.encode(id_), address(0), new address[](0), 0)
        );
        bytes memory initialization =
            abi.encodeCall(INexus.initializeAccount, (abi.encode(_bootstrap, installation)));
        return
            create(
                bytes.concat(published("nexus", "proxy"), abi.encode(_implementation, initialization)), salt
            );
    }

    function nonceKey() internal view override returns (uint192) {
        return uint160(address(validator));
    }

    function domainOf(address account_) internal view override returns (TestDomain memory) {
        return TestDomain("Nexus", "1.0.1", block.chainid, account_);
    }
}
