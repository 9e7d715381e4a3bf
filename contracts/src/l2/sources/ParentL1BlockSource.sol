// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {L1Header} from "../../libraries/L1Header.sol";
import {MerklePatricia} from "../../libraries/MerklePatricia.sol";
import {IL1BlockHashSource} from "../interfaces/IL1BlockHashSource.sol";

/// @title ParentL1BlockSource
/// @notice For an L3: vouches for the L1 block hashes that the L1Block predeploy of its parent, an OP Stack chain, held in
///         the parent blocks that the L3's own L1Block predeploy names, or named at a checkpoint.
/// @dev The proof is `abi.encode(bytes parentHeader, bytes accountProof, bytes storageProof)`:
///      1. the hash of the parent's header is one that the L3's L1Block holds, or held at a checkpoint,
///      2. under the header's state root the L1Block account is proven,
///      3. under its storage root the slot of `hash`.
///
///      Trusted: the derivation of both chains. On a chain whose own L1Block names L1 blocks, step 2 fails: L1 has nothing at
///      the predeploy's address.
contract ParentL1BlockSource is IL1BlockHashSource {
    /// @notice The L1Block predeploy, of this chain and of its parent.
    address public constant L1_BLOCK = 0x4200000000000000000000000000000000000015;
    /// @notice Where the predeploy stores `hash`.
    bytes32 public constant HASH_SLOT = bytes32(uint256(2));

    /// @notice Whether a checkpoint stored this hash of a parent's block.
    mapping(bytes32 parentBlockHash => bool) public isCheckpoint;

    /// @notice This chain's predeploy is missing, or holds no hash.
    error NoParentBlockHash();
    /// @notice The parent's predeploy held another hash.
    error L1BlockHashMismatch(bytes32 held, bytes32 blockHash);

    /// @inheritdoc IL1BlockHashSource
    function isL1BlockHash(bytes32 blockHash, bytes calldata proof) external view returns (bool) {
        (bytes memory header, bytes memory accountProof, bytes memory storageProof) =
            abi.decode(proof, (bytes, bytes, bytes));
        if (blockHash == 0 || !_isParentBlockHash(keccak256(header))) return false;
        // Called from outside, so that the proofs stand in calldata, where the verifier reads them.
        bytes32 held = this.hashHeldIn(header, accountProof, storageProof);
        if (held != blockHash) revert L1BlockHashMismatch(held, blockHash);
        return true;
    }

    /// @notice What the predeploy of the parent holds in the block with this header; zero if nothing.
    /// @param header RLP of the parent's header; whether it is one, the caller has to know.
    /// @param accountProof Trie nodes from the header's state root to the L1Block account.
    /// @param storageProof Trie nodes from the account's storage root to the slot of `hash`.
    function hashHeldIn(bytes calldata header, bytes calldata accountProof, bytes calldata storageProof)
        external
        pure
        returns (bytes32 held)
    {
        bytes32 stateRoot = L1Header.parse(header).stateRoot;
        bytes32 storageRoot = MerklePatricia.accountStorageRoot(stateRoot, L1_BLOCK, accountProof);
        (, held) = MerklePatricia.storageValue(storageRoot, HASH_SLOT, storageProof);
    }

    /// @inheritdoc IL1BlockHashSource
    function checkpoint() external returns (bytes32 parentBlockHash) {
        parentBlockHash = _currentHash();
        if (parentBlockHash == 0) revert NoParentBlockHash();
        isCheckpoint[parentBlockHash] = true;
        emit Checkpointed(parentBlockHash);
    }

    function _isParentBlockHash(bytes32 hash) private view returns (bool) {
        return isCheckpoint[hash] || hash == _currentHash();
    }

    /// @dev `L1Block.hash()`, or zero where nothing, or something else, stands at its address.
    function _currentHash() private view returns (bytes32) {
        (bool success, bytes memory answer) = L1_BLOCK.staticcall(abi.encodeWithSignature("hash()"));
        return success && answer.length == 32 ? bytes32(answer) : bytes32(0);
    }
}
