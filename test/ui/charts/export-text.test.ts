import { describe, expect, it } from 'vitest'
import { exportName, exportText } from '../../../src/ui/charts/export-text.ts'
import { makeSensor } from '../state/make.ts'

const T = Date.UTC(2026, 0, 5, 8)
const RANGE = { from: T, to: T + 60_000 }
const SENSOR = makeSensor('press.oil', { unit: 'degC' })

describe('an exported range', () => {
  it('is CSV with quality and status, 64-bit integers to the last digit', () => {
    const items = [
      { time: T, value: 21.5, quality: 'good', status: 'Good' },
      { time: T + 1, value: null, quality: 'bad', status: 'BadTimeout' },
      { time: T + 2, value: '9223372036854775807', quality: 'good', status: 'Good' },
    ] as const
    expect(exportText(SENSOR, RANGE, { kind: 'readings', items }, 'csv')).toBe(
      'time,sensor,value,unit,quality,status\r\n' +
        '2026-01-05T08:00:00.000Z,press.oil,21.5,degC,good,Good\r\n' +
        '2026-01-05T08:00:00.001Z,press.oil,,degC,bad,BadTimeout\r\n' +
        '2026-01-05T08:00:00.002Z,press.oil,9223372036854775807,degC,good,Good\r\n',
    )
  })

  it('quotes text, and keeps it from being a formula', () => {
    const read = (value: string): string =>
      exportText(
        SENSOR,
        RANGE,
        { kind: 'readings', items: [{ time: T, value, quality: 'good', status: 'Good' }] },
        'csv',
      ).split('\r\n')[1]!
    expect(read('a "b", c')).toContain(',"a ""b"", c",')
    expect(read('=1+1')).toContain(",'=1+1,")
    expect(read('-5')).toContain(',-5,')
  })

  it('is JSON that can be read back, with the length of a bucket', () => {
    const items = [{ time: T, count: 60, min: 1, max: 3, mean: 2, last: 2.5 }]
    const text = exportText(SENSOR, RANGE, { kind: 'buckets', items, everySeconds: 60 }, 'json')
    expect(JSON.parse(text)).toEqual({
      sensor: 'press.oil',
      unit: 'degC',
      from: '2026-01-05T08:00:00.000Z',
      to: '2026-01-05T08:01:00.000Z',
      every: '60s',
      items: [{ time: '2026-01-05T08:00:00.000Z', count: 60, min: 1, max: 3, mean: 2, last: 2.5 }],
    })
    expect(exportName(SENSOR, RANGE, 'json')).toBe('press.oil_2026-01-05T080000Z.json')
  })
})
