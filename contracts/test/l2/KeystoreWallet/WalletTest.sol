// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IKeystoreWallet} from "keyroll/l2/interfaces/IKeystoreWallet.sol";
import {KeystoreWalletFactory} from "keyroll/l2/KeystoreWalletFactory.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestSigner} from "../../kit/TestSigner.sol";
import {ReplicaTest} from "../KeystoreReplica/ReplicaTest.sol";

/// @notice Takes calls, and can be told to fail or to call back.
contract Target {
    error Refused(uint256 why);

    bytes private _reentry;

    receive() external payable {}

    function echo(bytes calldata data) external payable returns (bytes memory, uint256, address) {
        return (data, msg.value, msg.sender);
    }

    function refuse(uint256 why) external payable {
        revert Refused(why);
    }

    function reenterWith(bytes calldata call) external {
        _reentry = call;
    }

    function reenter() external {
        (bool success, bytes memory reason) = msg.sender.call(_reentry);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }
}

/// @dev The wallet of the keystore the replica's tests are about.
abstract contract WalletTest is ReplicaTest {
    KeystoreWalletFactory internal factory;
    IKeystoreWallet internal wallet;
    Target internal target = new Target();

    function setUp() public virtual override {
        super.setUp();
        factory = new KeystoreWalletFactory(replica);
        account = factory.createWallet(id);
        wallet = IKeystoreWallet(account);
        vm.deal(account, 10 ether);
    }

    function executeDigest(address to, uint256 value, bytes memory data, uint256 nonce)
        internal
        view
        returns (bytes32)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Execute(address target,uint256 value,bytes data,uint256 nonce)"),
                to,
                value,
                keccak256(data),
                nonce
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(block.chainid, account), structHash));
    }

    function domainSeparator(uint256 chainId, address verifyingContract) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Keyroll Wallet"),
                keccak256("1"),
                chainId,
                verifyingContract
            )
        );
    }

    function approve(Keystore memory keystore_, bytes32 digest) internal pure returns (Approval[] memory) {
        return TestSigner.approve(keystore_.signers, keystore_.signers, digest);
    }

    function execute(Keystore memory keystore_, address to, uint256 value, bytes memory data)
        internal
        returns (bytes memory)
    {
        Approval[] memory approvals = approve(keystore_, executeDigest(to, value, data, wallet.nonce()));
        return wallet.execute(to, value, data, keystore_.config, approvals);
    }
}
