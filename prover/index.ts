export { answered } from './ask.ts'
export * from './errors.ts'
export { type FinalOutput, getFinalOutput } from './getFinalOutput.ts'
export { createProver, type Prover } from './Prover.ts'
export type { ProverContext } from './ProverContext.ts'
export {
  type ProveConfigParameters,
  type ProveConfigsParameters,
  type ProvenConfig,
  type ProvenConfigs,
  type ProvenSignedConfig,
  type ProveSignedConfigParameters,
  proveConfig,
  proveConfigs,
  proveSignedConfig,
} from './proveConfig.ts'
export {
  type ProvenOutput,
  type ProveOutputParameters,
  proveOutput,
  proveOutputAbsence,
} from './proveOutput.ts'
export type { ConfigProof, OutputProof } from './replica.ts'
export type { SourceKind } from './SourceKind.ts'
export { joinNodes, type SharedProof, shareNodes } from './sharedProofs.ts'
