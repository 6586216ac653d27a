import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlarmEntry, EventEntry } from '#domain/alarm.ts'
import { NO_TIME } from '#domain/reading.ts'
import { Status } from '#domain/quality.ts'
import type { ValueType } from '#domain/value.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { PayloadEncoder } from '#uplinks/mqtt/payload.ts'

const NOON = Date.UTC(2026, 10, 20, 12)

interface Row {
  epoch?: number
  seq?: number
  status?: number
  sourceTime?: number
  receivedAt?: number
  value?: number
  bits?: bigint
  text?: string
}

function encode(row: Row, valueType: ValueType = 'number', encoder = new PayloadEncoder('edge-01')): string {
  const batch = new MutableRecordBatch(row.epoch ?? 3, row.seq ?? 1042, 1)
  batch.length = 1
  batch.status[0] = row.status ?? Status.Good
  batch.sourceTime[0] = row.sourceTime ?? NO_TIME
  batch.receivedAt[0] = row.receivedAt ?? NOON
  if (row.bits === undefined) batch.value[0] = row.value ?? 0
  else batch.bits[0] = row.bits
  if (row.text !== undefined) batch.texts.set(0, row.text)
  return encoder.reading(batch, 0, valueType)
}

describe('The payload of a reading', () => {
  it('is exactly as the contract shows it', () => {
    expect(encode({ value: 21.5 })).toBe('{"t":"2026-11-20T12:00:00.000Z","v":21.5,"q":"good","id":"edge-01/3/1042"}')
  })

  it('has the time of the source when there is one', () => {
    expect(JSON.parse(encode({ sourceTime: NOON - 1 }))).toMatchObject({ t: '2026-11-20T11:59:59.999Z' })
    expect(JSON.parse(encode({ sourceTime: 9e15 }))).toMatchObject({ t: '2026-11-20T12:00:00.000Z' }) // no date: the receive time
  })

  it('has no value when it is bad, and names the status when it is not Good', () => {
    expect(encode({ value: 7, status: Status.BadTimeout })).toBe(
      '{"t":"2026-11-20T12:00:00.000Z","v":null,"q":"bad","s":"BadTimeout","id":"edge-01/3/1042"}',
    )
    expect(JSON.parse(encode({ value: 7, status: Status.UncertainLastUsableValue }))).toMatchObject({
      v: 7,
      q: 'uncertain',
      s: 'UncertainLastUsableValue',
    })
    expect(JSON.parse(encode({ value: 7, status: Status.GoodLocalOverride }))).toMatchObject({
      v: 7,
      q: 'good',
      s: 'GoodLocalOverride',
    })
    expect(JSON.parse(encode({ value: 7, status: 0x80ff0000 }))).toMatchObject({
      v: null,
      q: 'bad',
      s: 'Bad(0x80FF0000)',
    })
  })

  it.each<[ValueType, Row, unknown]>([
    ['boolean', { value: 1 }, true],
    ['boolean', { value: 0 }, false],
    ['int64', { bits: -5n }, -5],
    ['int64', { bits: -(2n ** 63n) }, '-9223372036854775808'],
    ['uint64', { bits: -1n }, '18446744073709551615'],
    ['uint64', { bits: 9_007_199_254_740_991n }, 9_007_199_254_740_991],
    ['string', { text: 'a "quoted"\n\u0000 Ümlaut' }, 'a "quoted"\n\u0000 Ümlaut'],
    ['string', {}, ''],
    ['number', { value: Number.POSITIVE_INFINITY }, null],
    ['number', { value: -0 }, 0],
    ['number', { value: 1e21 }, 1e21],
  ])('writes a %s with %o as %j', (valueType, row, expected) => {
    expect((JSON.parse(encode(row, valueType)) as { v: unknown }).v).toBe(expected)
  })

  it('says the same as JSON.stringify would, for any value, time and position', () => {
    const encoder = new PayloadEncoder('edge-01')
    const time = fc.integer({ min: -8.64e15, max: 8.64e15 })
    const value = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(
        value,
        time,
        fc.nat(),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }),
        (v, sourceTime, epoch, seq) => {
          const expected = { t: new Date(sourceTime).toISOString(), v, q: 'good', id: `edge-01/${epoch}/${seq}` }
          expect(encode({ value: v, sourceTime, epoch, seq }, 'number', encoder)).toBe(JSON.stringify(expected))
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('The payload of an entry', () => {
  it('of an alarm tells change, level, severity, message and value, with its position', () => {
    const entry: AlarmEntry = {
      kind: 'alarm',
      change: 'raised',
      time: NOON,
      by: null,
      comment: null,
      alarm: {
        id: '3-7',
        sensor: 'press-1.pressure',
        check: 'threshold',
        checkType: 'threshold',
        level: 'high',
        severity: 'medium',
        active: true,
        acknowledged: false,
        shelvedUntil: null,
        raisedAt: NOON,
        clearedAt: null,
        acknowledgedAt: null,
        acknowledgedBy: null,
        message: 'pressure 81 bar is above the limit of 80 bar',
        finding: { value: 81, limit: 80 },
      },
    }
    expect(JSON.parse(new PayloadEncoder('edge-01').entry(entry, 3, 9))).toEqual({
      t: '2026-11-20T12:00:00.000Z',
      id: 'edge-01/3/9',
      change: 'raised',
      alarm: '3-7',
      sensor: 'press-1.pressure',
      check: 'threshold',
      type: 'threshold',
      level: 'high',
      severity: 'medium',
      active: true,
      acknowledged: false,
      raisedAt: '2026-11-20T12:00:00.000Z',
      clearedAt: null,
      shelvedUntil: null,
      message: 'pressure 81 bar is above the limit of 80 bar',
      value: 81,
      limit: 80,
      by: null,
      comment: null,
    })
  })

  it('of an event tells type, severity, source and message', () => {
    const entry: EventEntry = {
      kind: 'event',
      type: 'ring-blocked',
      severity: 'warning',
      time: NOON,
      message: 'full',
      source: 'gateway',
      data: { n: 1 },
    }
    expect(JSON.parse(new PayloadEncoder('edge-01').entry(entry, 3, 9))).toEqual({
      t: '2026-11-20T12:00:00.000Z',
      id: 'edge-01/3/9',
      type: 'ring-blocked',
      severity: 'warning',
      source: 'gateway',
      message: 'full',
      data: { n: 1 },
    })
  })
})
