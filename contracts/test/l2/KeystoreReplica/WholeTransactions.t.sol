// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {ConfigProof, OutputProof} from "keyroll/l2/interfaces/IKeystoreReplica.sol";
import {MerklePatricia} from "keyroll/libraries/MerklePatricia.sol";
import {Output} from "keyroll/libraries/Output.sol";
import {ShortConfig} from "keyroll/libraries/Config.sol";
import {SharedProofs} from "../../kit/SharedProofs.sol";
import {TestL1} from "../../kit/TestL1.sol";
import {Keystore} from "../../kit/TestSetConfig.sol";
import {Transaction} from "../../kit/Transaction.sol";
import {TestTrie} from "../../libraries/TestTrie.sol";
import {ReplicaTest} from "./ReplicaTest.sol";

/// @notice What whole transactions cost: intrinsic gas, calldata and its floor (EIP-7623) included, every account and
/// slot cold, on proofs as deep as mainnet's and from a keystore trie of a million keystores.
contract WholeTransactionsTest is ReplicaTest {
    /// @dev Branches on the way to an account among 300 million, by their numbers of children.
    bytes private constant _STATE = hex"1010101010101004";
    /// @dev To the output of one hour among those of three years.
    bytes private constant _OUTPUTS = hex"10101007";
    /// @dev To a keystore among a million.
    bytes private constant _KEYSTORES = hex"101010100b02";

    // What is there before the transaction must be written before it: a slot written in it costs less the second time.
    function setUp() public override {
        super.setUp();
        account = address(uint160(uint256(keccak256("account"))));
        // Accounts that know the keystore's first update: 2 by its signatures, the others confirmed.
        replica.preconfirm(accountOf(2), initial().config, rawUpdate(initial(), keystore(1, 2, 1, 0)));
        confirmFor(3, 1, keystore(1, 2, 1, 0).config);
        confirmFor(4, 2, keystore(3, 2, 1, 0).config);
        post(3, keystore(1, 3, 2, 0).config);
    }

    function test_updateRoot() public {
        (Output memory out, OutputProof memory proof) = deepOutput(5, keystore(1, 3, 2, 0).config);
        source.vouch(keccak256(proof.header));
        measure("updateRoot first", abi.encodeCall(replica.updateRoot, (proof)));
        assertEq(replica.root(address(source), 5).keystoreRoot, out.keystoreRoot);
    }

    function test_confirm_first() public {
        ConfigProof memory proof = deepConfigProof(1, account, keystore(1, 2, 1, 0).config);
        measure("confirm first", abi.encodeCall(replica.confirm, (proof, keystore(1, 2, 1, 0).config)));
        assertConfirmed(1);
    }

    function test_confirm_again() public {
        account = accountOf(3);
        ShortConfig memory config = keystore(1, 3, 2, 0).config;
        ConfigProof memory proof = deepConfigProof(3, account, config);
        measure("confirm again", abi.encodeCall(replica.confirm, (proof, config)));
        assertConfirmed(2);
    }

    function test_preconfirm_first_secp256k1() public {
        Keystore memory next = keystore(1, 2, 1, 0);
        bytes memory raw = rawUpdate(initial(), next);
        measure(
            "preconfirm first, secp256k1",
            abi.encodeCall(replica.preconfirm, (account, initial().config, raw))
        );
        assertInForce(next);
    }

    function test_preconfirm_second_secp256k1() public {
        account = accountOf(2);
        measureSecp256k1("preconfirm second and unconfirmed, secp256k1");
    }

    function test_preconfirm_again_secp256k1() public {
        account = accountOf(3);
        measureSecp256k1("preconfirm again, secp256k1");
    }

    function measureSecp256k1(string memory name) private {
        Keystore memory current = keystore(1, 2, 1, 0);
        Keystore memory next = keystore(1, 3, 2, 0);
        bytes memory raw = rawUpdate(current, next);
        measure(name, abi.encodeCall(replica.preconfirm, (account, current.config, raw)));
        assertInForce(next);
    }

    function test_preconfirm_first_webauthn() public {
        Keystore memory current = keystore(3, 1, 0, 0);
        id = current.config.hash();
        Keystore memory next = keystore(3, 2, 1, 0);
        bytes memory raw = rawUpdate(current, next);
        measure(
            "preconfirm first, WebAuthn", abi.encodeCall(replica.preconfirm, (account, current.config, raw))
        );
        assertInForce(next);
    }

    function test_preconfirm_again_webauthn() public {
        measureFromWebAuthn("preconfirm again, WebAuthn", keystore(3, 3, 2, 0));
    }

    function test_preconfirm_again_p256() public {
        measureFromWebAuthn("preconfirm again, WebAuthn to P-256", keystore(2, 3, 2, 0));
    }

    function measureFromWebAuthn(string memory name, Keystore memory next) private {
        account = accountOf(4);
        Keystore memory current = keystore(3, 2, 1, 0);
        bytes memory raw = rawUpdate(current, next);
        measure(name, abi.encodeCall(replica.preconfirm, (account, current.config, raw)));
        assertInForce(next);
    }

    function measure(string memory name, bytes memory data) private {
        vm.cool(address(replica));
        vm.cool(address(source));
        (bool success,) = address(replica).call(data);
        uint256 execution = vm.lastCallGas().gasTotalUsed;
        assertTrue(success);
        vm.snapshotValue("WholeTransactions", name, Transaction.gasOf(data, execution));
    }

    // Helpers

    function accountOf(uint256 number) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("account", number)))));
    }

    function confirmFor(uint256 number, uint256 index, ShortConfig memory config) private {
        post(index, config);
        replica.confirm(deepConfigProof(index, accountOf(number), config), config);
    }

    function post(uint256 index, ShortConfig memory config) private {
        (, OutputProof memory proof) = deepOutput(index, config);
        source.vouch(keccak256(proof.header));
        replica.updateRoot(proof);
    }

    function deepConfigProof(uint256 index, address account_, ShortConfig memory config)
        private
        view
        returns (ConfigProof memory proof)
    {
        (, proof.storageProof) =
            deepProof(keccak256(abi.encode(id)), RLP.encode(uint256(config.hash())), _KEYSTORES);
        (proof.source, proof.outputIndex, proof.id, proof.account) = (address(source), index, id, account_);
    }

    function deepOutput(uint256 index, ShortConfig memory config)
        private
        view
        returns (Output memory out, OutputProof memory proof)
    {
        uint256 l1Timestamp = GENESIS + 3600 * index;
        bytes32 root;
        (root,) = deepProof(keccak256(abi.encode(id)), RLP.encode(uint256(config.hash())), _KEYSTORES);
        out = output(index, l1Timestamp, root);
        TestTrie.Entry memory slot = TestL1.slotEntry(TestL1.commitmentSlot(index), TestL1.commitmentOf(out));
        (root, proof.storageProof) = deepProof(slot.key, slot.value, _OUTPUTS);
        TestTrie.Entry memory state = TestL1.accountEntry(oracle, root)[0];
        (root, proof.accountProof) = deepProof(state.key, state.value, _STATE);
        uint256 seenAt = l1Timestamp + CHALLENGE_PERIOD;
        proof.source = address(source);
        proof.header = TestL1.encodeHeader(root, 23_000_000 + seenAt / 12, seenAt);
        proof.output = out;
    }

    function deepProof(bytes32 key, bytes memory value, bytes memory children)
        private
        pure
        returns (bytes32 root, bytes memory nodes)
    {
        uint256 depth = children.length;
        bytes[] memory proof = new bytes[](depth + 1);
        proof[depth] = TestTrie.leaf(key, depth, value);
        root = keccak256(proof[depth]);
        while (depth != 0) {
            --depth;
            bytes[] memory items = new bytes[](17);
            uint256 own = TestTrie.nibbleAt(key, depth);
            uint256 others = uint8(children[depth]) - 1;
            for (uint256 i = 0; i < 16; ++i) {
                items[i] = hex"80";
                if (i == own) {
                    items[i] = RLP.encode(root);
                } else if (others != 0) {
                    items[i] = RLP.encode(keccak256(abi.encode("node", depth, i)));
                    --others;
                }
            }
            items[16] = hex"80";
            proof[depth] = RLP.encode(items);
            root = keccak256(proof[depth]);
        }
        nodes = SharedProofs.joined(proof);
    }
}
