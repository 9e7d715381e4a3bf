import { createRequire } from 'node:module'

const solc: { compile(input: string): string } = createRequire(import.meta.url)('solc')

/** A node of solc's syntax tree. */
export interface AstNode {
  nodeType: string
  /** `start:length:file`, in bytes. */
  src: string
  [field: string]: unknown
}

/** Solc did not parse a source. */
export class SolidityParseError extends Error {
  override name = 'SolidityParseError'
  constructor(file: string, messages: string) {
    super(`solc got ${file}, which it does not parse: ${messages}`)
  }
}

/** Whether a field of a node is a node itself. */
export function isAstNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'nodeType' in value && 'src' in value
}

/** The nodes in a field, which holds one, several or none. */
export function nodesIn(value: unknown): AstNode[] {
  if (isAstNode(value)) return [value]
  return Array.isArray(value) ? value.filter(isAstNode) : []
}

/** Where a node stands in its source: its first byte and the one behind its last. */
export function rangeOf(node: AstNode): [start: number, end: number] {
  const [start, length] = node.src.split(':').map(Number)
  if (start === undefined || length === undefined) throw new RangeError(`got a node at ${node.src}`)
  return [start, start + length]
}

/** Calls `visit` for a node and all below it, parents first, with the node's ancestors, nearest first. */
export function walk(
  node: AstNode,
  visit: (node: AstNode, ancestors: AstNode[]) => void,
  ancestors: AstNode[] = [],
): void {
  visit(node, ancestors)
  for (const value of Object.values(node))
    for (const child of nodesIn(value)) walk(child, visit, [node, ...ancestors])
}

/**
 * Parses one source, whose imports need not exist.
 * @throws {SolidityParseError} solc refuses it
 */
export function parseSolidity(file: string, source: string): AstNode {
  const content = source.replace(/^import\s[^;]*;/gm, (statement) => ' '.repeat(Buffer.byteLength(statement)))
  const settings = { stopAfter: 'parsing', outputSelection: { '*': { '': ['ast'] } } }
  const input = { language: 'Solidity', sources: { [file]: { content } }, settings }
  const answer = JSON.parse(solc.compile(JSON.stringify(input)))
  const ast: unknown = answer.sources?.[file]?.ast
  if (!isAstNode(ast)) throw new SolidityParseError(file, JSON.stringify(answer.errors))
  return ast
}
