// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";

import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {KeystoreWalletFactory} from "keyroll/l2/KeystoreWalletFactory.sol";
import {Call} from "keyroll/libraries/Call.sol";
import {TestEntryPoint} from "../../kit/TestEntryPoint.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestDomain, TestNesting} from "../../kit/TestNesting.sol";
import {OwnerTest} from "../OwnerTest.sol";

/// @notice Takes calls, and can be told to fail or to call back.
contract Target {
    error Refused(uint256 why);

    address private _reenters;
    bytes private _reentry;

    receive() external payable {}

    function echo(bytes calldata data) external payable returns (bytes memory, uint256, address) {
        return (data, msg.value, msg.sender);
    }

    function refuse(uint256 why) external payable {
        revert Refused(why);
    }

    function reenterWith(address to, bytes calldata call) external {
        _reenters = to;
        _reentry = call;
    }

    function reenter() external {
        (bool success, bytes memory reason) = _reenters.call(_reentry);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }
}

/// @dev The wallet of the keystore the replica's tests are about.
abstract contract WalletTest is OwnerTest {
    bytes32 internal constant BATCH = bytes32(bytes10(0x01000000000000000000));
    bytes32 internal constant BATCH_WITH_OP_DATA = bytes32(bytes10(0x01000000000078210001));

    address internal staker = makeAddr("staker");
    KeystoreWalletFactory internal factory;
    IKeystoreWallet internal wallet;
    Target internal target = new Target();

    function setUp() public virtual override {
        super.setUp();
        factory = new KeystoreWalletFactory(replica, staker);
        account = factory.createWallet(id);
        wallet = IKeystoreWallet(account);
        vm.deal(account, 10 ether);
    }

    /// @dev A second wallet of the keystore, by another factory.
    function anotherWallet() internal returns (IKeystoreWallet another) {
        another = IKeystoreWallet(new KeystoreWalletFactory(replica, makeAddr("another")).createWallet(id));
        vm.deal(address(another), 10 ether);
    }

    function oneCall(address to, uint256 value, bytes memory data)
        internal
        pure
        returns (Call[] memory calls)
    {
        calls = new Call[](1);
        calls[0] = Call(to, value, data);
    }

    function executeDigest(Call[] memory calls, uint256 nonce) internal view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            hashes[i] = keccak256(
                abi.encode(
                    keccak256("Call(address to,uint256 value,bytes data)"),
                    calls[i].to,
                    calls[i].value,
                    keccak256(calls[i].data)
                )
            );
        }
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Execute(Call[] calls,uint256 nonce)Call(address to,uint256 value,bytes data)"),
                keccak256(abi.encodePacked(hashes)),
                nonce
            )
        );
        return TestNesting.digest(domainOf(account).separator(), structHash);
    }

    function domainOf(address wallet_) internal view returns (TestDomain memory) {
        return TestDomain("Keyroll Wallet", "1", block.chainid, wallet_);
    }

    /// @dev Executes one call that its approvals alone authorise.
    function execute(Keystore memory keystore_, address to, uint256 value, bytes memory data) internal {
        Call[] memory calls = oneCall(to, value, data);
        bytes memory opData = sign(keystore_, executeDigest(calls, wallet.nonce()));
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
    }

    /// @dev A user operation of the wallet that makes `calls`, without signature.
    function operation(Call[] memory calls) internal view returns (PackedUserOperation memory) {
        return TestEntryPoint.operation(account, abi.encodeCall(wallet.execute, (BATCH, abi.encode(calls))));
    }
}
