import { configHashVectors } from './configHash.ts'
import { digestVectors } from './digests.ts'
import { setConfigCodecVectors } from './setConfigCodec.ts'
import { setConfigValidityVectors } from './setConfigValidity.ts'
import { signatureVectors } from './signatures.ts'
import { signerTreeVectors } from './signerTrees.ts'
import { trieProofVectors } from './trieProofs.ts'

/** Names the files in test/vectors/keyroll and says how each is built; the same every time. */
export const vectorFiles = {
  'config_hash.json': configHashVectors,
  'digests.json': digestVectors,
  'setconfig_codec.json': setConfigCodecVectors,
  'setconfig_validity.json': setConfigValidityVectors,
  'signatures.json': signatureVectors,
  'signer_trees.json': signerTreeVectors,
  'trie_proofs.json': trieProofVectors,
} as const
