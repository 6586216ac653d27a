// The rules of the configuration for checks that come from elsewhere, as in a request: the same words, without a file.

import { checkCheckExpressions, type SensorTypes } from './expression-rules.ts'
import type { ConfigNode, MapEntry, Place } from './config-node.ts'
import { Problems } from './problems.ts'
import { checkSensorRules } from './sensor-rules.ts'

export interface CheckOwner {
  /** Full id of the sensor that has the checks. */
  readonly sensor: string
  readonly types: SensorTypes
}

/**
 * What no schema can say about `checks`, which fit CheckSpecSchema: limits in the wrong order, names that are given twice,
 * expressions that do not compile. In plain words, each beginning with where: `checks[0].high: must be …`.
 */
export function checkProblems(checks: readonly unknown[], { sensor, types }: CheckOwner): string[] {
  const lines: string[] = []
  const node = nodeOf({ checks }, lines)
  const problems = new Problems()
  const subject = { node, path: [], problems }
  checkSensorRules(subject)
  checkCheckExpressions(sensor, subject, { types, isComplete: true, untyped: new Set(), lines })
  return problems.list('').map(({ message, line, column }) => {
    const isText = lines[line - 1] !== ''
    return isText && column > 1 ? message.replace(': ', `: at character ${column}: `) : message
  })
}

/** Each value stands on a line of its own: so a problem within a text tells its character. */
function nodeOf(value: unknown, lines: string[]): ConfigNode {
  const line = lines.push(typeof value === 'string' ? value : '')
  const place: Place = { file: '', line, column: 1 }
  if (Array.isArray(value)) return { kind: 'list', place, elements: value.map((one) => nodeOf(one, lines)) }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, one]): [string, MapEntry] => [
      key,
      { place, node: nodeOf(one, lines) },
    ])
    return { kind: 'map', place, entries: new Map(entries) }
  }
  const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  const scalar = isScalar ? value : null
  return { kind: 'scalar', place, value: scalar, origin: 'typed', written: String(scalar), references: [] }
}
