import { describe, expect, it } from 'vitest'
import { limitsOfAlarms } from '../../../src/ui/central/known-limits.ts'
import { makeAlarm } from '../state/make.ts'

describe('limits that alarms told', () => {
  it('are those of the newest alarm of each level, and none where none told', () => {
    const alarm = (level: 'high' | 'low' | 'highHigh', limit: number | null, checkType = 'threshold') =>
      makeAlarm(`${level} ${limit}`, 'press-1.oil', { level, limit, checkType })
    expect(limitsOfAlarms([alarm('high', 75), alarm('high', 70), alarm('low', 10), alarm('highHigh', null)])).toEqual({
      lowLow: null,
      low: 10,
      high: 75,
      highHigh: null,
    })
    // A limit of the rate of change is no limit of the value.
    expect(limitsOfAlarms([alarm('high', 3, 'rate')]).high).toBeNull()
  })
})
