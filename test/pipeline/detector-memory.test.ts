import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CheckSpec } from '#domain/check.ts'
import { Status } from '#domain/quality.ts'
import { NO_TIME } from '#domain/reading.ts'
import {
  decodeMemory,
  DetectorMemory,
  encodeHead,
  encodeState,
  memoryKey,
  sealed,
  type LearntState,
} from '#pipeline/detector-memory.ts'
import { openTestBed, testSensor, type TestBed } from './test-bed.ts'

const CHECKS: readonly CheckSpec[] = [
  { type: 'zscore', window: 20 },
  { type: 'anomaly' },
  { type: 'threshold', high: 9 },
]

const bytesOf = (states: Iterable<LearntState>, savedAt = 1000): Uint8Array =>
  sealed([encodeHead(savedAt), ...[...states].map(encodeState)])

function taught(readings: number): TestBed {
  const bed = openTestBed({ sensors: [{ checks: CHECKS }], capacity: 4096 })
  for (let n = 0; n < readings; n++) bed.pipeline.sink.number(0, n % 3, Status.Good, NO_TIME)
  return bed
}

function decoded(bytes: Uint8Array): DetectorMemory {
  const memory = decodeMemory(bytes)
  if (typeof memory === 'string') throw new Error(memory)
  return memory
}

describe('what the detectors of a pipeline have learnt', () => {
  it('is taken up by checks with the same settings: they judge at once', () => {
    const memory = decoded(bytesOf(taught(200).pipeline.learnt()))
    expect(memory).toMatchObject({ savedAt: 1000, size: 2 })
    const bed = openTestBed({ sensors: [{ checks: CHECKS }], memory })
    expect(bed.pipeline.checks(0).map(({ learning }) => learning)).toEqual([null, null, null])
    bed.pipeline.sink.number(0, 50, Status.Good, NO_TIME)
    expect(bed.transitions()).toContain('raised anomaly')
  })

  it.each([
    ['settings', { checks: [{ type: 'zscore', window: 30 } as const] }],
    ['unit', { checks: CHECKS, unit: 'bar' }],
    ['scale', { checks: CHECKS, scale: { factor: 0.1, offset: 0 } }],
    ['sensor', { checks: CHECKS, id: 'd.other' }],
  ])('is left out where the %s are otherwise', (_name, sensor) => {
    const memory = decoded(bytesOf(taught(200).pipeline.learnt()))
    const bed = openTestBed({ sensors: [sensor], memory })
    expect(bed.pipeline.checks(0)[0]!.learning).toMatchObject({ seen: 0 })
  })

  it('begins anew where the numbers do not fit', () => {
    const [spec] = CHECKS
    const key = memoryKey(testSensor({ checks: CHECKS }, 0), 'zscore', spec!)
    const memory = new DetectorMemory(1, [{ key, numbers: Float64Array.of(1, 1, Number.NaN, 3) }])
    const bed = openTestBed({ sensors: [{ checks: CHECKS }], memory })
    expect(bed.pipeline.checks(0)[0]!.learning).toEqual({ seen: 0, needed: 20 })
  })
})

describe('the file', () => {
  it('gives back every state bit by bit', () => {
    const states = fc.uniqueArray(fc.tuple(fc.string(), fc.float64Array({ maxLength: 40 })), {
      selector: ([key]) => key,
    })
    fc.assert(
      fc.property(states, (given) => {
        const memory = decoded(bytesOf(given.map(([key, numbers]) => ({ key, numbers }))))
        for (const [key, numbers] of given) expect(memory.take(key)).toEqual(numbers)
        expect(memory.size).toBe(0)
      }),
    )
  })

  it('is refused whole when one byte is wrong, or it is cut off', () => {
    const bytes = bytesOf(taught(30).pipeline.learnt())
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const broken = bytes.slice()
        broken[at]! ^= change
        expect(typeof decodeMemory(broken)).toBe('string')
        expect(typeof decodeMemory(bytes.subarray(0, at))).toBe('string')
      }),
    )
  })

  it('is never trusted: any bytes are judged without an error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => typeof decodeMemory(bytes) === 'string'))
  })
})
