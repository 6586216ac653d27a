// Every type of check on input that is wrong or strange: no storm of alarms, no NaN in what it says, no slow-down.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Alarm } from '#domain/alarm.ts'
import type { CheckSpec } from '#domain/check.ts'
import { Backtest } from '#pipeline/backtest.ts'
import { silentLogger } from '#kit/logger.ts'
import { testSensor } from './test-bed.ts'

const CHECKS: readonly CheckSpec[] = [
  { type: 'threshold', low: -1e18, high: 1e18, hysteresis: 1 },
  { type: 'rate', low: -1e17, high: 1e17 },
  { type: 'flatline', for: 3_600_000 },
  { type: 'stale', for: 7_200_000 },
  { type: 'zscore', window: 60, sigma: 6 },
  { type: 'zscore', id: 'robust', window: 60, sigma: 12, robust: true },
  { type: 'ewma', alpha: 0.05, sigma: 8 },
  { type: 'anomaly' },
  { type: 'expression', when: 'value > 1e18 || value / 0 < 0 - 1e300' },
]

interface Run {
  readonly alarms: ReadonlyMap<string, Alarm>
  readonly scores: readonly number[]
}

function run(checks: readonly CheckSpec[], readings: Iterable<readonly [time: number, value: number]>): Run {
  const alarms = new Map<string, Alarm>()
  const sensor = testSensor({ checks }, 0)
  const backtest = new Backtest({
    sensor,
    others: [],
    log: silentLogger,
    onAlarm: (alarm) => void alarms.set(alarm.id, alarm),
  })
  const scores: number[] = []
  for (const [time, value] of readings) scores.push(backtest.take(value, time).score)
  return { alarms, scores }
}

const START = Date.UTC(2026, 0, 1)

function* series(count: number, valueAt: (n: number) => number): Generator<readonly [number, number]> {
  for (let n = 0; n < count; n++) yield [START + n * 1000, valueAt(n)]
}

/** Pseudo-random in [0, 1), the same in each run. */
function noise(n: number): number {
  const x = Math.sin(n * 12.9898 + 78.233) * 43758.5453
  return x - Math.floor(x)
}

const SERIES: readonly (readonly [name: string, valueAt: (n: number) => number])[] = [
  ['constant', () => 5],
  ['zero', () => 0],
  ['two values', (n) => (n % 7 < 3 ? 0 : 1)],
  ['two values, one of them rare', (n) => (n % 97 === 0 ? 1 : 0)],
  ['1e15 with noise of 1e-3', (n) => 1e15 + noise(n) * 1e-3],
  ['noise', (n) => noise(n)],
  ['tiny noise on a large offset', (n) => 1e9 + noise(n) * 1e-3],
  ['NaN and infinities among good ones', (n) => (n % 5 === 0 ? Number.NaN : n % 7 === 0 ? Infinity : noise(n))],
]

describe.each(CHECKS.map((check) => ({ name: 'id' in check && check.id ? check.id : check.type, check })))(
  'the check $name',
  ({ check }) => {
    it.each(SERIES)('raises no storm on a series of %s', (_name, valueAt) => {
      const { alarms, scores } = run([check], series(4000, valueAt))
      expect(alarms.size).toBeLessThanOrEqual(4)
      expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
    })

    it('raises no storm when the clock steps, times repeat or a day is missing', () => {
      const steps = [0, 3_600_000, -7_200_000, 0, 86_400_000, -60_000]
      const { alarms } = run(
        [check],
        Array.from(
          { length: 3000 },
          (_, n) => [START + (n >> 1) * 1000 + steps[Math.floor(n / 500)]!, noise(n)] as const,
        ),
      )
      expect(alarms.size).toBeLessThanOrEqual(6)
    })

    it('says nothing that is no number, and does not throw, whatever it is given', () => {
      const value = fc.oneof(
        fc.double(),
        fc.constantFrom(0, -0, 1e308, -1e308, 5e-324, 1e15, 1e15 + 0.125),
        fc.integer({ min: -3, max: 3 }),
      )
      const time = fc.oneof(fc.constantFrom(0, 1, 1000), fc.integer({ min: -1e9, max: 1e9 }))
      fc.assert(
        fc.property(fc.array(fc.tuple(time, value), { maxLength: 150 }), (steps) => {
          let at = START
          const { alarms, scores } = run(
            [check],
            steps.map(([step, given]) => {
              at = Math.max(1, at + step)
              return [at, given] as const
            }),
          )
          for (const score of scores) expect(score >= 0 && score <= 1).toBe(true)
          for (const { finding, message } of alarms.values()) {
            for (const number of Object.values(finding)) expect(number === null || !Number.isNaN(number)).toBe(true)
            expect(message).not.toMatch(/NaN|undefined/)
          }
        }),
        { numRuns: 40 },
      )
    })
  },
)
