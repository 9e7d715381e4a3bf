// protocol <- node <- derivation <- sequencer; protocol <- prover; protocol <- client.
// contracts/*.ts holds generated ABIs and bytecode and imports nothing of ours.
const parts = [
  'protocol',
  'node',
  'derivation',
  'sequencer',
  'prover',
  'client',
  'contracts',
  'cli',
  'devnet',
  'test',
  'bench',
]
const allowed = {
  protocol: [],
  contracts: [],
  node: ['protocol', 'contracts'],
  derivation: ['protocol', 'node', 'contracts'],
  sequencer: ['protocol', 'node', 'derivation', 'contracts'],
  prover: ['protocol', 'contracts'],
  client: ['protocol', 'contracts'],
}

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(allowed).map(([part, may]) => ({
      name: `${part}-imports-only-what-it-may`,
      severity: 'error',
      from: { path: `^${part}/`, pathNot: '\\.test\\.ts$' },
      to: { path: `^(${parts.filter((p) => p !== part && !may.includes(p)).join('|')})/` },
    })),
    {
      name: 'protocol-does-no-io',
      severity: 'error',
      comment: 'The rules are pure: no files, sockets, clocks or databases.',
      from: { path: '^protocol/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'production-code-uses-dependencies-only',
      severity: 'error',
      from: {
        path: '^(protocol|node|derivation|sequencer|prover|client|contracts|cli)/',
        pathNot: '\\.test\\.ts$',
      },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
  },
}
