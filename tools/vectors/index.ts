import { blockVectors } from './blocks.ts'
import { configHashVectors } from './configHash.ts'
import { digestVectors } from './digests.ts'
import { outputCommitmentVectors } from './outputCommitment.ts'
import { promiseVectors } from './promises.ts'
import { setConfigCodecVectors } from './setConfigCodec.ts'
import { setConfigValidityVectors } from './setConfigValidity.ts'
import { signatureVectors } from './signatures.ts'
import { signerTreeVectors } from './signerTrees.ts'
import { sszProofVectors } from './sszProofs.ts'
import { trieProofVectors } from './trieProofs.ts'
import { unsafeBlockVectors } from './unsafeBlocks.ts'

/** Names the files in test/vectors/keyroll and says how each is built; the same every time. */
export const vectorFiles = {
  'blocks.json': blockVectors,
  'config_hash.json': configHashVectors,
  'digests.json': digestVectors,
  'output_commitment.json': outputCommitmentVectors,
  'promises.json': promiseVectors,
  'setconfig_codec.json': setConfigCodecVectors,
  'setconfig_validity.json': setConfigValidityVectors,
  'signatures.json': signatureVectors,
  'signer_trees.json': signerTreeVectors,
  'ssz_proofs.json': sszProofVectors,
  'trie_proofs.json': trieProofVectors,
  'unsafe_block.json': unsafeBlockVectors,
} as const
