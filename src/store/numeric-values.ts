// The values of a series as numbers, for aggregates: booleans are 0 and 1, 64-bit integers are rounded to float64.

import type { Value, ValueType } from '#domain/value.ts'
import { isBad } from '#domain/quality.ts'
import type { Series } from './series.ts'

/** One number for each row (meaningless where the reading is bad); null for text. */
export function numericValues(series: Series, valueType: ValueType): Float64Array | null {
  switch (valueType) {
    case 'number':
    case 'boolean':
      return series.cells.value
    case 'int64':
    case 'uint64': {
      const numbers = new Float64Array(series.length)
      const { bits } = series.cells
      for (let row = 0; row < series.length; row++) {
        numbers[row] = Number(valueType === 'int64' ? bits[row]! : BigInt.asUintN(64, bits[row]!))
      }
      return numbers
    }
    case 'string':
      return null
  }
}

/** The value of one row as programs see it; null when the reading is bad. */
export function seriesValue(series: Series, row: number, valueType: ValueType): Value | null {
  if (isBad(series.status[row]!)) return null
  switch (valueType) {
    case 'number':
      return series.cells.value[row]!
    case 'boolean':
      return series.cells.value[row] !== 0
    case 'int64':
      return series.cells.bits[row]!
    case 'uint64':
      return BigInt.asUintN(64, series.cells.bits[row]!)
    case 'string':
      return series.texts.get(row) ?? ''
  }
}
