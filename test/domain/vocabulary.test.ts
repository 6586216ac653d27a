import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idFromName, isId } from '#domain/ids.ts'
import { comparePositions } from '#domain/journal.ts'
import { isBad, qualityOf, Status, statusFromName, statusName } from '#domain/quality.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from '#domain/units.ts'
import { jsonValue } from '#domain/value.ts'

describe('ids', () => {
  it('makes a valid id from any name', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (name) => isId(idFromName(name)) === true))
    expect(idFromName('Press 1')).toBe('press-1')
    expect(idFromName('Kühlanlage (Süd)')).toBe('kuhlanlage-sud')
  })
})

describe('quality', () => {
  it('grades status codes by their two severity bits', () => {
    expect(qualityOf(Status.Good)).toBe('good')
    expect(qualityOf(Status.UncertainLastUsableValue)).toBe('uncertain')
    expect(qualityOf(Status.BadTimeout)).toBe('bad')
    expect([isBad(Status.BadTimeout), isBad(Status.UncertainLastUsableValue)]).toEqual([true, false])
  })

  it('names any code so that the name leads back to it', () => {
    fc.assert(fc.property(fc.nat(0xffff_ffff), (code) => statusFromName(statusName(code)) === code))
    expect(statusName(0x80050000)).toBe('BadCommunicationError') // OPC UA Part 6, Annex A
    expect(statusFromName('Fine')).toBeNull()
  })
})

describe('durations and sizes', () => {
  it('reads what it writes', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms))
    fc.assert(fc.property(fc.nat(), (bytes) => parseSize(formatSize(bytes)) === bytes))
  })

  it('knows the units of the contract', () => {
    expect(['500ms', '1s', '5m', '30d', '1y', '1.5h'].map(parseDuration)).toEqual([
      500, 1000, 3e5, 2_592e6, 31_536e6, 5.4e6,
    ])
    expect([parseSize('512MiB'), parseSize('8GiB')]).toEqual([536_870_912, 8_589_934_592])
  })

  it('refuses anything else in plain words', () => {
    expect(() => parseDuration('5 minutes')).toThrow(/"5 minutes" is no duration/)
    expect(() => parseSize('8 gigs')).toThrow(/"8 gigs" is no size/)
  })
})

describe('values in JSON', () => {
  it('keeps each 64-bit integer exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        expect(BigInt(jsonValue(value) as string | number)).toBe(value)
      }),
    )
    expect(jsonValue(9_007_199_254_740_993n)).toBe('9007199254740993')
    expect(jsonValue(42n)).toBe(42)
  })

  it('has no number for NaN and the infinities', () => {
    expect([jsonValue(Number.NaN), jsonValue(Number.POSITIVE_INFINITY)]).toEqual([null, null])
  })
})

describe('positions', () => {
  it('are ordered by epoch, then by seq', () => {
    expect(comparePositions({ epoch: 1, seq: 9 }, { epoch: 2, seq: 1 })).toBeLessThan(0)
    expect(comparePositions({ epoch: 2, seq: 2 }, { epoch: 2, seq: 1 })).toBeGreaterThan(0)
  })
})
