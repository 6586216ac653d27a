// The `expression` check: a condition over several sensors, judged at each good reading of any of them. A bad or uncertain
// operand leaves it undecided.

import type { Detector, Explanation, LearningProgress } from '#checks/detector.ts'
import { LEVEL_BITS, NO_LEVEL, UNDECIDED, type LevelSet } from '#checks/level-set.ts'
import { PLAIN_TEXT, type QuantityText } from '#checks/quantity-text.ts'
import type { ConditionLevel } from '#domain/check.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { BoundExpression } from './operands.ts'
import { Kind, type SensorTable } from './sensor-table.ts'

export interface ExpressionDetectorOptions {
  readonly table: SensorTable
  /** The sensor that has the check. */
  readonly number: SensorNumber
  readonly when: string
  /** undefined: the expression does not fit the model; it never judges. */
  readonly expression: BoundExpression | undefined
}

export class ExpressionDetector implements Detector {
  readonly #options: ExpressionDetectorOptions

  constructor(options: ExpressionDetectorOptions) {
    this.#options = options
  }

  /** The reading itself is in the table. */
  evaluate(): LevelSet {
    const { expression } = this.#options
    if (expression === undefined || !expression.isSound) return UNDECIDED
    const result = expression.evaluate()
    if (typeof result !== 'boolean') return UNDECIDED
    return result ? LEVEL_BITS.expression : NO_LEVEL
  }

  explain(level: ConditionLevel, text: QuantityText = PLAIN_TEXT): Explanation {
    if (level !== 'expression') throw new RangeError(`An expression check has no level ${level}`)
    const { table, number, when } = this.#options
    const isPlain = table.kind[number] === Kind.number && !Number.isNaN(table.latest.receivedAt[number]!)
    const value = isPlain ? table.latest.value[number]! : null
    const shown = value === null ? null : text.plain(value)
    return { finding: { value, limit: null }, value: shown, phrase: `meets the condition ${when}` }
  }

  resume(level: ConditionLevel): LevelSet {
    return level === 'expression' ? LEVEL_BITS.expression : NO_LEVEL
  }

  learning(): LearningProgress | null {
    return null
  }
}
