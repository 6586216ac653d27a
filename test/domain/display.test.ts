// One rule for numbers and units, in messages and on the dashboard: both sides are asked.

import { describe, expect, it } from 'vitest'
import { formatDecimals, formatSpan, UNIT_SYMBOLS, unitSymbol } from '#domain/display.ts'
import { formatNumber } from '../../src/ui/format/number.ts'
import { formatDuration } from '../../src/ui/format/time.ts'
import { displayUnit } from '../../src/ui/format/words.ts'

describe.each([
  { side: 'messages', unit: unitSymbol, decimals: formatDecimals, span: formatSpan },
  { side: 'the dashboard', unit: displayUnit, decimals: formatNumber, span: formatDuration },
])('$side', ({ unit, decimals, span }) => {
  it('has the symbols of units, and leaves others alone', () => {
    expect(['degC', 'm3/h', 'percent', 'uS/cm', 'bar', '1', 'constructor'].map(unit)).toEqual([
      '°C',
      'm³/h',
      '%',
      'µS/cm',
      'bar',
      '',
      'constructor',
    ])
    expect(Object.keys(UNIT_SYMBOLS).map(unit)).toEqual(Object.values(UNIT_SYMBOLS))
  })

  it('groups digits from five on, has a real minus and no minus zero', () => {
    expect([decimals(4800, 0), decimals(-12345.678, 1), decimals(-0.04, 1), decimals(1e21, 2)]).toEqual([
      '4800',
      '\u221212\u202f345.7',
      '0.0',
      '1.0000e+21',
    ])
  })

  it('has at most two units in a duration', () => {
    expect([-5, 59_999, 60_000, 3_660_000, 93_600_000, 7 * 86_400_000].map(span)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '1 h 1 min',
      '1 d 2 h',
      '7 d',
    ])
  })
})
