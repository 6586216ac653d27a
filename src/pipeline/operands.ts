// An expression on the sensors of the table: its operands' values and the worst of their qualities.

import { Status, isGood, type StatusCode } from '#domain/quality.ts'
import type { Sensor, SensorNumber } from '#domain/sensor.ts'
import type { ValueType } from '#domain/value.ts'
import { compileExpression, type Expression, type OperandType, type OperandValue } from '#kit/expression.ts'
import { integerOf, Kind, type SensorTable } from './sensor-table.ts'

/** What an expression sees of a sensor: 64-bit integers are rounded to float64. */
export function operandType(valueType: ValueType): OperandType {
  return valueType === 'boolean' || valueType === 'string' ? valueType : 'number'
}

/** Sensors of a model by full id. */
export type SensorsById = ReadonlyMap<string, Sensor>

/** An expression whose operands are rows of the table. */
export class BoundExpression {
  readonly #table: SensorTable
  readonly #expression: Expression
  readonly #numbers: readonly SensorNumber[]
  readonly #read: (operand: number) => OperandValue

  constructor(table: SensorTable, expression: Expression, sensors: SensorsById) {
    this.#table = table
    this.#expression = expression
    this.#numbers = expression.operands.map((id) => sensors.get(id)!.number)
    this.#read = (operand) => valueOf(table, this.#numbers[operand]!)
  }

  get operands(): readonly SensorNumber[] {
    return this.#numbers
  }

  /** True when every operand has a good reading. */
  get isSound(): boolean {
    const { latest } = this.#table
    for (const number of this.#numbers) {
      if (!isGood(latest.status[number]!) || Number.isNaN(latest.receivedAt[number]!)) return false
    }
    return true
  }

  /** Status of the worst operand: the first bad one, else the first uncertain one; one without a reading is bad. */
  get worstStatus(): StatusCode {
    const { latest } = this.#table
    let worst: StatusCode = Status.Good
    for (const number of this.#numbers) {
      const hasReading = !Number.isNaN(latest.receivedAt[number]!)
      const status = hasReading ? latest.status[number]! : Status.BadWaitingForInitialData
      if (status >>> 30 > worst >>> 30) worst = status
    }
    return worst
  }

  /** By the latest readings; undefined when it has no result, as when a text is not what a function needs. */
  evaluate(): OperandValue | undefined {
    try {
      return this.#expression.evaluate(this.#read)
    } catch {
      // What is wrong with the values at hand may be right with the next ones; the configuration was checked before.
      return undefined
    }
  }
}

/** undefined when the expression does not fit the model: the configuration was not checked. */
export function bindExpression(
  text: string,
  own: string | null,
  { table, sensors }: { readonly table: SensorTable; readonly sensors: SensorsById },
): BoundExpression | undefined {
  const compiled = compileExpression(text, {
    typeOf: (id) => {
      const sensor = sensors.get(id)
      return sensor && operandType(sensor.valueType)
    },
    own,
  })
  return compiled.ok ? new BoundExpression(table, compiled.expression, sensors) : undefined
}

function valueOf(table: SensorTable, sensor: SensorNumber): OperandValue {
  const { latest, kind } = table
  switch (kind[sensor]) {
    case Kind.boolean:
      return latest.value[sensor] !== 0
    case Kind.int64:
    case Kind.uint64:
      return Number(integerOf(table, latest, sensor))
    case Kind.string:
      return latest.text[sensor]!
    default:
      return latest.value[sensor]!
  }
}
