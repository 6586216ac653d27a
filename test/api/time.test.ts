import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoTime, readTime } from '#api/time.ts'
import { RequestError } from '#api/problem.ts'

const NOW = Date.UTC(2026, 10, 20, 12)

describe('times of requests', () => {
  it.each([
    ['now', NOW],
    ['-1h', NOW - 3_600_000],
    ['now-7d', NOW - 7 * 86_400_000],
    ['now+5m', NOW + 300_000],
    ['0', 0],
    ['1795176000000', 1_795_176_000_000],
    ['2026-11-20T12:00:00Z', NOW],
    ['2026-11-20T12:00Z', NOW],
    ['2026-11-20T13:00:00.500+01:00', NOW + 500],
    ['2026-11-20T13:00:00 01:00', NOW],
    ['2026-11-20T06:30:00-05:30', NOW],
  ])('reads %s', (text, expected) => {
    expect(readTime('query.from', text, NOW)).toBe(expected)
  })

  it.each([
    '2026-11-20',
    '2026-13-01T00:00:00Z',
    '2026-11-20T25:00:00Z',
    '-1',
    '1.5',
    '1e3',
    '-5',
    '-1h30m',
    'NaN',
    'now ',
    '-1x',
    '-1.2.3s',
  ])('refuses %s', (text) => {
    expect(() => readTime('query.from', text, NOW)).toThrow(RequestError)
  })

  it('reads every time back that it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (time) => {
        expect(readTime('query.from', isoTime(time), NOW)).toBe(time)
      }),
    )
  })

  it('either reads a text as a time of the years 1970 to 9999 or refuses it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+0-9TZ:. nowsmhdy]{0,30}$/)), (text) => {
        try {
          const time = readTime('query.from', text, NOW)
          expect(Number.isSafeInteger(time) && time >= 0).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
