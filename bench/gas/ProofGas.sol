// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {MerkleTrie} from "@eth-optimism/contracts-bedrock/src/libraries/trie/MerkleTrie.sol";
import {RLPReader} from "@eth-optimism/contracts-bedrock/src/libraries/rlp/RLPReader.sol";
import {Memory} from "@openzeppelin/contracts/utils/Memory.sol";
import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

import {MerklePatricia} from "keyroll/libraries/MerklePatricia.sol";

/// @notice Execution gas of proving an account, a slot, or a slot of an account, from proofs in calldata to the word, by
///         libraries that take the nodes of a proof as a list.
/// @dev What each library needs is counted, such as the copy in memory; the call's own dispatch and calldata are not.
abstract contract ProofGas {
    function provesAccount(bytes32 stateRoot, address account, bytes[] calldata proof)
        external
        view
        returns (bytes32 storageRoot, uint256 gasUsed)
    {
        gasUsed = gasleft();
        storageRoot = _storageRoot(stateRoot, account, proof);
        gasUsed -= gasleft();
    }

    function provesSlot(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        external
        view
        returns (bytes32 word, uint256 gasUsed)
    {
        gasUsed = gasleft();
        word = _word(storageRoot, slot, proof);
        gasUsed -= gasleft();
    }

    function provesSlotOfAccount(
        bytes32 stateRoot,
        address account,
        bytes32 slot,
        bytes[] calldata accountProof,
        bytes[] calldata storageProof
    ) external view returns (bytes32 word, uint256 gasUsed) {
        gasUsed = gasleft();
        word = _word(_storageRoot(stateRoot, account, accountProof), slot, storageProof);
        gasUsed -= gasleft();
    }

    function _storageRoot(bytes32 stateRoot, address account, bytes[] calldata proof)
        internal
        pure
        virtual
        returns (bytes32);

    function _word(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        internal
        pure
        virtual
        returns (bytes32);
}

/// @dev Ours takes the nodes of a proof one after the other.
contract OurProofGas {
    function provesAccount(bytes32 stateRoot, address account, bytes calldata proof)
        external
        view
        returns (bytes32 storageRoot, uint256 gasUsed)
    {
        gasUsed = gasleft();
        storageRoot = MerklePatricia.accountStorageRoot(stateRoot, account, proof);
        gasUsed -= gasleft();
    }

    function provesSlot(bytes32 storageRoot, bytes32 slot, bytes calldata proof)
        external
        view
        returns (bytes32 word, uint256 gasUsed)
    {
        gasUsed = gasleft();
        (, word) = MerklePatricia.storageValue(storageRoot, slot, proof);
        gasUsed -= gasleft();
    }

    function provesSlotOfAccount(
        bytes32 stateRoot,
        address account,
        bytes32 slot,
        bytes calldata accountProof,
        bytes calldata storageProof
    ) external view returns (bytes32 word, uint256 gasUsed) {
        gasUsed = gasleft();
        bytes32 storageRoot = MerklePatricia.accountStorageRoot(stateRoot, account, accountProof);
        (, word) = MerklePatricia.storageValue(storageRoot, slot, storageProof);
        gasUsed -= gasleft();
    }
}

/// @dev OpenZeppelin's TrieProof, and its RLP for the account.
contract OzProofGas is ProofGas {
    function _storageRoot(bytes32 stateRoot, address account, bytes[] calldata proof)
        internal
        pure
        override
        returns (bytes32)
    {
        bytes32 key = keccak256(abi.encodePacked(account));
        Memory.Slice[] memory fields =
            RLP.decodeList(TrieProof.traverse(stateRoot, abi.encodePacked(key), proof));
        return RLP.readBytes32(fields[2]);
    }

    function _word(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        internal
        pure
        override
        returns (bytes32)
    {
        bytes32 key = keccak256(abi.encodePacked(slot));
        return bytes32(RLP.decodeUint256(TrieProof.traverse(storageRoot, abi.encodePacked(key), proof)));
    }
}

/// @dev The OP Stack's MerkleTrie, and its RLPReader for the account.
contract OpProofGas is ProofGas {
    function _storageRoot(bytes32 stateRoot, address account, bytes[] calldata proof)
        internal
        pure
        override
        returns (bytes32)
    {
        bytes32 key = keccak256(abi.encodePacked(account));
        RLPReader.RLPItem[] memory fields =
            RLPReader.readList(MerkleTrie.get(abi.encodePacked(key), proof, stateRoot));
        return bytes32(RLPReader.readBytes(fields[2]));
    }

    function _word(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        internal
        pure
        override
        returns (bytes32)
    {
        bytes32 key = keccak256(abi.encodePacked(slot));
        bytes memory word = RLPReader.readBytes(MerkleTrie.get(abi.encodePacked(key), proof, storageRoot));
        return bytes32(word) >> (256 - 8 * word.length);
    }
}
