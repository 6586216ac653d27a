import { describe, expect, it } from 'vitest'
import { LiveSensor } from '../../../src/ui/state/live-sensor.ts'
import { Plant } from '../../../src/ui/state/plant.ts'
import { makeSensor } from './make.ts'

const NOW = Date.UTC(2026, 0, 1)

/** Decimals after each of these values. */
function decimalsAfter(values: readonly number[], more: Parameters<typeof makeSensor>[1] = {}): readonly number[] {
  const live = new LiveSensor(makeSensor('press.oil', more), new Plant(NOW))
  return values.map((value, index) => {
    const time = NOW + index
    live.take({ sensor: 'press.oil', value, quality: 'good', status: 'Good', time, receivedAt: time }, false)
    return live.decimals.peek()
  })
}

describe('the decimals of a sensor', () => {
  it('are none while its values are whole', () => {
    expect(decimalsAfter([12, 13, 1400])).toEqual([0, 0, 0])
  })

  it('are as many as its values have: a tenth is not written as a hundredth', () => {
    expect(decimalsAfter([52, 52.1, 52.30000000000001, 0.1 + 0.2])).toEqual([0, 1, 1, 1])
  })

  it('are no more than four digits mean, and never become less', () => {
    expect(decimalsAfter([71.419_970_040, 71.5, 72])).toEqual([2, 2, 2])
    expect(decimalsAfter([0.123_456, 12])).toEqual([3, 3])
    expect(decimalsAfter([5.25, 5.5], { limits: { lowLow: null, low: null, high: 1200, highHigh: null } })).toEqual([
      0, 0,
    ])
  })
})
