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
///      key ends, each as its RLP, one after the other: as lists, they say where they end. Nodes shorter than 32 bytes are
///      inside their parent and nowhere else. There is one proof for a key. Whatever is not that proof reverts, or is a
///      fault where many keys are looked up; nothing is merely false.
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

    /// @notice The nodes of the proof that was read last, and how far they led its key: the next proof may begin with some
    ///         of them, and its key is led on from where the two keys part.
    struct Path {
        bytes32 keyHash;
        /// @dev How many nodes the proof has.
        uint256 length;
        /// @dev The last node of which is known what those above say.
        uint256 known;
        /// @dev Of the root; those of the nodes below it are behind it in memory, one after the other.
        Mark first;
    }

    /// @notice A node of a proof, which is a list, and what those above say of it and of the key.
    struct Mark {
        uint256 position;
        uint256 end;
        bytes32 expected;
        uint256 depth;
        Step step;
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

    /// @dev Every node but a leaf uses a nibble of the key, so no key gets to a node behind the 65th.
    uint256 private constant _MAX_NODES = 65;

    /// @dev Bytes of a {Mark}.
    uint256 private constant _MARK = 0xa0;

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
    /// @notice A proof begins with more nodes of the last one than that has.
    error TooManyNodesKept(uint256 kept, uint256 length);
    /// @notice A storage value is zero, wider than a word, or starts with a zero byte.
    error MalformedStorageValue(bytes value);

    /// @notice Looks up a key.
    /// @param root Root of the trie.
    /// @param keyHash Hashed key: its 64 nibbles are the way through the trie.
    /// @param proof Nodes from the root down; none for the empty trie.
    /// @return exists Whether the key has a value; both answers are proven.
    /// @return value The value, not decoded; empty if there is none.
    function get(bytes32 root, bytes32 keyHash, bytes calldata proof)
        internal
        pure
        returns (bool exists, bytes calldata value)
    {
        (Slice found, bytes memory fault) = tryGetAlong(newPath(root), keyHash, 0, SliceLib.from(proof));
        Fault.raise(fault);
        return (_isFound(found), found.toBytes());
    }

    /// @notice A path along which no proof has led yet, in the trie of `root`.
    function newPath(bytes32 root) internal pure returns (Path memory path) {
        Mark memory first = path.first;
        assembly ("memory-safe") {
            first := mload(0x40)
            mstore(0x40, add(first, mul(_MARK, _MAX_NODES)))
        }
        (first.expected, first.depth, first.step) = (root, 0, Step.Child);
        path.first = first;
    }

    /// @notice Looks up a key by a proof that begins as the last one along `path`. Answers the error with which {get} reverts.
    /// @param kept With how many nodes of that one.
    /// @param nodes The nodes behind these.
    /// @return value The value; empty if there is none.
    /// @return fault The error; empty if there is none.
    function tryGetAlong(Path memory path, bytes32 keyHash, uint256 kept, Slice nodes)
        internal
        pure
        returns (Slice value, bytes memory fault)
    {
        if (kept > path.length) {
            return (value, Fault.encode(TooManyNodesKept.selector, kept, path.length));
        }
        fault = _append(path, kept, nodes);
        return fault.length == 0 ? _lead(path, keyHash) : (value, fault);
    }

    /// @notice Proves an account and returns the root of its storage trie.
    /// @param stateRoot Root of the state trie.
    /// @param account Address of the account.
    /// @param proof Nodes of the state trie from the root down.
    function accountStorageRoot(bytes32 stateRoot, address account, bytes calldata proof)
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
    function storageValue(bytes32 storageRoot, bytes32 slot, bytes calldata proof)
        internal
        pure
        returns (bool exists, bytes32 word)
    {
        bytes memory fault;
        (exists, word, fault) = tryStorageValueAlong(newPath(storageRoot), slot, 0, proof);
        Fault.raise(fault);
    }

    /// @notice As {storageValue}, by a proof as {tryGetAlong} takes it, and answering the error with which that reverts.
    function tryStorageValueAlong(Path memory path, bytes32 slot, uint256 kept, bytes calldata nodes)
        internal
        pure
        returns (bool, bytes32, bytes memory)
    {
        (Slice value, bytes memory fault) = tryGetAlong(path, _keyOf(slot), kept, SliceLib.from(nodes));
        return _readWord(value, fault);
    }

    /// @dev Puts nodes behind the first `kept` of a path.
    function _append(Path memory path, uint256 kept, Slice nodes) private pure returns (bytes memory fault) {
        if (path.known > kept) path.known = kept;
        Mark memory mark = path.first;
        uint256 position = nodes.start();
        uint256 end = nodes.end();
        assembly ("memory-safe") {
            mark := add(mark, mul(_MARK, kept))
        }
        while (position < end) {
            uint256 next;
            assembly ("memory-safe") {
                // Most are lists of 256 bytes or more, whose length has two bytes.
                let start := shr(232, calldataload(position))
                if and(eq(shr(16, start), 0xf9), gt(and(start, 0xffff), 0xff)) {
                    next := add(add(position, 3), and(start, 0xffff))
                }
            }
            if (next == 0) (, next) = RlpRun.listAt(position);
            if (next > end) {
                fault = _faultOfList(position, end);
                break;
            }
            assembly ("memory-safe") {
                if lt(kept, _MAX_NODES) {
                    mstore(mark, position)
                    mstore(add(mark, 0x20), next)
                    mark := add(mark, _MARK)
                }
                kept := add(kept, 1)
                position := next
            }
        }
        path.length = kept;
    }

    /// @dev Leads a key along a path.
    function _lead(Path memory path, bytes32 keyHash) private pure returns (Slice value, bytes memory fault) {
        uint256 length = path.length;
        if (path.first.expected == EMPTY_TRIE_ROOT) {
            return (value, length == 0 ? fault : _tooLong(length, 0));
        }
        uint256 index = _stepBack(path, keyHash);
        while (true) {
            bool isAbsent;
            (index, isAbsent) = _throughBranches(path.first, index, length, keyHash);
            path.known = index;
            if (isAbsent) return _arrive(Step.Absent, 0, length, index + 1);
            if (index == length) return (value, _tooShort(length));
            Mark memory mark = path.first;
            assembly ("memory-safe") {
                mark := add(mark, mul(_MARK, index))
            }
            (Step step, uint256 position, uint256 depth) = _enter(mark, index, keyHash);
            ++index;
            if (step < Step.Child) return _arrive(step, position, length, index);
            assembly ("memory-safe") {
                mark := add(mark, _MARK)
            }
            (mark.expected, mark.depth, mark.step) = (_wordAt(position + 1), depth, step);
        }
    }

    /// @dev The last node down to which the last key's way is also that of another, which takes its place.
    function _stepBack(Path memory path, bytes32 keyHash) private pure returns (uint256 index) {
        index = path.known;
        bytes32 difference = path.keyHash ^ keyHash;
        path.keyHash = keyHash;
        assembly ("memory-safe") {
            // What nodes say of a key depends on as many of its nibbles as the depth below them counts.
            let depth := add(add(mload(add(path, 0x60)), mul(_MARK, index)), 0x60)
            for {} shr(sub(256, shl(2, mload(depth))), difference) {} {
                index := sub(index, 1)
                depth := sub(depth, _MARK)
            }
        }
    }

    /// @dev Leads a key through branches with nothing but hashes and empty references, as most nodes are in a large trie.
    ///      `_enter` would do the same.
    /// @return next The first node that it does not lead through.
    /// @return isAbsent Whether that is such a branch too, and has nothing for the key.
    function _throughBranches(Mark memory mark, uint256 index, uint256 length, bytes32 keyHash)
        private
        pure
        returns (uint256 next, bool isAbsent)
    {
        assembly ("memory-safe") {
            // The position of the reference for a nibble in a branch of sixteen hashes; zero if it is none.
            function childOfFull(position, nibble) -> child {
                // 0xf90211 for its length, sixteen times 0xa0 and a hash, 0x80. Only the first byte of each difference matters.
                let hash := shl(248, 0xa0)
                let difference := 0
                let value := add(position, 531)
                for { let at := add(position, 3) } lt(at, value) { at := add(at, 264) } {
                    difference := or(
                        or(
                            or(
                                or(difference, xor(hash, calldataload(at))),
                                xor(hash, calldataload(add(at, 33)))
                            ),
                            or(xor(hash, calldataload(add(at, 66))), xor(hash, calldataload(add(at, 99))))
                        ),
                        or(
                            or(xor(hash, calldataload(add(at, 132))), xor(hash, calldataload(add(at, 165)))),
                            or(xor(hash, calldataload(add(at, 198))), xor(hash, calldataload(add(at, 231))))
                        )
                    )
                }
                if iszero(or(byte(0, difference), xor(byte(0, calldataload(value)), 0x80))) {
                    child := add(add(position, 3), mul(33, nibble))
                }
            }

            // The position of the reference for a nibble in a branch whose references are empty or hashes; zero if it is
            // none.
            function childOf(position, end, nibble) -> child {
                let prefix := byte(0, calldataload(position))
                let at := add(add(position, 1), mul(gt(prefix, 0xf7), sub(prefix, 0xf7)))
                // Only the first byte of each difference matters: none, or the bit by which a hash differs.
                let empty := shl(248, 0x80)
                let difference := xor(empty, calldataload(at))
                // The path of most leaves and extensions begins otherwise; one of 63 nibbles does not, and ends before the branch would.
                if iszero(and(byte(0, difference), 0xdf)) {
                    let group := and(nibble, 0x0c)
                    for { let i := 0 } lt(i, 16) { i := add(i, 4) } {
                        if eq(i, group) { child := at }
                        let first := xor(empty, calldataload(at))
                        at := add(add(at, 1), byte(0, first))
                        let second := xor(empty, calldataload(at))
                        at := add(add(at, 1), byte(0, second))
                        let third := xor(empty, calldataload(at))
                        at := add(add(at, 1), byte(0, third))
                        let fourth := xor(empty, calldataload(at))
                        at := add(add(at, 1), byte(0, fourth))
                        difference := or(difference, or(or(first, second), or(third, fourth)))
                    }
                    for { let i := and(nibble, 3) } i { i := sub(i, 1) } {
                        child := add(add(child, 1), byte(0, xor(empty, calldataload(child))))
                    }
                    // The value is empty, and the last item.
                    let isBranch := and(eq(add(at, 1), end), eq(byte(0, calldataload(at)), 0x80))
                    child := mul(child, and(isBranch, iszero(and(byte(0, difference), 0xdf))))
                }
            }

            let free := mload(0x40)
            mark := add(mark, mul(_MARK, index))
            let depth := mload(add(mark, 0x60))
            for {} and(lt(index, length), lt(depth, _KEY_NIBBLES)) { index := add(index, 1) } {
                let position := mload(mark)
                let end := mload(add(mark, 0x20))
                let size := sub(end, position)
                calldatacopy(free, position, size)
                if iszero(eq(keccak256(free, size), mload(add(mark, 0x40)))) { break }

                let nibble := and(shr(sub(252, shl(2, depth)), keyHash), 0x0f)
                let child := 0
                if eq(size, 532) { child := childOfFull(position, nibble) }
                if iszero(child) { child := childOf(position, end, nibble) }
                let prefix := mul(byte(0, calldataload(child)), gt(child, 0))
                if iszero(eq(prefix, 0xa0)) {
                    isAbsent := and(eq(prefix, 0x80), gt(size, 31))
                    break
                }

                mark := add(mark, _MARK)
                depth := add(depth, 1)
                mstore(add(mark, 0x40), calldataload(add(child, 1)))
                mstore(add(mark, 0x60), depth)
                mstore(add(mark, 0x80), 3) // Step.Child
            }
            next := index
        }
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
    function _enter(Mark memory mark, uint256 index, bytes32 keyHash)
        private
        pure
        returns (Step, uint256, uint256)
    {
        (uint256 position, uint256 end) = (mark.position, mark.end);
        // With keys of 64 nibbles even the root has more than 32 bytes.
        if (end - position < 32) return _refuseShort(index, end - position);
        bytes32 hash = _hash(position, end);
        if (hash != mark.expected) return _refuseHash(index, hash, mark.expected);
        return _followAll(mark.step, position, end, keyHash, mark.depth);
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

    /// @dev Where the items of a list begin.
    function _itemsOf(uint256 position) private pure returns (uint256) {
        unchecked {
            uint256 prefix = _prefixAt(position);
            return position + (prefix > 0xf7 ? prefix - 0xf6 : 1);
        }
    }

    /// @dev Why no list begins at `position` and ends before `end`.
    function _faultOfList(uint256 position, uint256 end) private pure returns (bytes memory) {
        (,, uint256 payloadEnd) = Rlp.tryItem(position, end);
        if (payloadEnd == 0) return Rlp.faultAt(position, end);
        return Fault.encode(Rlp.RlpExpectedList.selector, _prefixAt(position));
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
        uint256 items = _itemsOf(position);
        (, uint256 pathStart, uint256 second) = Rlp.tryItem(items, end);
        if (second == 0) return _refuse(Rlp.faultAt(items, end));
        (,, uint256 afterSecond) = Rlp.tryItem(second, end);
        if (afterSecond == 0) return _refuse(Rlp.faultAt(second, end));
        if (afterSecond != end) return _followBranch(items, end, keyHash, depth);
        if (previous == Step.Branch) return _refuseNode(ExtensionWithoutBranch.selector, depth);
        if (_prefixAt(items) >= _SHORTEST_EMBEDDED) return _refuseNode(MalformedPath.selector, depth);
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

    /// @dev Checks all items of a branch and finds the one for the next nibble. They need no bound of their own: only
    ///      when none reaches past the end does the last one end exactly there.
    function _followBranch(uint256 items, uint256 end, bytes32 keyHash, uint256 depth)
        private
        pure
        returns (Step step, uint256 target, uint256 newDepth)
    {
        if (depth >= _KEY_NIBBLES) return _refuseNode(MalformedNode.selector, depth);
        unchecked {
            uint256 nibble = _nibbleAt(keyHash, depth);
            target = _skipReferences(items, nibble);
            uint256 value = _skipReferences(target, 16 - nibble);
            if (value + 1 != end || _prefixAt(value) != _EMPTY) {
                return _refuseNode(MalformedNode.selector, depth);
            }
            if (_prefixAt(target) == _EMPTY) return (Step.Absent, 0, depth);
            return (Step.Child, target, depth + 1);
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
