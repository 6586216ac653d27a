// A trial of checks: values of every type, and other sensors in expressions.

import { describe, expect, it } from 'vitest'
import type { Alarm } from '#domain/alarm.ts'
import type { Sensor } from '#domain/sensor.ts'
import { silentLogger } from '#kit/logger.ts'
import { Backtest } from '#pipeline/backtest.ts'
import { testSensor } from './test-bed.ts'

function trial(sensor: Partial<Sensor>, others: readonly Partial<Sensor>[] = []): { test: Backtest; seen: string[] } {
  const seen: string[] = []
  const test = new Backtest({
    sensor: testSensor(sensor, 0),
    others: others.map((other, at) => testSensor(other, at + 1)),
    log: silentLogger,
    onAlarm: ({ sensor: id, check, active }: Alarm) => void seen.push(`${id} ${check} ${active}`),
  })
  return { test, seen }
}

describe('a trial of checks', () => {
  it('judges 64-bit counters by their number', () => {
    const { test } = trial({ valueType: 'int64', checks: [{ type: 'threshold', high: 100 }] })
    expect([50, 150, 99].map((value, at) => test.take(value, (at + 1) * 1000).alarm)).toEqual([false, true, false])
  })

  it('raises nothing of the checks of other sensors', () => {
    const { test, seen } = trial({ checks: [{ type: 'threshold', high: 100 }] }, [
      { checks: [{ type: 'stale', for: 10 }] },
    ])
    for (let at = 1; at < 10; at++) test.take(50, at * 1000)
    expect(seen).toEqual([])
  })

  it('takes texts and truth values of others, and does not judge while one of them is bad', () => {
    const others: Partial<Sensor>[] = [{ valueType: 'string' }, { valueType: 'boolean' }, {}]
    const when = 'value > 1 && d.s1 == "run" && d.s2'
    const { test } = trial({ checks: [{ type: 'expression', when }] }, others)
    expect(test.operands).toEqual(['d.s1', 'd.s2'])
    test.prime('d.s1', 'run')
    test.prime('d.s2', true)
    expect(test.take(2, 1000).alarm).toBe(true)
    expect(test.observe('d.s2', null, 2000)).toBe(true)
    expect(test.observe('d.s1', 5, 2500)).toBe(true)
    expect(test.observe('d.s2', false, 3000)).toBe(true)
    expect(test.observe('d.s1', 'run', 3500)).toBe(false)
  })
})
