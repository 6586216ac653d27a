// A session without a broker: births, aliases, sequence, deaths, history. What it sends is judged by the Python host.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Status } from '#domain/quality.ts'
import { ENTRY, NO_TIME, type Reading } from '#domain/reading.ts'
import type { Model, Sensor } from '#domain/sensor.ts'
import type { Delivery } from '#domain/uplink.ts'
import type { Value, ValueType } from '#domain/value.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { EdgeNode, deathPayload, type Rejected } from '#uplinks/sparkplug/edge-node.ts'
import { NodePoints } from '#uplinks/sparkplug/node-points.ts'
import { makeSensor } from '#test/api/fakes.ts'
import { checkAsHost, hasPythonProtobuf, type HostReport, type Recorded } from './host-check.ts'

const NOW = Date.UTC(2026, 10, 20)

function modelOf(...sensors: Sensor[]): Model {
  return {
    gateway: 'edge-01',
    factories: [],
    machines: [],
    sensors,
    sensor: (id) => sensors.find((sensor) => sensor.id === id),
    sensorAt: (number) => sensors.find((sensor) => sensor.number === number),
  }
}

const SENSORS = [
  { ...makeSensor(0, 'press-1.pressure'), unit: 'bar', description: 'Oil pressure' },
  { ...makeSensor(1, 'press-1.count'), valueType: 'int64' as const },
  { ...makeSensor(2, 'oven-1.text'), valueType: 'string' as const },
  { ...makeSensor(3, 'oven-1.on'), valueType: 'boolean' as const, writable: true },
  { ...makeSensor(4, 'oven-1.total'), valueType: 'uint64' as const },
]

/** One record: sensor number, value (null: bad with `status`), receive time. */
interface Row {
  readonly sensor: number
  readonly value: Value | null
  readonly status?: number
  readonly at?: number
}

function deliveryOf(records: readonly (Row | object)[], historical = false, firstSeq = 1): Delivery {
  const batch = new MutableRecordBatch(3, firstSeq, records.length)
  records.forEach((record, row) => {
    batch.length = row + 1
    batch.sourceTime[row] = NO_TIME
    batch.receivedAt[row] = NOW
    if (!('sensor' in record)) {
      batch.sensor[row] = ENTRY
      batch.texts.set(row, JSON.stringify(record))
      return
    }
    const { sensor, value, status, at } = record as Row
    batch.sensor[row] = sensor
    batch.status[row] = status ?? (value === null ? Status.BadTimeout : Status.Good)
    batch.receivedAt[row] = at ?? NOW
    if (typeof value === 'bigint') batch.bits[row] = BigInt.asIntN(64, value)
    else if (typeof value === 'string') batch.texts.set(row, value)
    else batch.value[row] = Number(value)
  })
  const rows = Uint32Array.from(records.keys())
  return { lane: 'inOrder', historical, batch, rows, rowCount: rows.length }
}

class Session {
  readonly messages: Recorded[] = []
  readonly latest = new Map<number, Reading>()
  readonly rejected: Rejected = []
  readonly node: EdgeNode

  constructor(bdSeq = 7) {
    this.node = new EdgeNode({
      group: 'plant-a',
      node: 'edge-01',
      gateway: 'edge-01',
      factory: 'Plant A',
      version: '1.2.3',
      bdSeq,
      latest: (sensor) => this.latest.get(sensor) ?? null,
      now: () => NOW,
      publish: (topic, payload) => this.messages.push({ topic, payload, qos: 0, retain: false }),
    })
  }

  birth(...sensors: Sensor[]): this {
    this.node.birth(new NodePoints(modelOf(...(sensors.length > 0 ? sensors : SENSORS)), () => true))
    return this
  }

  send(records: readonly (Row | object)[], historical = false, firstSeq = 1): this {
    this.node.send(deliveryOf(records, historical, firstSeq), 0, records.length, this.rejected)
    return this
  }

  types(): string[] {
    return this.messages.map(({ topic }) => topic.split('/').slice(2).join('/'))
  }

  check(): HostReport {
    const report = checkAsHost(this.messages)
    expect(report.violations).toEqual([])
    return report
  }
}

const reading = (sensor: number, value: Value | null, status: number, receivedAt = NOW): Reading => ({
  sensor: SENSORS[sensor]!.id,
  value,
  status,
  quality: value === null ? 'bad' : 'good',
  time: receivedAt,
  receivedAt,
})

describe.skipIf(!hasPythonProtobuf)('An edge node, as a host application sees it (needs python3-protobuf)', () => {
  it('is born with every metric, and sends values of every type by alias', () => {
    const session = new Session().birth().send([
      { sensor: 0, value: 21.5 },
      { sensor: 1, value: -(2n ** 63n) },
      { sensor: 2, value: 'läuft' },
      { sensor: 3, value: true },
      { sensor: 4, value: 2n ** 64n - 1n },
      { sensor: 0, value: null },
    ])
    expect(session.types()).toEqual(
      ['NBIRTH/edge-01', 'DBIRTH/edge-01/press-1', 'DBIRTH/edge-01/oven-1'].concat(
        ['press-1', 'oven-1', 'press-1'].map((device) => `DDATA/edge-01/${device}`),
      ),
    )
    expect(session.check().records).toEqual([
      ['press-1', 'pressure', 21.5, 192, false, 'edge-01/3/1'],
      ['press-1', 'count', '-9223372036854775808', 192, false, 'edge-01/3/2'],
      ['oven-1', 'text', 'läuft', 192, false, 'edge-01/3/3'],
      ['oven-1', 'on', true, 192, false, 'edge-01/3/4'],
      ['oven-1', 'total', '18446744073709551615', 192, false, 'edge-01/3/5'],
      ['press-1', 'pressure', null, 0, false, 'edge-01/3/6'],
    ])
  })

  it('says a quality when it is not good, and when it has become so again', () => {
    const session = new Session()
    session.latest.set(0, reading(0, 1, Status.Good))
    session.birth().send([
      { sensor: 0, value: 2 },
      { sensor: 0, value: 3, status: Status.UncertainLastUsableValue },
      { sensor: 0, value: 4 },
      { sensor: 0, value: 5 },
    ])
    expect(session.check().records.map(([, , value, quality]) => [value, quality])).toEqual([
      [2, null],
      [3, 500],
      [4, 192],
      [5, null],
    ])
  })

  it('flags as history what waited, and what is older than the value in the birth', () => {
    const session = new Session()
    session.latest.set(0, reading(0, 9, Status.Good, NOW))
    session
      .birth()
      .send([
        { sensor: 0, value: 7, at: NOW - 5000 },
        { sensor: 0, value: 9, at: NOW },
        { sensor: 1, value: 1n, at: NOW - 5000 },
      ])
      .send([{ sensor: 1, value: 2n }], true, 4)
    expect(session.check().records.map(([, , value, , isHistorical]) => [value, isHistorical])).toEqual([
      [7, true],
      [9, false],
      ['1', false],
      ['2', true],
    ])
  })

  it('does not call a device dead of which a sensor has said nothing yet', () => {
    const silent = (sensor: number): Row => ({ sensor, value: null, status: Status.BadNotConnected })
    const session = new Session().birth()
    session.send([silent(0)])
    expect(session.types()).not.toContain('DDEATH/edge-01/press-1')
  })

  it('declares dead only the device that is silent, once, and gives it a new birth', () => {
    const silent = (sensor: number): Row => ({ sensor, value: null, status: Status.BadNotConnected })
    const session = new Session()
    session.latest.set(0, reading(0, 1, Status.Good)).set(1, reading(1, 1n, Status.Good))
    session.birth().send([silent(0), { sensor: 2, value: 'on' }, silent(1), { sensor: 2, value: 'off' }])
    expect(session.types().slice(3)).toEqual(
      ['DDATA/edge-01/press-1', 'DDATA/edge-01/oven-1', 'DDATA/edge-01/press-1', 'DDEATH/edge-01/press-1'].concat(
        'DDATA/edge-01/oven-1',
      ),
    )
    session.send([{ sensor: 0, value: 5 }], false, 5)
    expect(session.types().slice(-2)).toEqual(['DBIRTH/edge-01/press-1', 'DDATA/edge-01/press-1'])
    session.check()
  })

  it('gives a device that is silent at the birth no birth until it speaks', () => {
    const session = new Session()
    session.latest.set(0, reading(0, null, Status.BadTimeout)).set(1, reading(1, null, Status.BadTimeout))
    session.birth()
    expect(session.types()).toEqual(['NBIRTH/edge-01', 'DBIRTH/edge-01/oven-1'])
    session.send([{ sensor: 1, value: 4n }])
    expect(session.types().slice(2)).toEqual(['DBIRTH/edge-01/press-1', 'DDATA/edge-01/press-1'])
    session.check()
  })

  it('sends alarms and events as metrics of the node, in their place', () => {
    const alarm = {
      kind: 'alarm',
      change: 'raised',
      time: NOW,
      by: null,
      comment: null,
      alarm: { id: '3-1', sensor: 'press-1.pressure', finding: {}, raisedAt: NOW, clearedAt: null, shelvedUntil: null },
    }
    const event = {
      kind: 'event',
      type: 'ring-blocked',
      severity: 'warning',
      time: NOW,
      message: 'Full',
      source: 'gateway',
    }
    const session = new Session().birth().send([{ sensor: 0, value: 1 }, alarm, event, { sensor: 0, value: 2 }])
    const { records } = session.check()
    expect(records.map(([device, metric, , , , id]) => [device, metric, id])).toEqual([
      ['press-1', 'pressure', 'edge-01/3/1'],
      [null, 'Alarm', 'edge-01/3/2'],
      [null, 'Event', 'edge-01/3/3'],
      ['press-1', 'pressure', 'edge-01/3/4'],
    ])
    expect(JSON.parse(records[1]![2] as string)).toMatchObject({ id: 'edge-01/3/2', change: 'raised', alarm: '3-1' })
    expect(JSON.parse(records[2]![2] as string)).toMatchObject({ id: 'edge-01/3/3', type: 'ring-blocked' })
  })

  it('rejects what the present model does not know, and sends the rest', () => {
    const session = new Session().birth().send([
      { sensor: 0, value: 1 },
      { sensor: 99, value: 1 },
      { sensor: 0, value: 2 },
    ])
    expect(session.rejected).toEqual([{ row: 1, reason: 'The sensor is no longer configured' }])
    expect(session.check().records.map(([, , , , , id]) => id)).toEqual(['edge-01/3/1', 'edge-01/3/3'])
  })

  it('keeps every rule and the order of positions, whatever comes', { timeout: 120_000 }, () => {
    const row = fc.oneof(
      { weight: 6, arbitrary: fc.record({ sensor: fc.nat(5), value: fc.constant<Value | null>(1) }) },
      { weight: 2, arbitrary: fc.record({ sensor: fc.nat(4), value: fc.constant(null) }) },
      {
        weight: 1,
        arbitrary: fc.constant({ kind: 'event', type: 'x', severity: 'info', time: NOW, message: '', source: 's' }),
      },
    )
    const step = fc.oneof(fc.array(row, { minLength: 1, maxLength: 40 }), fc.constant('rebirth' as const))
    const session = new Session()
    const sent: string[] = []
    let seq = 1
    const walk = (steps: readonly (readonly object[] | 'rebirth')[]): void => {
      session.birth()
      for (const each of steps) {
        if (each === 'rebirth') session.birth()
        else {
          session.send(each.map(typed), false, seq)
          each.forEach((record, at) => {
            if (!('sensor' in record) || record.sensor !== 5) sent.push(`edge-01/3/${seq + at}`)
          })
          seq += each.length
        }
      }
    }
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), walk), { numRuns: 40 })
    expect(session.check().records.map(([, , , , , id]) => id)).toEqual(sent) // one Python process judges all walks
  })

  it('dies with the number of its birth, and is told apart from the one before', () => {
    const first = new Session(255).birth()
    const second = new Session(0).birth()
    const death = (bdSeq: number): Recorded => ({
      topic: 'spBv1.0/plant-a/NDEATH/edge-01',
      payload: deathPayload(bdSeq, NOW),
      qos: 1,
      retain: false,
    })
    expect(checkAsHost([...first.messages, death(255), ...second.messages]).violations).toEqual([])
    expect(checkAsHost([...first.messages, death(255), ...first.messages]).violations[0]).toMatch(/bdseq-increments/)
  })

  it('is held to the rules by a host application that notices what is wrong', () => {
    const { messages } = new Session().birth().send([
      { sensor: 0, value: 1 },
      { sensor: 2, value: 'a' },
    ])
    const without = (index: number): Recorded[] => messages.filter((_message, at) => at !== index)
    expect(checkAsHost(without(0)).violations.join()).toMatch(/dbirth-after-nbirth/)
    expect(checkAsHost(without(1)).violations.join()).toMatch(/ddata-of-a-born-device.*alias-known/s)
    expect(checkAsHost(without(3)).violations.join()).toMatch(/sequence-num-incrementing/)
    expect(checkAsHost(messages.map((each) => ({ ...each, qos: 1 }))).violations.join()).toMatch(/DDATA-qos-0/)
  })
})

/** The same row with a value of its sensor's type. */
function typed(record: object): Row | object {
  if (!('sensor' in record)) return record
  const row = record as Row
  const values: Record<ValueType, Value> = { number: 1.5, boolean: true, int64: 1n, uint64: 1n, string: 'x' }
  return row.value === null ? row : { ...row, value: values[SENSORS[row.sensor]?.valueType ?? 'number'] }
}
