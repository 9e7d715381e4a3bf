import { type FinalOutput, getFinalOutput } from './getFinalOutput.ts'
import type { ProverContext } from './ProverContext.ts'
import {
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
import {
  type ProvenOutput,
  type ProveOutputParameters,
  proveOutput,
  proveOutputAbsence,
} from './proveOutput.ts'

/** Makes the proofs that one replica asks for. */
export type Prover = {
  proveOutput(parameters: ProveOutputParameters): Promise<ProvenOutput>
  proveOutputAbsence(parameters: ProveOutputParameters): Promise<ProvenOutput>
  getFinalOutput(parameters: { outputIndex: bigint }): Promise<FinalOutput>
  proveConfig(parameters: ProveConfigParameters): Promise<ProvenConfig>
  proveConfigs(parameters: ProveConfigsParameters): Promise<ProvenConfigs>
  proveSignedConfig(parameters: ProveSignedConfigParameters): Promise<ProvenSignedConfig>
}

/** Creates the prover of a replica. */
export function createProver(context: ProverContext): Prover {
  return {
    proveOutput: (parameters) => proveOutput(context, parameters),
    proveOutputAbsence: (parameters) => proveOutputAbsence(context, parameters),
    getFinalOutput: (parameters) => getFinalOutput(context, parameters),
    proveConfig: (parameters) => proveConfig(context, parameters),
    proveConfigs: (parameters) => proveConfigs(context, parameters),
    proveSignedConfig: (parameters) => proveSignedConfig(context, parameters),
  }
}
