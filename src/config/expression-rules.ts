// Expressions in the configuration: each is compiled against the sensors that there are, so that a mistake is reported
// where it stands in the file and not at three in the morning.

import type { ValueType } from '#domain/value.ts'
import { compileExpression, type OperandType } from '#kit/expression.ts'
import { elementsOf, nodeAt, placeAt, textAt, type ConfigNode, type Path, type Place } from './config-node.ts'
import { suggestion } from './suggest.ts'
import type { Subject } from './subject.ts'

/** Value types of the sensors by full id. */
export type SensorTypes = ReadonlyMap<string, ValueType>

export interface ExpressionRules {
  readonly types: SensorTypes
  /** False when it is not known which sensors there are: then an unknown one is no problem. */
  readonly isComplete: boolean
  /** Sensors that there are, but that have problems of their own: nothing can be said about their use. */
  readonly untyped: ReadonlySet<string>
  /** The file's text, to find the column of a mistake. */
  readonly lines: readonly string[]
}

/** Checks `when` and `suppressWhen` of the checks of one sensor. */
export function checkCheckExpressions(sensor: string, subject: Subject, rules: ExpressionRules): void {
  for (const [index, check] of elementsOf(nodeAt(subject.node, ['checks'])).entries()) {
    const isExpression = textAt(check, ['type']) === 'expression'
    for (const key of isExpression ? ['when', 'suppressWhen'] : ['suppressWhen']) {
      const at = ['checks', index, key]
      const type = checkExpression({ subject, at, own: sensor }, rules)
      if (type !== undefined && type !== 'boolean') {
        report(subject, at, 0, `the result must be true or false, and is a ${type === 'string' ? 'text' : type}`, rules)
      }
    }
  }
}

export interface ExpressionPlace {
  readonly subject: Subject
  readonly at: Path
  /** The sensor that `value` stands for; null: none. */
  readonly own: string | null
}

/** Type of its result; undefined when there is none at this place, or it has a problem, which is reported. */
export function checkExpression(place: ExpressionPlace, rules: ExpressionRules): OperandType | undefined {
  const { subject, at, own } = place
  const text = textAt(subject.node, at)
  if (text === undefined || text === '') return undefined
  const compiled = compileExpression(text, { typeOf: (id) => operandTypeOf(rules.types.get(id)), own })
  if (compiled.ok) return compiled.expression.type
  const { offset, message } = compiled.problem
  const unknown = /^there is no sensor "(.*)"$/.exec(message)?.[1]
  if (unknown !== undefined && (!rules.isComplete || rules.untyped.has(unknown))) return undefined
  const hint = unknown === undefined ? '' : suggestion(unknown, [...rules.types.keys()])
  report(subject, at, offset, `${message}${hint}`, rules)
  return undefined
}

/** Full ids of the sensors in an expression without problems; none otherwise. */
export function operandsOf(text: string, types: SensorTypes): readonly string[] {
  const compiled = compileExpression(text, { typeOf: (id) => operandTypeOf(types.get(id)), own: null })
  return compiled.ok ? compiled.expression.operands : []
}

function operandTypeOf(type: ValueType | undefined): OperandType | undefined {
  if (type === undefined) return undefined
  return type === 'boolean' || type === 'string' ? type : 'number'
}

function report(subject: Subject, at: Path, offset: number, message: string, rules: ExpressionRules): void {
  const place = placeWithin(nodeAt(subject.node, at), placeAt(subject.node, at), offset, rules.lines)
  subject.problems.add(place, [...subject.path, ...at], message)
}

/** The place of a character of a plain or quoted text on one line; of the text itself where that is not sure. */
function placeWithin(node: ConfigNode | undefined, place: Place, offset: number, lines: readonly string[]): Place {
  if (node?.kind !== 'scalar' || node.origin !== 'typed') return place
  const line = lines[place.line - 1] ?? ''
  const start = /["']/.test(line.charAt(place.column - 1)) ? place.column : place.column - 1
  const isThere = line.startsWith(node.written, start)
  return isThere ? { ...place, column: start + offset + 1 } : place
}
