// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {IAccount} from "@account-abstraction/contracts/interfaces/IAccount.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";

import {ENTRY_POINT} from "keyroll/l2/KeystoreWallet.sol";

/// @notice The same wallet with its key in its own storage: a minimal proxy too, that takes an operation when one
/// secp256k1 key signed it.
contract OwnKeyWallet is IAccount {
    address private _key;

    function setKey(address key) external {
        _key = key;
    }

    function validateUserOp(
        PackedUserOperation calldata userOp,
        bytes32 userOpHash,
        uint256 missingAccountFunds
    ) external returns (uint256) {
        require(msg.sender == ENTRY_POINT, "not the EntryPoint");
        bytes calldata signature = userOp.signature;
        address signer =
            ecrecover(userOpHash, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        if (missingAccountFunds != 0) {
            (bool ignored,) = msg.sender.call{value: missingAccountFunds}("");
            ignored;
        }
        return signer != address(0) && signer == _key ? 0 : 1;
    }
}
