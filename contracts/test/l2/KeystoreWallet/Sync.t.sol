// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Confirmation, IKeystoreReplica, OutputProof} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {Call} from "keyroll/libraries/Call.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {WalletTest} from "./WalletTest.sol";

/// @notice Wallets that sync and preconfirm in a batch of their own (docs/wallets.md), which strangers see before it
/// is included.
contract SyncTest is WalletTest {
    function test_wallet_syncs_and_preconfirms_in_one_batch() public {
        for (uint256 final_ = 0; final_ < 2; ++final_) {
            uint256 snapshot = vm.snapshotState();
            execute(batch(rootProof(final_ == 1)));
            assertInForce(second());
            vm.revertToState(snapshot);
        }
    }

    function test_batch_goes_on_when_somebody_sends_its_calls_first() public {
        for (uint256 final_ = 0; final_ < 2; ++final_) {
            for (uint256 sent = 1; sent <= 3; ++sent) {
                uint256 snapshot = vm.snapshotState();
                Call[] memory calls = batch(rootProof(final_ == 1));
                bytes memory opData = sign(first(), executeDigest(calls, 0));
                vm.startPrank(makeAddr("stranger"));
                for (uint256 i = 0; i < sent; ++i) {
                    (bool success,) = calls[i].to.call(calls[i].data);
                    assertTrue(success);
                }
                // With the last call the signers change, and with them who may operate the wallet.
                if (sent == 3) opData = sign(second(), executeDigest(calls, 0));
                wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
                vm.stopPrank();
                assertInForce(second());
                vm.revertToState(snapshot);
            }
        }
    }

    /// @dev By a newer output that says the same, which an honest relayer may bring too.
    function test_confirm_may_be_overtaken_and_confirmMany_may_not() public {
        postOutput(0, GENESIS, first().config, true);
        postOutput(1, GENESIS + 3600, first().config, true);
        replica.confirm(configProof(1, first().config), first().config);

        Call[] memory calls = new Call[](2);
        calls[0] = Call(
            address(replica),
            0,
            abi.encodeCall(replica.confirm, (configProof(0, first().config), first().config))
        );
        calls[1] = Call(address(target), 1 ether, "");
        bytes memory opData = sign(first(), executeDigest(calls, 0));
        vm.expectRevert(abi.encodeWithSelector(IKeystoreReplica.RootOlderThanConfirmed.selector, 100, 200));
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));

        Confirmation[] memory items = new Confirmation[](1);
        items[0] = Confirmation(id, account, first().config, 0, configProof(0, first().config).storageProof);
        calls[0].data = abi.encodeCall(replica.confirmMany, (address(source), 0, items));
        execute(calls);
        assertEq(address(target).balance, 1 ether);
    }

    function rootProof(bool isFinal) private returns (OutputProof memory) {
        uint256 seenAt = GENESIS + (isFinal ? CHALLENGE_PERIOD : 0);
        bytes32 keystoreRoot = TestTrie.rootOf(keystoreTrie(first().config));
        return outputProof(output(0, GENESIS, keystoreRoot), true, seenAt / 12, seenAt);
    }

    function batch(OutputProof memory root) private view returns (Call[] memory calls) {
        calls = new Call[](3);
        calls[0] = Call(address(replica), 0, abi.encodeCall(replica.updateRoot, (root)));
        calls[1] = Call(
            address(replica),
            0,
            abi.encodeCall(replica.confirm, (configProof(0, first().config), first().config))
        );
        calls[2] = Call(
            address(replica),
            0,
            abi.encodeCall(replica.preconfirm, (account, first().config, rawUpdate(first(), second())))
        );
    }

    function execute(Call[] memory calls) private {
        bytes memory opData = sign(first(), executeDigest(calls, 0));
        wallet.execute(BATCH_WITH_OP_DATA, abi.encode(calls, opData));
    }

    function first() private pure returns (Keystore memory) {
        return initial();
    }

    function second() private pure returns (Keystore memory) {
        return keystore(3, 1);
    }
}
