// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Fault} from "./Fault.sol";
import {Rlp} from "./Rlp.sol";
import {RlpRun} from "./RlpRun.sol";
import {Slice, SliceLib} from "./Slice.sol";

/// @title MerklePatricia
/// @notice Verifies inclusion and exclusion proofs of Ethereum's hexary Merkle-Patricia trie with hashed keys: the
///         state trie and storage tries (protocol.md §4).
/// @dev A proof is what `eth_getProof` answers: the nodes that are referenced by hash, from the root down to where the
///      key ends, each as its RLP; nodes shorter than 32 bytes are inside their parent and nowhere else. There is one
///      proof for a key. Whatever is not that proof reverts, or is a fault where many keys are looked up; nothing is
///      merely false.
///
///      All keys have 64 nibbles, so a value stands in a leaf, never in a branch, and a leaf ends at the 64th.
library MerklePatricia {
    using Rlp for Rlp.Cursor;

    /// @notice Where a node leads a key: to a fault, nowhere, to its value, to a child, or to a child that must be a
    ///         branch.
    enum Step {
        Fault,
        Absent,
        Value,
        Child,
        Branch
    }

    /// @notice A node in a pool that many proofs share, hashed and looked at once.
    struct PoolNode {
        bytes32 hash;
        uint256 position;
        uint256 end;
        bool isFullBranch;
    }

    /// @notice `keccak256(rlp(""))`, the root of a trie without keys.
    bytes32 internal constant EMPTY_TRIE_ROOT =
        0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;

    /// @dev Prefixes of the items that refer to children: nothing, a hash, an embedded node of at most 31 bytes.
    uint256 private constant _EMPTY = 0x80;
    uint256 private constant _HASH = 0xa0;
    uint256 private constant _SHORTEST_EMBEDDED = 0xc0;
    uint256 private constant _LONGEST_EMBEDDED = 0xde;

    uint256 private constant _KEY_NIBBLES = 64;

    /// @dev No path leads so deep.
    uint256 private constant _MALFORMED = type(uint256).max;

    /// @notice The node at `index` of the proof does not have the hash its parent, or the root, names.
    error ProofNodeMismatch(uint256 index, bytes32 hash, bytes32 expected);
    /// @notice The node at `index` of the proof is shorter than 32 bytes, and so belongs into its parent.
    error ProofNodeTooShort(uint256 index, uint256 length);
    /// @notice The proof ends before the key does.
    error ProofTooShort(uint256 length);
    /// @notice The key ends after `used` nodes, the proof has more.
    error ProofTooLong(uint256 length, uint256 used);
    /// @notice A node, `depth` nibbles down, is neither a leaf, an extension with a reference, nor a branch of 16
    ///         references and no value; or it is a branch behind the last nibble.
    error MalformedNode(uint256 depth);
    /// @notice A path, `depth` nibbles down, is not canonical hex-prefix encoding or has the wrong number of nibbles.
    error MalformedPath(uint256 depth);
    /// @notice An extension leads, `depth` nibbles down, to something that is not a branch.
    error ExtensionWithoutBranch(uint256 depth);
    /// @notice A leaf holds an empty value.
    error EmptyValue();
    /// @notice The proof shows that there is no such account.
    error AccountAbsent(address account);
    /// @notice The way through a pool does not consist of indices of two bytes.
    error MalformedWay(uint256 length);
    /// @notice The way through a pool names a node that the pool does not have.
    error NotInPool(uint256 node, uint256 count);
    /// @notice A storage value is zero, wider than a word, or starts with a zero byte.
    error MalformedStorageValue(bytes value);

    /// @notice Looks up a key.
    /// @param root Root of the trie.
    /// @param keyHash Hashed key: its 64 nibbles are the way through the trie.
    /// @param proof Nodes from the root down; none for the empty trie.
    /// @return exists Whether the key has a value; both answers are proven.
    /// @return value The value, not decoded; empty if there is none.
    function get(bytes32 root, bytes32 keyHash, bytes[] calldata proof)
        internal
        pure
        returns (bool exists, bytes calldata value)
    {
        (Slice found, bytes memory fault) = tryGet(root, keyHash, proof);
        Fault.raise(fault);
        return (_isFound(found), found.toBytes());
    }

    /// @notice As {get}, but answers the error with which that reverts.
    /// @return value The value; empty if there is none.
    /// @return fault The error; empty if there is none.
    function tryGet(bytes32 root, bytes32 keyHash, bytes[] calldata proof)
        internal
        pure
        returns (Slice value, bytes memory fault)
    {
        if (root == EMPTY_TRIE_ROOT) {
            return (value, proof.length == 0 ? fault : _tooLong(proof.length, 0));
        }

        bytes32 expected = root;
        uint256 depth = 0;
        Step step = Step.Child;
        for (uint256 i = 0; i < proof.length; ++i) {
            Slice node = SliceLib.from(proof[i]);
            uint256 position;
            (step, position, depth) = _enter(step, node, i, expected, keyHash, depth);
            if (step < Step.Child) return _arrive(step, position, proof.length, i + 1);
            expected = _wordAt(position + 1);
        }
        return (value, _tooShort(proof.length));
    }

    /// @notice Hashes nodes that several proofs share, whatever they are: what is wrong with one is the fault of the ways
    ///         that lead through it.
    function toPool(bytes[] calldata nodes) internal pure returns (PoolNode[] memory pool) {
        pool = new PoolNode[](nodes.length);
        for (uint256 i = 0; i < nodes.length; ++i) {
            (uint256 position, uint256 end) = _bounds(nodes[i]);
            PoolNode memory pooled = pool[i];
            pooled.hash = _hash(position, end);
            pooled.position = position;
            pooled.end = end;
            pooled.isFullBranch = _isFullBranch(position, end);
        }
    }

    /// @notice Looks up a key as {tryGet} does with the proof that `way` picks from `pool`.
    /// @param way Indices in the pool, two bytes each, from the root down; none for the empty trie.
    function tryGetPooled(bytes32 root, bytes32 keyHash, PoolNode[] memory pool, Slice way)
        internal
        pure
        returns (Slice value, bytes memory fault)
    {
        uint256 length = way.length();
        if (length % 2 != 0) return (value, Fault.encode(MalformedWay.selector, length));
        length /= 2;
        if (root == EMPTY_TRIE_ROOT) return (value, length == 0 ? fault : _tooLong(length, 0));

        (uint256 depth, bytes32 expected) = _throughFullBranches(root, keyHash, pool, way);
        Step step = Step.Child;
        for (uint256 i = depth; i < length; ++i) {
            uint256 position = uint16(bytes2(way.wordAt(2 * i)));
            if (position >= pool.length) return (value, _notInPool(position, pool.length));
            (step, position, depth) = _enterPooled(step, pool[position], i, expected, keyHash, depth);
            if (step < Step.Child) return _arrive(step, position, length, i + 1);
            expected = _wordAt(position + 1);
        }
        return (value, _tooShort(length));
    }

    /// @notice Proves an account and returns the root of its storage trie.
    /// @param stateRoot Root of the state trie.
    /// @param account Address of the account.
    /// @param proof Nodes of the state trie from the root down.
    function accountStorageRoot(bytes32 stateRoot, address account, bytes[] calldata proof)
        internal
        pure
        returns (bytes32 storageRoot)
    {
        (bool exists, bytes calldata encoded) = get(stateRoot, keccak256(abi.encodePacked(account)), proof);
        if (!exists) revert AccountAbsent(account);
        Rlp.Cursor memory fields = Rlp.toList(encoded);
        fields.readUint(8); // nonce
        fields.readUint(32); // balance
        storageRoot = fields.readBytes32();
        fields.readBytes32(); // code hash
        fields.requireDone();
    }

    /// @notice Proves a storage slot.
    /// @param storageRoot Root of the account's storage trie.
    /// @param slot The slot, not hashed.
    /// @param proof Nodes of the storage trie from the root down.
    /// @return exists Whether the slot is not zero.
    /// @return word What the slot holds.
    function storageValue(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        internal
        pure
        returns (bool exists, bytes32 word)
    {
        bytes memory fault;
        (exists, word, fault) = tryStorageValue(storageRoot, slot, proof);
        Fault.raise(fault);
    }

    /// @notice As {storageValue}, but answers the error with which that reverts; empty if there is none.
    function tryStorageValue(bytes32 storageRoot, bytes32 slot, bytes[] calldata proof)
        internal
        pure
        returns (bool, bytes32, bytes memory)
    {
        (Slice value, bytes memory fault) = tryGet(storageRoot, _keyOf(slot), proof);
        return _readWord(value, fault);
    }

    /// @notice As {tryStorageValue}, with the proof that `way` picks from `pool`.
    function tryStorageValuePooled(
        bytes32 storageRoot,
        bytes32 slot,
        PoolNode[] memory pool,
        bytes calldata way
    ) internal pure returns (bool, bytes32, bytes memory) {
        (Slice value, bytes memory fault) = tryGetPooled(storageRoot, _keyOf(slot), pool, SliceLib.from(way));
        return _readWord(value, fault);
    }

    function _keyOf(bytes32 slot) private pure returns (bytes32 keyHash) {
        assembly ("memory-safe") {
            mstore(0x00, slot)
            keyHash := keccak256(0x00, 0x20)
        }
    }

    /// @dev Reads the value of a slot, if a lookup found one.
    function _readWord(Slice value, bytes memory lookupFault)
        private
        pure
        returns (bool, bytes32 word, bytes memory fault)
    {
        if (!_isFound(value)) return (false, 0, lookupFault);
        // Most words are hashes, and most of these have no leading zeros.
        uint256 start = value.start();
        if (value.length() == 33 && _prefixAt(start) == _HASH) {
            word = _wordAt(start + 1);
            if (uint256(word) >> 248 != 0) return (true, word, fault);
        }
        bytes calldata stripped;
        (stripped, fault) = Rlp.tryToBytes(value.toBytes());
        if (fault.length != 0) return (false, 0, fault);
        if (stripped.length == 0 || stripped.length > 32 || stripped[0] == 0) {
            return (false, 0, abi.encodeWithSelector(MalformedStorageValue.selector, stripped));
        }
        return (true, bytes32(stripped) >> (256 - 8 * stripped.length), fault);
    }

    /// @dev Follows the key through a node of a proof and those embedded in it.
    function _enter(Step step, Slice node, uint256 index, bytes32 expected, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (Step, uint256, uint256)
    {
        // With keys of 64 nibbles even the root has more than 32 bytes.
        if (node.length() < 32) return _refuseShort(index, node.length());
        (uint256 position, uint256 end) = (node.start(), node.end());
        bytes32 hash = _hash(position, end);
        if (hash != expected) return _refuseHash(index, hash, expected);
        return _followAll(step, position, end, keyHash, depth);
    }

    /// @dev As {_enter}, with a node of a pool.
    function _enterPooled(
        Step step,
        PoolNode memory node,
        uint256 index,
        bytes32 expected,
        bytes32 keyHash,
        uint256 depth
    ) private pure returns (Step, uint256, uint256) {
        (uint256 position, uint256 end) = (node.position, node.end);
        if (end - position < 32) return _refuseShort(index, end - position);
        if (node.hash != expected) return _refuseHash(index, node.hash, expected);
        if (node.isFullBranch && depth < _KEY_NIBBLES) return _followFullBranch(position, keyHash, depth);
        return _followAll(step, position, end, keyHash, depth);
    }

    /// @dev Follows the key from the root through as many full branches as there are at the beginning of its way, one
    ///      nibble each: in a large trie these are most nodes. `_enterPooled` would do the same.
    function _throughFullBranches(bytes32 root, bytes32 keyHash, PoolNode[] memory pool, Slice way)
        private
        pure
        returns (uint256 depth, bytes32 expected)
    {
        uint256 position = way.start();
        uint256 end = way.end();
        assembly ("memory-safe") {
            expected := root
            for {} and(lt(position, end), lt(depth, _KEY_NIBBLES)) { position := add(position, 2) } {
                let index := shr(240, calldataload(position))
                if iszero(lt(index, mload(pool))) { break }
                // hash, position, end, isFullBranch
                let node := mload(add(add(pool, 0x20), shl(5, index)))
                if iszero(and(eq(mload(node), expected), mload(add(node, 0x60)))) { break }
                let nibble := and(shr(sub(252, shl(2, depth)), keyHash), 0x0f)
                expected := calldataload(add(add(mload(add(node, 0x20)), 4), mul(33, nibble)))
                depth := add(depth, 1)
            }
        }
    }

    /// @dev Hashes calldata without keeping the copy.
    function _hash(uint256 position, uint256 end) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let length := sub(end, position)
            calldatacopy(free, position, length)
            hash := keccak256(free, length)
        }
    }

    /// @dev What a lookup that ends answers: a fault, absence or a value, if the proof ends with it.
    function _arrive(Step step, uint256 position, uint256 length, uint256 used)
        private
        pure
        returns (Slice value, bytes memory fault)
    {
        if (step == Step.Fault) {
            assembly ("memory-safe") {
                fault := position
            }
        } else if (used != length) {
            fault = _tooLong(length, used);
        } else if (step == Step.Value) {
            // The leaf was checked, so the value does not end behind it.
            (, uint256 payload, uint256 payloadEnd) = Rlp.tryItem(position, type(uint256).max);
            value = SliceLib.from(Rlp.slice(payload, payloadEnd));
        }
    }

    /// @dev No value is empty.
    function _isFound(Slice value) private pure returns (bool) {
        return value.length() != 0;
    }

    /// @dev Follows the key through the node from `position` to `end` and those embedded in it.
    function _followAll(Step step, uint256 position, uint256 end, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (Step, uint256, uint256)
    {
        (step, position, depth) = _follow(step, position, end, keyHash, depth);
        while (_isEmbedded(step, position)) {
            end = _endOfEmbedded(position);
            (step, position, depth) = _follow(step, position, end, keyHash, depth);
        }
        return (step, position, depth);
    }

    /// @dev A step that answers a fault: where its bytes stand in memory.
    function _refuse(bytes memory fault) private pure returns (Step, uint256 position, uint256) {
        assembly ("memory-safe") {
            position := fault
        }
        return (Step.Fault, position, 0);
    }

    function _refuseNode(bytes4 reason, uint256 depth) private pure returns (Step, uint256, uint256) {
        return _refuse(Fault.encode(reason, depth));
    }

    function _refuseShort(uint256 index, uint256 length) private pure returns (Step, uint256, uint256) {
        return _refuse(Fault.encode(ProofNodeTooShort.selector, index, length));
    }

    function _refuseHash(uint256 index, bytes32 hash, bytes32 expected)
        private
        pure
        returns (Step, uint256, uint256)
    {
        return _refuse(abi.encodeWithSelector(ProofNodeMismatch.selector, index, hash, expected));
    }

    function _tooLong(uint256 length, uint256 used) private pure returns (bytes memory) {
        return Fault.encode(ProofTooLong.selector, length, used);
    }

    function _tooShort(uint256 length) private pure returns (bytes memory) {
        return Fault.encode(ProofTooShort.selector, length);
    }

    function _notInPool(uint256 node, uint256 count) private pure returns (bytes memory) {
        return Fault.encode(NotInPool.selector, node, count);
    }

    function _bounds(bytes calldata node) private pure returns (uint256 position, uint256 end) {
        assembly ("memory-safe") {
            position := node.offset
            end := add(position, node.length)
        }
    }

    /// @dev Follows the key through the node from `position` to `end`.
    /// @param previous What the parent said of this node: Child or Branch.
    /// @return step Where the key goes.
    /// @return target Position of the item it goes to: a reference to a child, or a value. Zero if absent; a pointer into
    ///         memory if the node has a fault.
    /// @return newDepth Nibbles of the key that have been used.
    function _follow(Step previous, uint256 position, uint256 end, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (Step step, uint256 target, uint256 newDepth)
    {
        if (_isFullBranch(position, end) && depth < _KEY_NIBBLES) {
            return _followFullBranch(position, keyHash, depth);
        }

        (step, target, newDepth) = _followBranch(position, end, keyHash, depth);
        if (step != Step.Fault) return (step, target, newDepth);

        (bool isList, uint256 payload, uint256 payloadEnd) = Rlp.tryItem(position, end);
        if (payloadEnd == 0) return _refuse(Rlp.faultAt(position, end));
        if (!isList) return _refuseNode(Rlp.RlpExpectedList.selector, _prefixAt(position));
        if (payloadEnd != end) return _refuseNode(Rlp.RlpTrailingBytes.selector, end - payloadEnd);

        (, uint256 pathStart, uint256 second) = Rlp.tryItem(payload, end);
        if (second == 0) return _refuse(Rlp.faultAt(payload, end));
        (,, uint256 afterSecond) = Rlp.tryItem(second, end);
        if (afterSecond == 0) return _refuse(Rlp.faultAt(second, end));
        if (afterSecond != end) return _refuseNode(MalformedNode.selector, depth);
        if (previous == Step.Branch) return _refuseNode(ExtensionWithoutBranch.selector, depth);
        if (_prefixAt(payload) >= _SHORTEST_EMBEDDED) return _refuseNode(MalformedPath.selector, depth);
        return _followPair(pathStart, second, keyHash, depth);
    }

    /// @dev Follows the key through a leaf or an extension, whose path and second item have been found.
    function _followPair(uint256 pathStart, uint256 second, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (Step step, uint256 target, uint256 newDepth)
    {
        bool matches;
        bool isLeaf;
        (isLeaf, matches, newDepth) = _followPath(pathStart, second, keyHash, depth);
        if (newDepth > _KEY_NIBBLES) return _refuseNode(MalformedPath.selector, depth);
        uint256 prefix = _prefixAt(second);
        if (isLeaf) {
            // A leaf's value is a string, and not the empty one: that would mean no value.
            if (prefix >= 0xc0) return _refuseNode(Rlp.RlpExpectedString.selector, prefix);
            if (prefix == _EMPTY) return _refuse(Fault.encode(EmptyValue.selector));
        } else if (prefix != _HASH && (prefix < _SHORTEST_EMBEDDED || prefix > _LONGEST_EMBEDDED)) {
            return _refuseNode(MalformedNode.selector, depth);
        }
        if (!matches) return (Step.Absent, 0, newDepth);
        return (isLeaf ? Step.Value : Step.Branch, second, newDepth);
    }

    /// @dev Follows the key through a branch of sixteen hashes.
    function _followFullBranch(uint256 position, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (Step, uint256, uint256)
    {
        unchecked {
            return (Step.Child, position + 3 + 33 * _nibbleAt(keyHash, depth), depth + 1);
        }
    }

    /// @dev Checks all items of a branch and finds the one for the next nibble. They need no bound of their own: only
    ///      when none reaches past the end does the last one end exactly there.
    /// @return step A fault, of which nothing is said, if the node is no branch.
    function _followBranch(uint256 position, uint256 end, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (Step step, uint256 target, uint256 newDepth)
    {
        (uint256 items, uint256 next) = RlpRun.listAt(position);
        if (next != end || depth >= _KEY_NIBBLES) return (Step.Fault, 0, 0);
        unchecked {
            uint256 nibble = _nibbleAt(keyHash, depth);
            target = _skipReferences(items, nibble);
            uint256 value = _skipReferences(target, 16 - nibble);
            if (value + 1 != end || _prefixAt(value) != _EMPTY) return (Step.Fault, 0, 0);
            if (_prefixAt(target) == _EMPTY) return (Step.Absent, 0, depth);
            return (Step.Child, target, depth + 1);
        }
    }

    /// @dev Whether a node is a branch with sixteen hashes, 532 bytes. So are most nodes of a proof from a large trie, and
    ///      comparing prefixes that stand at known places costs far less than parsing them.
    function _isFullBranch(uint256 position, uint256 end) private pure returns (bool isFull) {
        if (end - position != 532) return false;
        assembly ("memory-safe") {
            // 0xf90211, sixteen times 0xa0 and a hash, 0x80. Only the first byte of each difference matters.
            let hash := shl(248, 0xa0)
            let difference := 0
            let value := add(position, 531)
            for { let at := add(position, 3) } lt(at, value) { at := add(at, 132) } {
                difference := or(difference, xor(hash, calldataload(at)))
                difference := or(difference, xor(hash, calldataload(add(at, 33))))
                difference := or(difference, xor(hash, calldataload(add(at, 66))))
                difference := or(difference, xor(hash, calldataload(add(at, 99))))
            }
            let isFramed :=
                and(eq(shr(232, calldataload(position)), 0xf90211), eq(byte(0, calldataload(value)), 0x80))
            isFull := and(isFramed, iszero(byte(0, difference)))
        }
    }

    /// @dev Steps over `count` references to children, each empty, a hash or an embedded node; answers a position
    ///      beyond calldata if one is something else.
    function _skipReferences(uint256 position, uint256 count) private pure returns (uint256 next) {
        assembly ("memory-safe") {
            next := position
            for {} count { count := sub(count, 1) } {
                let prefix := byte(0, calldataload(next))
                // Of 0x80, nothing, and 0xa0, a hash, this bit is the length.
                next := add(next, add(and(prefix, 0x20), 1))
                if or(and(prefix, 0x5f), lt(prefix, 0x80)) {
                    // 0xc0 to 0xde: a list of at most 31 bytes. Below 0xc0 the difference wraps around.
                    let length := sub(prefix, 0xc0)
                    if gt(length, 30) {
                        next := not(0) // where calldata ends: a further call stays there
                        break
                    }
                    next := add(sub(next, and(prefix, 0x20)), length)
                }
            }
        }
    }

    /// @dev Compares a leaf's or extension's path, in hex-prefix encoding, with the key. In the first byte, the upper
    ///      nibble says which (bit 1 a leaf, bit 0 an odd number of nibbles); the lower one is the first nibble of
    ///      an odd path and zero before an even one. Where the path is malformed, `newDepth` is `_MALFORMED`.
    function _followPath(uint256 start, uint256 end, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (bool isLeaf, bool matches, uint256 newDepth)
    {
        unchecked {
            uint256 width = end - start;
            // An odd path has at most 63 nibbles in 32 bytes, an even one 64 in 33.
            if (width == 0 || width > 33) return (false, false, _MALFORMED);
            uint256 flags = _prefixAt(start);
            bool isOdd = flags & 0x10 != 0;
            if (flags > 0x3f || (!isOdd && flags & 0x0f != 0)) return (false, false, _MALFORMED);
            isLeaf = flags & 0x20 != 0;

            uint256 nibbles = 2 * width - (isOdd ? 1 : 2);
            newDepth = depth + nibbles;
            // A leaf ends the key; an extension uses some of it and leaves some for the branch behind it.
            if (isLeaf ? newDepth != _KEY_NIBBLES : (nibbles == 0 || newDepth >= _KEY_NIBBLES)) {
                return (false, false, _MALFORMED);
            }

            uint256 path = isOdd ? uint256(_wordAt(start)) << 4 : uint256(_wordAt(start + 1));
            uint256 difference = path ^ (uint256(keyHash) << (4 * depth));
            matches = difference >> (256 - 4 * nibbles) == 0;
        }
    }

    function _isEmbedded(Step step, uint256 target) private pure returns (bool) {
        return step >= Step.Child && _prefixAt(target) != _HASH;
    }

    /// @dev An embedded node is a list of less than 56 bytes, so its prefix tells where it ends.
    function _endOfEmbedded(uint256 position) private pure returns (uint256) {
        return position + _prefixAt(position) - 0xbf;
    }

    function _nibbleAt(bytes32 keyHash, uint256 depth) private pure returns (uint256) {
        unchecked {
            return (uint256(keyHash) >> (252 - 4 * depth)) & 0xf;
        }
    }

    function _prefixAt(uint256 position) private pure returns (uint256 prefix) {
        assembly ("memory-safe") {
            prefix := byte(0, calldataload(position))
        }
    }

    function _wordAt(uint256 position) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(position)
        }
    }
}
