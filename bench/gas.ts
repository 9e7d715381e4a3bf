import { startGasChain } from './gas/GasChain.ts'
import type { GasMeasurement } from './gas/gasLine.ts'
import { measureProofs } from './gas/measureProofs.ts'
import { measureReplica } from './gas/measureReplica.ts'
import { createWalletKeystore, measureWallet } from './gas/measureWallet.ts'

/**
 * Gas on an OP Stack chain by the rules of Osaka, with proofs as deep as mainnet's and a rollup of a million keystores: of
 * executions where it checks proofs, else of whole transactions, as their receipts say. Every run gives the same figures.
 */
export async function benchmarkGas(): Promise<GasMeasurement[]> {
  const chain = await startGasChain()
  try {
    const wallet = await createWalletKeystore(chain)
    return [
      ...(await measureProofs(chain)),
      ...(await measureReplica(chain, wallet)),
      ...(await measureWallet(chain, wallet, 8n)),
    ]
  } finally {
    await chain.stop()
  }
}
