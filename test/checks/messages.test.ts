// What each type of check says to a technician: digits that mean something, units as they are printed.

import { describe, expect, it } from 'vitest'
import { AnomalyDetector } from '#checks/anomaly/anomaly-detector.ts'
import { QuantityText } from '#checks/quantity-text.ts'
import { createDetector, type SensorCheckSpec } from '#checks/registry.ts'
import type { ConditionLevel } from '#domain/check.ts'
import { gaussian, seededRandom } from '#kit/random.ts'

const CELSIUS = new QuantityText({ unit: 'degC', resolution: null })

interface Said {
  readonly spec: SensorCheckSpec
  readonly readings: readonly (readonly [value: number, time: number])[]
  readonly level: ConditionLevel
  readonly text?: QuantityText
}

function said({ spec, readings, level, text = CELSIUS }: Said): string {
  const detector = createDetector(spec)
  for (const [value, time] of readings) detector.evaluate(value, time, time)
  const { value, phrase } = detector.explain(level, text)
  return value === null ? phrase : `${value} ${phrase}`
}

const limits = { type: 'threshold', low: -12.5, high: 75, highHigh: 90, hysteresis: 0.5 } as const
const at = (value: number, level: ConditionLevel, text = CELSIUS): string =>
  said({ spec: limits, readings: [[value, 0]], level, text })

describe('a threshold', () => {
  it('gives the value one decimal more than the limit was written with', () => {
    const spec = { type: 'threshold', high: 75 } as const
    expect(said({ spec, readings: [[80.60073, 0]], level: 'high' })).toBe('80.6 °C is above the high limit of 75 °C')
  })

  it.each([
    [91.23456, 'highHigh', '91.23 °C is above the high-high limit of 90 °C'],
    [75, 'high', '75 °C is at the high limit of 75 °C'],
    [-13.999, 'low', '−14 °C is below the low limit of −12.5 °C'],
  ] as const)('says of %d at %s: %s', (value, level, words) => {
    expect(at(value, level)).toBe(words)
  })

  it('never rounds the value so that it looks like its limit', () => {
    expect(at(75.00004, 'high')).toBe('75.00004 °C is above the high limit of 75 °C')
    expect(at(75 + 2e-14, 'high')).toMatch(/^75\.0{13}\d+ °C is above/)
  })

  it('has no more digits than the deadband gives a meaning to', () => {
    const text = new QuantityText({ unit: 'm3/h', resolution: 0.001 })
    const spec = { type: 'threshold', high: 12_000 } as const
    expect(said({ spec, readings: [[12_345.678912, 0]], level: 'high', text })).toBe(
      '12\u202f345.679 m³/h is above the high limit of 12\u202f000 m³/h',
    )
  })

  it('says what a held level waits for', () => {
    const detector = createDetector(limits)
    detector.evaluate(76, 0, 0)
    detector.evaluate(74.75, 1, 1)
    expect(detector.explain('high', CELSIUS).phrase).toBe('has not come back to 74.5 °C, after the high limit of 75 °C')
  })
})

describe('the other checks', () => {
  const noisy = Array.from({ length: 40 }, (_, n) => [20 + ((n * 7) % 11) / 10 + 1e-9 * n, n * 1000] as const)

  it('says a rate with its unit and limit', () => {
    const readings = [
      [20, 0],
      [31.23456, 3000],
    ] as const
    expect(said({ spec: { type: 'rate', high: 2.5, over: 3000 }, readings, level: 'high' })).toBe(
      '31.23 °C rose by 3.74 °C per second over the last 3 s; the high limit is 2.5 °C per second',
    )
  })

  it('says how long a value has not moved, and how long nothing good came', () => {
    const readings = [
      [20.123456, 0],
      [20.123456, 7_500_000],
    ] as const
    const spec = { type: 'flatline', for: 60_000 } as const
    expect(said({ spec, readings, level: 'flatline' })).toBe('20.12 °C has not moved for 2 h 5 min')
    const stale = createDetector({ type: 'stale', for: 60_000 })
    stale.evaluate(1, 0, 0)
    stale.tick!(90_000)
    expect(stale.explain('stale', CELSIUS)).toMatchObject({ value: null, phrase: 'has had no good reading for 1 min' })
  })

  it.each([
    [
      { type: 'zscore', window: 30 },
      /^60\.12 °C is \d+(\.\d)? standard deviations above the mean 20\.\d{1,2} °C of the 30/,
    ],
    [
      { type: 'zscore', window: 30, robust: true },
      /^60\.12 °C is \d+(\.\d)? robust .* the median 20\.\d{1,2} °C of the 30/,
    ],
    [
      { type: 'ewma', alpha: 0.2 },
      /^60\.12 °C is \d+(\.\d)? standard deviations above the moving mean 20\.\d{1,2} °C$/,
    ],
  ] as const)('says a deviation to two digits of the spread: %o', (spec, words) => {
    const readings = [...noisy, [60.12345678, 40_000] as const]
    expect(said({ spec, readings, level: 'anomaly' })).toMatch(words)
  })

  it('says what differs from a value that always was the same', () => {
    const readings = [...Array.from({ length: 10 }, (_, n) => [42.1, n] as const), [42.25, 10] as const]
    expect(said({ spec: { type: 'zscore', window: 10 }, readings, level: 'anomaly' })).toBe(
      '42.25 °C differs from 42.1 °C, which the 10 readings before all were',
    )
  })

  it('says what the adaptive check expected', () => {
    const detector = new AnomalyDetector({})
    const random = seededRandom(3)
    for (let n = 0; n < 400; n++) detector.evaluate(20 + gaussian(random) / 4, n * 60_000)
    detector.evaluate(60.123456, 400 * 60_000)
    const { value, phrase } = detector.explain('anomaly', CELSIUS)
    expect(`${value} ${phrase}`).toMatch(
      /^60\.12 °C is 40\.\d+ °C above the (20|19)\.\d+ °C usual of late; in \d+ readings hardly any went further than 0\.\d\d? °C$/,
    )
  })
})

describe('digits and units', () => {
  it('keeps what machines read as it is', () => {
    const detector = createDetector({ type: 'threshold', high: 75 })
    detector.evaluate(80.60073, 0, 0)
    expect(detector.explain('high', CELSIUS).finding).toEqual({ value: 80.60073, limit: 75 })
  })

  it('sets angles without a space, and nothing where there is no unit', () => {
    expect(new QuantityText({ unit: 'deg', resolution: null }).plain(45)).toBe('45°')
    expect(new QuantityText({ unit: '', resolution: 0.5 }).plain(12.25)).toBe('12.3')
  })

  it('writes very large and very small numbers', () => {
    expect(CELSIUS.exact(1e-7)).toBe('0.0000001 °C')
    expect(CELSIUS.plain(1e300)).toBe('1.0000e+300 °C')
    expect(CELSIUS.rounded(3e-14, 1, 0)).toBe('3e-14 °C')
  })
})
