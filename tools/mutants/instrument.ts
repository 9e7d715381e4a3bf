import { type AstNode, isAstNode, nodesIn, parseSolidity, rangeOf, walk } from './Ast.ts'
import { createEdits, type Edits } from './Edits.ts'

/** One small wrong change of a contract, that sleeps until its number is the coinbase's. */
export interface Mutant {
  number: number
  file: string
  line: number
  /** In which function of the file: its name, or `constructor`, `fallback` or `receive`. */
  function: string
  /** What is changed, and how. */
  change: string
  /** What is changed, as it stands in the source. */
  code: string
}

/** A source with all its mutants asleep in it. */
export interface InstrumentedSource {
  source: string
  mutants: Mutant[]
}

interface Context {
  text: string
  edits: Edits
  /** Notes a mutant of the code of `node`, and returns its number. */
  add(node: AstNode, change: string): number
}

/**
 * Puts a mutant into every guard and effect of a contract: conditions that are always or never true, sides of `&&` and
 * `||` left out, comparisons off by one, statements and events left out, loops that skip the first, and in assembly
 * comparisons negated and numbers one too great.
 * @param first Number of the first mutant
 */
export function instrument(file: string, source: string, first: number): InstrumentedSource {
  const text = Buffer.from(source).toString('latin1')
  const edits = createEdits(source)
  const mutants: Mutant[] = []
  const ast = parseSolidity(file, source)
  const functions: AstNode[] = []
  walk(ast, (node) => {
    if (node.nodeType === 'FunctionDefinition' || node.nodeType === 'ModifierDefinition') functions.push(node)
  })
  const context: Context = {
    text,
    edits,
    add(node, change) {
      const [start, end] = rangeOf(node)
      const number = first + mutants.length
      const line = text.slice(0, start).split('\n').length
      const code = Buffer.from(text.slice(start, end), 'latin1').toString().replace(/\s+/g, ' ')
      mutants.push({ number, file, line, function: functionAt(start, functions), change, code })
      return number
    },
  }
  walk(ast, (node, ancestors) => mutate(node, ancestors, context))
  const edited = edits.apply()
  if (mutants.length === 0) return { source, mutants }
  const pragma = /^pragma solidity [^;]*;/m
  return {
    source: edited.replace(pragma, (line) => `${line}\nimport {Mutant} from "keyroll/Mutant.sol";`),
    mutants,
  }
}

function mutate(node: AstNode, ancestors: AstNode[], context: Context): void {
  const [parent] = ancestors
  switch (node.nodeType) {
    case 'IfStatement':
      // A guard that always refuses would be noticed by any test.
      for (const condition of nodesIn(node.condition))
        mutateCondition(condition, !reverts(node.trueBody), context)
      break
    case 'Conditional':
      for (const condition of nodesIn(node.condition)) mutateCondition(condition, true, context)
      break
    case 'Return':
      if (returnsOnlyBool(ancestors))
        for (const value of nodesIn(node.expression)) mutateCondition(value, true, context)
      break
    case 'FunctionCall':
      if (isNamed(node.expression, 'require')) mutateRequire(node, context)
      break
    case 'BinaryOperation':
      mutateOperation(node, parent, context)
      break
    case 'ExpressionStatement':
      // A name alone does nothing.
      if (nodesIn(node.expression).some(({ nodeType }) => nodeType === 'Identifier')) break
      if (nodesIn(parent?.loopExpression).includes(node) || givesPointer(node, ancestors)) break
      leaveOut(node, 'left out', context)
      break
    case 'RevertStatement':
      // A revert that an `if` guards is gone when the condition is never true.
      if (!isGuarded(ancestors)) leaveOut(node, 'left out', context)
      break
    case 'EmitStatement':
      leaveOut(node, 'event left out', context)
      break
    case 'VariableDeclarationStatement':
      if (parent?.nodeType === 'ForStatement') skipFirst(node, context)
      break
    case 'ModifierInvocation':
      if (isNamed(node.modifierName, 'onlyOwner') && parent !== undefined)
        leaveOutOnlyOwner(node, parent, context)
      break
    case 'InlineAssembly':
      mutateAssembly(node, context)
      break
  }
}

/** Sides that are left out of `&&` and `||` cover more than the whole being always or never true. */
function mutateCondition(condition: AstNode, mayBeAlwaysTrue: boolean, { add, edits }: Context): void {
  if (mayBeAlwaysTrue && condition.operator !== '&&' && condition.value !== 'true') {
    edits.wrap(rangeOf(condition), `(Mutant.isAwake(${add(condition, 'always true')}) || (`, '))')
  }
  if (condition.operator !== '||' && condition.value !== 'false') {
    edits.wrap(rangeOf(condition), `(Mutant.sleeps(${add(condition, 'never true')}) && (`, '))')
  }
}

function mutateRequire(call: AstNode, { add, edits }: Context): void {
  const [condition] = nodesIn(call.arguments)
  if (condition === undefined) return
  edits.wrap(rangeOf(condition), `(Mutant.isAwake(${add(call, 'left out')}) || (`, '))')
}

function mutateOperation(node: AstNode, parent: AstNode | undefined, context: Context): void {
  const { add, edits, text } = context
  const [left] = nodesIn(node.leftExpression)
  const [right] = nodesIn(node.rightExpression)
  if (left === undefined || right === undefined) return
  const operator = String(node.operator)
  if (operator === '&&' || operator === '||') {
    for (const side of [left, right]) {
      const number = add(side, `left out of ${operator}`)
      const switched =
        operator === '&&' ? `(Mutant.isAwake(${number}) || (` : `(Mutant.sleeps(${number}) && (`
      edits.wrap(rangeOf(side), switched, '))')
    }
    return
  }
  if (operator === '==' || operator === '!=') {
    // Conditions and sides of `&&` and `||` have mutants of their own.
    if (['IfStatement', 'Return', 'Conditional', 'BinaryOperation'].includes(parent?.nodeType ?? '')) return
    edits.wrap(rangeOf(node), `(Mutant.isAwake(${add(node, 'negated')}) != (`, '))')
    return
  }
  const [start, end] = rangeOf(node)
  // Solc was only asked to parse, so types are not known: the one enum that is compared is known by its name.
  if (!['<', '<=', '>', '>='].includes(operator) || text.slice(start, end).includes('Step.')) return
  const number = add(node, 'off by one')
  // a > b is !(a <= b), and flips where that does.
  const [negation, comparison] = { '<': ['', 'lt'], '<=': ['', 'le'], '>': ['!', 'le'], '>=': ['!', 'lt'] }[
    operator
  ] ?? ['', '']
  edits.wrap([start, end], `${negation}Mutant.${comparison}(${number}, `, ')')
  edits.replace([rangeOf(left)[1], rangeOf(right)[0]], ', ')
}

function leaveOut(statement: AstNode, change: string, { add, edits, text }: Context): void {
  const [start, end] = rangeOf(statement)
  const semicolon = text.indexOf(';', end - 1)
  edits.wrap([start, semicolon + 1], `{ if (Mutant.sleeps(${add(statement, change)})) `, ' }')
}

function skipFirst(declaration: AstNode, { add, edits }: Context): void {
  const value = declaration.initialValue
  if (!isAstNode(value) || value.nodeType !== 'Literal' || value.value !== '0') return
  edits.replace(rangeOf(value), `Mutant.bit(${add(declaration, 'starts at 1')})`)
}

function leaveOutOnlyOwner(invocation: AstNode, definition: AstNode, { add, edits }: Context): void {
  const [body] = nodesIn(definition.body)
  if (body === undefined) return
  edits.replace(rangeOf(invocation), '')
  const start = rangeOf(body)[0] + 1
  edits.wrap([start, start], ` if (Mutant.sleeps(${add(invocation, 'left out')})) _checkOwner();`, '')
}

const yulStatements = new Set(['YulExpressionStatement', 'YulAssignment', 'YulVariableDeclaration'])

/** Where functions of assembly find the number that is awake: they see no variable, and nobody uses memory so far out. */
const farOut = '0x20000'

/** Assembly of pure functions may not ask for the coinbase: a variable before it holds the number that is awake. */
function mutateAssembly(assembly: AstNode, { add, edits, text }: Context): void {
  const name = `mutant_${rangeOf(assembly)[0]}`
  let isUsed = false
  let isUsedFarOut = false
  const isAwake = (number: number, ancestors: AstNode[]) => {
    const isFarOut = ancestors.some(({ nodeType }) => nodeType === 'YulFunctionDefinition')
    isUsed = true
    isUsedFarOut ||= isFarOut
    return `eq(${isFarOut ? `mload(${farOut})` : name}, ${number})`
  }
  for (const ast of nodesIn(assembly.AST)) {
    walk(ast, (node, ancestors) => {
      const [parent] = ancestors
      if (node.nodeType === 'YulFunctionCall' && isNamed(node.functionName, 'lt', 'gt', 'eq', 'iszero')) {
        const [start, end] = rangeOf(node)
        const number = add(wholeOf(node, ancestors), `negated ${text.slice(start, end)}`)
        edits.wrap(rangeOf(node), 'xor(', `, ${isAwake(number, ancestors)})`)
      } else if (node.nodeType === 'YulLiteral' && parent?.nodeType === 'YulFunctionCall') {
        // Behind the free memory pointer stands one to more memory, which is as free.
        if (isNamed(parent.functionName, 'mload') && node.value === '0x40') return
        const [start, end] = rangeOf(parent)
        const call = text.slice(start, end)
        const number = add(
          wholeOf(node, ancestors),
          `${String(node.value)}${ordinal(node, parent)} one too great in ${call}`,
        )
        edits.wrap(rangeOf(node), 'add(', `, ${isAwake(number, ancestors)})`)
      }
    })
  }
  if (!isUsed) return
  const [start] = rangeOf(assembly)
  const store = isUsedFarOut ? `assembly { mstore(${farOut}, ${name}) } ` : ''
  edits.wrap([start, start], `uint256 ${name} = Mutant.number(); ${store}`, '')
}

/** The statement or condition of assembly that a call or its argument stands in. */
function wholeOf(node: AstNode, ancestors: AstNode[]): AstNode {
  const calls = ancestors.findIndex(({ nodeType }) => nodeType !== 'YulFunctionCall')
  const around = ancestors[calls]
  return around !== undefined && yulStatements.has(around.nodeType) ? around : (ancestors[calls - 1] ?? node)
}

/** Which argument a literal is, where another one is the same. */
function ordinal(literal: AstNode, call: AstNode): string {
  const values = nodesIn(call.arguments)
  const same = values.filter(({ value }) => value === literal.value)
  return same.length === 1 ? '' : ` (argument ${values.indexOf(literal) + 1})`
}

function functionAt(position: number, functions: AstNode[]): string {
  const around = functions.find((node) => {
    const [start, end] = rangeOf(node)
    return start <= position && position < end
  })
  return String(around?.name || around?.kind)
}

function isNamed(value: unknown, ...names: string[]): boolean {
  return isAstNode(value) && typeof value.name === 'string' && names.includes(value.name)
}

function reverts(body: unknown): boolean {
  return nodesIn(body)
    .flatMap((statement) => [statement, ...nodesIn(statement.statements)])
    .some(({ nodeType }) => nodeType === 'RevertStatement')
}

function isGuarded([parent, grandparent]: AstNode[]): boolean {
  return (
    parent?.nodeType === 'IfStatement' ||
    (parent?.nodeType === 'Block' &&
      grandparent?.nodeType === 'IfStatement' &&
      nodesIn(parent.statements).length === 1)
  )
}

/** Whether a statement assigns a calldata or storage pointer, which solc wants assigned on every path. */
function givesPointer({ expression }: AstNode, ancestors: AstNode[]): boolean {
  if (!isAstNode(expression) || expression.nodeType !== 'Assignment') return false
  const [left] = nodesIn(expression.leftHandSide)
  const pointers: string[] = []
  const definition = ancestors.find(({ nodeType }) => nodeType === 'FunctionDefinition')
  if (left === undefined || definition === undefined) return false
  walk(definition, ({ storageLocation, name }) => {
    if (storageLocation === 'calldata' || storageLocation === 'storage') pointers.push(String(name))
  })
  return isNamed(left, ...pointers) || nodesIn(left.components).some((part) => isNamed(part, ...pointers))
}

function returnsOnlyBool(ancestors: AstNode[]): boolean {
  const definition = ancestors.find(({ nodeType }) => nodeType === 'FunctionDefinition')
  const parameters = nodesIn(definition?.returnParameters).flatMap((list) => nodesIn(list.parameters))
  return parameters.length === 1 && isNamed(parameters[0]?.typeName, 'bool')
}
