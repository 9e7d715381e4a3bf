// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Approvals} from "keyroll/libraries/Approvals.sol";
import {Approval} from "keyroll/libraries/Approval.sol";
import {Record} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {FakeSource} from "../../kit/FakeSource.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {Signer, TestSigner} from "../../kit/TestSigner.sol";
import {ReplicaHandler} from "./ReplicaHandler.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

/// @dev What holds after any sequence of acts.
abstract contract ReplicaInvariants is ReplicaTest {
    ReplicaHandler internal _handler;
    bytes4[] internal _acts;

    function setUpHandler(bool keysAreStolen) internal {
        super.setUp();
        FakeSource[2] memory appended = [new FakeSource(), new FakeSource()];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(admin);
            replica.appendSource(address(appended[i]));
        }
        _handler = new ReplicaHandler(replica, source, appended, oracle, account, keysAreStolen);
        _acts = [
            ReplicaHandler.advanceTruth.selector,
            ReplicaHandler.propose.selector,
            ReplicaHandler.challenge.selector,
            ReplicaHandler.reorganise.selector,
            ReplicaHandler.passTime.selector,
            ReplicaHandler.relay.selector,
            ReplicaHandler.lie.selector,
            ReplicaHandler.receiveOutput.selector,
            ReplicaHandler.preconfirm.selector,
            ReplicaHandler.preconfirmMany.selector,
            ReplicaHandler.confirm.selector,
            ReplicaHandler.confirmMany.selector,
            ReplicaHandler.confirmSigned.selector,
            ReplicaHandler.enableSource.selector,
            ReplicaHandler.appendSource.selector
        ];
        targetContract(address(_handler));
        targetSelector(FuzzSelector(address(_handler), _acts));
    }

    function requireSound() internal view {
        assertEq(_handler.broken(), "", "rule");
        bytes32 keystoreId = _handler.id();
        Record memory rec = replica.record(keystoreId, account);
        assertGe(rec.headNonce, rec.confirmedNonce, "head");

        // Confirmed is the initial config, what a finalized output holds, or what a predecessor's signers signed.
        bytes32 hash = replica.hashAt(keystoreId, account, rec.confirmedNonce);
        assertTrue(hash == keystoreId || _handler.isFinal(hash) || _handler.isSigned(hash), "confirmed");
        // What is preconfirmed extends it, each step signed by the signers of the one before.
        for (uint64 nonce = rec.confirmedNonce + 1; nonce <= rec.headNonce; ++nonce) {
            bytes32 next = replica.hashAt(keystoreId, account, nonce);
            assertTrue(_handler.isSignedStep(hash, next), "step");
            hash = next;
        }
        assertEq(replica.configHash(keystoreId, account), hash, "in force");
        requireSignersObeyed(_handler.inForce());
    }

    /// @dev An account asks about approvals: of the signers in force, and of nobody else.
    function requireSignersObeyed(Keystore memory inForce) internal view {
        bytes32 digest = keccak256("what the account is to do");
        bytes32 keystoreId = _handler.id();
        Approval[] memory approvals = TestSigner.approve(inForce.signers, inForce.signers, digest);
        replica.checkApprovals(keystoreId, account, inForce.config, digest, approvals);
        Signer[] memory strangers = new Signer[](1);
        strangers[0] = Signer(1, 3000);
        approvals = TestSigner.approve(strangers, strangers, digest);
        try replica.checkApprovals(keystoreId, account, inForce.config, digest, approvals) {
            revert("a stranger was obeyed");
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), Approvals.NotASigner.selector);
        }
    }

    /// @dev A long random sequence of acts, always the same.
    function act(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            bytes32 random = keccak256(abi.encode("acts", i));
            bytes memory arguments = abi.encode(
                uint256(keccak256(abi.encode(random, 1))),
                uint256(random) >> 1 & 1,
                // Mostly signed, mostly on the head.
                uint256(random) >> 2 & 3 == 0 ? 0 : 1,
                uint256(random) >> 4 & 3 == 0 ? 0 : 1
            );
            // Addresses and booleans come first where a number does elsewhere.
            bytes4 selector = _acts[uint256(random >> 8) % _acts.length];
            if (selector == ReplicaHandler.enableSource.selector) {
                arguments = abi.encode(uint256(random) & 1, uint160(uint256(random)));
            } else if (selector == ReplicaHandler.appendSource.selector) {
                arguments = abi.encode(uint160(uint256(random)), uint160(uint256(random) >> 8));
            } else if (selector == ReplicaHandler.receiveOutput.selector) {
                arguments = abi.encode(uint256(random) >> 16, uint160(uint256(random)));
            } else if (selector == ReplicaHandler.reorganise.selector) {
                arguments = abi.encode(uint256(random) >> 16, uint256(random) >> 32, uint256(random) & 1);
            } else if (selector == ReplicaHandler.relay.selector) {
                arguments = abi.encode(uint256(random) >> 16, uint256(random) >> 32, uint256(random) & 1);
            }
            (bool success, bytes memory reason) = address(_handler).call(bytes.concat(selector, arguments));
            assertTrue(success, string(reason));
        }
        requireSound();
    }

    /// @dev A handler that is always refused would show nothing.
    function requireSuccesses(uint256 least) internal view {
        string[14] memory acts = [
            "advanceTruth",
            "challenge",
            "reorganise",
            "updateRoot",
            "updateRoot, appended",
            "lie",
            "receiveOutput",
            "preconfirm",
            "preconfirmMany",
            "confirm",
            "confirmMany",
            "confirmSigned",
            "enableSource",
            "appendSource refused"
        ];
        for (uint256 i = 0; i < acts.length; ++i) {
            assertGe(_handler.successes(acts[i]), least, acts[i]);
        }
    }
}

/// @notice Thieves have all keys, and proposers lie: whatever happens, it moves toward the truth or is refused.
contract StolenKeysInvariantsTest is ReplicaInvariants {
    function setUp() public override {
        setUpHandler(true);
    }

    /// forge-config: default.invariant.runs = 32
    /// forge-config: default.invariant.depth = 100
    /// forge-config: deep.invariant.runs = 500
    /// forge-config: deep.invariant.depth = 200
    function invariant_every_act_moves_toward_the_truth_or_is_refused() public view {
        requireSound();
    }

    function test_every_act_succeeds_often() public {
        act(1000);
        requireSuccesses(5);
    }
}

/// @notice Nobody but the owner has keys; proposers lie all the same, and strangers call whatever they like.
contract StrangersInvariantsTest is ReplicaInvariants {
    /// @dev The furthest config that was seen in force.
    uint64 private _head;

    function setUp() public override {
        setUpHandler(false);
    }

    /// forge-config: default.invariant.runs = 32
    /// forge-config: default.invariant.depth = 100
    /// forge-config: deep.invariant.runs = 500
    /// forge-config: deep.invariant.depth = 200
    function invariant_what_an_honest_wallet_sees_is_the_truth_and_never_goes_back() public {
        requireSound();
        bytes32 keystoreId = _handler.id();
        uint64 head = replica.headNonce(keystoreId, account);
        assertEq(replica.configHash(keystoreId, account), _handler.truth(head).config.hash(), "the truth");
        assertGe(head, _head, "never back");
        _head = head;
    }

    function test_every_act_succeeds_often() public {
        act(1000);
        requireSuccesses(5);
    }
}
