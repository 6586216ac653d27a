// Expressions over sensors, written in CEL (Common Expression Language): `press-1.power / max(press-1.flow, 0.1)`.
// Compiled once and type-checked; an evaluation visits each node at most once: loops, indexes and regular expressions are
// not part of it, so that what a user writes costs what its length says.

import {
  Environment,
  ParseError,
  TypeError as CelTypeError,
  type ASTNode,
  type ParseResult,
} from '@marcbachmann/cel-js'
import { readExpression, type ExpressionProblem, type ExpressionSource } from './expression-source.ts'

export type { ExpressionProblem } from './expression-source.ts'

export type OperandType = 'number' | 'boolean' | 'string'
export type OperandValue = number | boolean | string

export interface ExpressionScope {
  /** Type of a sensor's value by its full id; undefined: there is no such sensor. */
  readonly typeOf: (sensor: string) => OperandType | undefined
  /** Full id of the sensor that the word `value` stands for; null: there is none. */
  readonly own: string | null
}

export interface Expression {
  /** Full ids of its sensors, each once, in the order of their first use. */
  readonly operands: readonly string[]
  /** Type of its result. */
  readonly type: OperandType
  /** `read` gives the value of an operand by its place in `operands`. May throw; a number may be NaN or infinite. */
  evaluate(read: (operand: number) => OperandValue): OperandValue
}

export type Compiled =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly problem: ExpressionProblem }

const LIMITS = { maxAstNodes: 300, maxDepth: 40, maxListElements: 64, maxMapEntries: 1, maxCallArguments: 4 }

type Fold = (...values: number[]) => number
const FUNCTIONS: readonly (readonly [name: string, parameters: readonly number[], fold: Fold])[] = [
  ['max', [2, 3, 4], Math.max],
  ['min', [2, 3, 4], Math.min],
  ['abs', [1], Math.abs],
  ['sqrt', [1], Math.sqrt],
  ['exp', [1], Math.exp],
  ['log', [1], Math.log],
  ['log10', [1], Math.log10],
  ['floor', [1], Math.floor],
  ['ceil', [1], Math.ceil],
  ['round', [1], Math.round],
  ['pow', [2], Math.pow],
]
const TEXT_METHODS = ['startsWith', 'endsWith', 'contains']
const CALLS = [...FUNCTIONS.map(([name]) => name), 'number', 'string']

const CEL_TYPES = { number: 'double', boolean: 'bool', string: 'string' } as const

/** Compiles an expression. Every kind of mistake in it is a problem, none is thrown. */
export function compileExpression(text: string, scope: ExpressionScope): Compiled {
  const source = readExpression(text, { isSensor: (id) => scope.typeOf(id) !== undefined, own: scope.own })
  if ('message' in source) return { ok: false, problem: source }
  const environment = newEnvironment()
  source.operands.forEach((id, index) => {
    environment.registerVariable(`v${index}`, CEL_TYPES[scope.typeOf(id) ?? 'number'])
  })
  try {
    const parsed = environment.parse(source.cel)
    const refused = refusedNode(parsed.ast)
    if (refused) return failed(source, refused.start, `${wordFor(refused)} cannot be used here`)
    const checked = parsed.check()
    if (!checked.valid) return failed(source, offsetOf(checked.error), reasonOf(checked.error, source))
    const type = (['number', 'boolean', 'string'] as const).find((name) => CEL_TYPES[name] === checked.type)
    if (type === undefined) return failed(source, 0, 'the result must be a number, a text, or true or false')
    return { ok: true, expression: new CompiledExpression(source.operands, type, parsed) }
  } catch (error) {
    return failed(source, offsetOf(error), reasonOf(error, source))
  }
}

class CompiledExpression implements Expression {
  readonly operands: readonly string[]
  readonly type: OperandType
  readonly #parsed: ParseResult
  /** One for all evaluations, which never overlap. */
  readonly #context: Record<string, OperandValue> = {}
  readonly #names: readonly string[]

  constructor(operands: readonly string[], type: OperandType, parsed: ParseResult) {
    this.operands = operands
    this.type = type
    this.#parsed = parsed
    this.#names = operands.map((_, index) => `v${index}`)
  }

  evaluate(read: (operand: number) => OperandValue): OperandValue {
    for (let index = 0; index < this.#names.length; index++) this.#context[this.#names[index]!] = read(index)
    const result: unknown = this.#parsed(this.#context)
    if (typeof result === 'number' || typeof result === 'boolean' || typeof result === 'string') return result
    return Number.NaN
  }
}

function newEnvironment(): Environment {
  const environment = new Environment({ limits: LIMITS })
  for (const [name, parameters, fold] of FUNCTIONS) {
    for (const count of parameters) {
      const types = Array.from({ length: count }, () => 'double').join(', ')
      environment.registerFunction(`${name}(${types}): double`, fold)
    }
  }
  environment.registerFunction('number(bool): double', (value: boolean) => (value ? 1 : 0))
  environment.registerOperator('double % double', (a: number, b: number) => a % b)
  return environment
}

/** The first node that is not part of this language. */
function refusedNode(node: ASTNode): ASTNode | undefined {
  switch (node.op) {
    case 'value':
    case 'id':
      return undefined
    case '.':
    case '.?':
    case '[]':
    case '[?]':
    case 'map':
      return node
    case 'call':
      return CALLS.includes(node.args[0]) ? firstRefused(node.args[1]) : node
    case 'rcall':
      return TEXT_METHODS.includes(node.args[0]) ? firstRefused([node.args[1], ...node.args[2]]) : node
    case 'list':
      return firstRefused(node.args)
    case '!_':
    case '-_':
      return refusedNode(node.args)
    case '!=':
    case '==':
    case 'in':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '?:':
    case '||':
    case '&&':
      return firstRefused(node.args)
  }
}

function firstRefused(nodes: readonly ASTNode[]): ASTNode | undefined {
  for (const node of nodes) {
    const refused = refusedNode(node)
    if (refused) return refused
  }
  return undefined
}

function wordFor(node: ASTNode): string {
  if (node.op === 'call') return `the function "${node.args[0]}"`
  if (node.op === 'rcall' || node.op === '.') return `".${node.op === '.' ? node.args[1] : node.args[0]}"`
  return node.op === 'map' ? '"{ }"' : '"[ ]"'
}

function failed(source: ExpressionSource, celOffset: number, message: string): Compiled {
  return { ok: false, problem: { offset: source.place(celOffset), message } }
}

function offsetOf(error: unknown): number {
  return error instanceof ParseError || error instanceof CelTypeError ? (error.range?.start ?? 0) : 0
}

/** The library's words, with the sensors under their own names. */
function reasonOf(error: unknown, source: ExpressionSource): string {
  if (!(error instanceof ParseError || error instanceof CelTypeError)) return 'it cannot be understood'
  const words = error.summary
    .replace(/\bv([0-9]+)\b/g, (name, index) => source.operands[Number(index)] ?? name)
    .replace(/\bdouble\b/g, 'number')
    .replace(/\bbool\b/g, 'boolean')
    .replace('Unexpected token: EOF', 'it ends too early')
  const unknown = /^Unknown variable: (.*)$/.exec(words)
  return unknown ? `there is no "${unknown[1]}"; a sensor is written as device.sensor` : words
}
