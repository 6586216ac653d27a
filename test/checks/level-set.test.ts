import { describe, expect, it } from 'vitest'
import { defaultSeverity, LEVEL_BITS, mostSevereLevel } from '#checks/level-set.ts'

const { lowLow, low, high, highHigh, anomaly } = LEVEL_BITS

describe('level set', () => {
  it('shows the outer limit before the inner one', () => {
    expect(mostSevereLevel(high | highHigh, high | highHigh)).toBe('highHigh')
    expect(mostSevereLevel(low | lowLow, 0)).toBe('lowLow')
    expect(mostSevereLevel(anomaly, anomaly)).toBe('anomaly')
    expect(mostSevereLevel(0, high)).toBeNull()
  })

  it('prefers the limit that is really passed to one that a delay still holds', () => {
    expect(mostSevereLevel(low | high, high)).toBe('high')
    expect(mostSevereLevel(low | high, low)).toBe('low')
    expect(mostSevereLevel(lowLow | highHigh, highHigh)).toBe('highHigh')
  })

  it('gives outer limits urgent, inner ones medium and anomalies low severity', () => {
    expect((['lowLow', 'low', 'high', 'highHigh', 'anomaly'] as const).map(defaultSeverity)).toEqual([
      'urgent',
      'medium',
      'medium',
      'urgent',
      'low',
    ])
  })
})
