// Sparkplug B: bytes from the schema, births, aliases, deaths.

import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import { pointOf, type SparkplugPoint } from '#drivers/mqtt/point.ts'
import type { MqttSensorConfig } from '#drivers/mqtt/schema.ts'
import { rebirthCommand } from '#kit/sparkplug/encode.ts'
import { DataType, decodePayload, metricValue } from '#kit/sparkplug/payload.ts'
import { SparkplugMessages } from '#drivers/mqtt/sparkplug-messages.ts'
import { makeSensor } from '#test/api/fakes.ts'
import { payloadBytes, type MetricParts } from './sparkplug-bytes.ts'
import { StampedSink } from './stamped-sink.ts'

const TIME = 1_763_640_000_000
const config = (metric: string, more: Partial<MqttSensorConfig> = {}): MqttSensorConfig => ({
  topic: 'spBv1.0/plant/+/node-1/press',
  payload: 'sparkplug',
  metric,
  ...more,
})

let errors: string[] = []
let sent: string[] = []
let now = TIME
beforeEach(() => {
  errors = []
  sent = []
  now = TIME
})

function messagesOf(...configs: MqttSensorConfig[]): SparkplugMessages {
  return new SparkplugMessages({
    points: configs.map((own, number) => pointOf(makeSensor(number, `d.s${number}`), own) as SparkplugPoint),
    maxPayload: 100_000,
    now: () => now,
    countError: (kind) => errors.push(kind),
    publish: (topic) => sent.push(topic),
  })
}

function take(
  messages: SparkplugMessages,
  type: string,
  metrics: readonly MetricParts[],
  device = '/press',
): StampedSink {
  const sink = new StampedSink()
  const topic = `spBv1.0/plant/${type}/node-1${type.startsWith('D') ? device : ''}`
  messages.take({ topic, payload: payloadBytes(metrics), isRetained: false }, sink)
  return sink
}

describe('the decoder', () => {
  it('reads a payload written down byte for byte from the schema', () => {
    // timestamp 1, one metric: name "T", timestamp 2, datatype Double (10), double_value 21.5; seq 3
    const bytes = Buffer.from('0801' + '1210' + '0a0154' + '1802' + '200a' + '690000000000803540' + '1803', 'hex')
    expect(decodePayload(bytes)).toMatchObject({
      timestamp: 1,
      metrics: [{ name: 'T', timestamp: 2, datatype: 10, raw: 21.5 }],
    })
  })

  it.each([
    [DataType.Int8, -5, -5],
    [DataType.Int8, 0xfb, -5], // as publishers write it that keep to 8 bits
    [DataType.Int16, -30_000, -30_000],
    [DataType.Int32, -2_000_000_000, -2_000_000_000],
    [DataType.UInt8, 255, 255],
    [DataType.UInt16, 65_535, 65_535],
    [DataType.UInt32, 4_294_967_295, 4_294_967_295],
    [DataType.Int8, 300, undefined],
    [DataType.UInt8, 256, undefined],
  ])('reads integers of type %i: %i is %s', (datatype, int, expected) => {
    const [metric] = decodePayload(payloadBytes([{ name: 'n', datatype, int }])).metrics
    expect(metricValue(metric!.raw, datatype)).toBe(expected)
  })

  it('reads 64-bit integers to the last bit', () => {
    const value = (datatype: number, long: bigint) =>
      metricValue(decodePayload(payloadBytes([{ name: 'n', datatype, long }])).metrics[0]!.raw, datatype)
    expect(value(DataType.Int64, -(2n ** 63n))).toBe(-(2n ** 63n))
    expect(value(DataType.UInt64, 2n ** 64n - 1n)).toBe(2n ** 64n - 1n)
  })

  it('gives PROTOCOL or a payload for any bytes, in any order and cut anywhere', () => {
    const good = payloadBytes([
      { name: 'a', datatype: 10, double: 1 },
      { alias: 5, int: 3, quality: 192 },
    ])
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(good.length).map((end) => good.subarray(0, end)),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
        const copy = Buffer.from(good)
        copy[at] = byte
        return copy
      }),
    )
    fc.assert(
      fc.property(damaged, (bytes) => {
        try {
          decodePayload(bytes)
        } catch (error) {
          expect(isTelemetryError(error, 'PROTOCOL')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('sensors of an edge node', () => {
  it('read by name and by the alias of the birth', () => {
    const messages = messagesOf(config('T'), config('Count', { type: 'int64' }), config('State', { type: 'string' }))
    const birth = take(messages, 'DBIRTH', [
      { name: 'T', alias: 1, datatype: DataType.Float, float: 0.5, timestamp: TIME - 5 },
      { name: 'Count', alias: 2, datatype: DataType.Int64, long: -7n },
      { name: 'State', alias: 3, datatype: DataType.String, string: 'idle' },
      { name: 'Other', alias: 4, datatype: DataType.Int32, int: 1 },
    ])
    expect(birth.readings).toEqual([
      { sensor: 0, value: 0.5, status: 'Good', time: TIME - 5 },
      { sensor: 1, value: -7n, status: 'Good', time: TIME },
      { sensor: 2, value: 'idle', status: 'Good', time: TIME },
    ])
    const data = take(messages, 'DDATA', [
      { alias: 1, float: 1.5 },
      { alias: 4, int: 2 },
      { name: 'State', string: 'runs' },
    ])
    expect(data.readings.map(({ sensor, value }) => [sensor, value])).toEqual([
      [0, 1.5],
      [2, 'runs'],
    ])
    expect(errors).toEqual([])
    expect(sent).toEqual([])
  })

  it('ask for a birth when an alias is not known, not more often than every 10 s', () => {
    const messages = messagesOf(config('T'))
    expect(take(messages, 'DDATA', [{ alias: 1, float: 1 }]).readings).toEqual([])
    take(messages, 'DDATA', [{ alias: 1, float: 1 }])
    expect(sent).toEqual(['spBv1.0/plant/NCMD/node-1'])
    now += 10_000
    take(messages, 'DDATA', [{ alias: 1, float: 1 }])
    expect(sent).toHaveLength(2)
    take(messages, 'DBIRTH', [{ name: 'T', alias: 1, datatype: DataType.Float, float: 1 }])
    expect(take(messages, 'DDATA', [{ alias: 1, float: 2 }]).last(0)).toMatchObject({ value: 2 })
  })

  it('ask with a command that an edge node understands', () => {
    expect(decodePayload(rebirthCommand(TIME))).toMatchObject({
      timestamp: TIME,
      metrics: [{ name: 'Node Control/Rebirth', datatype: DataType.Boolean, raw: true }],
    })
  })

  it('are bad when the device or its node dies, but not by the death of an earlier session', () => {
    const ofNode: MqttSensorConfig = { ...config('Load'), topic: 'spBv1.0/plant/+/node-1' }
    const messages = messagesOf(config('T'), ofNode)
    const born = (bdSeq: bigint): void => {
      take(messages, 'NBIRTH', [{ name: 'bdSeq', datatype: DataType.Int64, long: bdSeq }])
      take(messages, 'DBIRTH', [{ name: 'T', alias: 1, datatype: DataType.Float, float: 1 }])
    }
    born(4n)
    expect(take(messages, 'DDEATH', []).readings).toMatchObject([{ sensor: 0, status: 'BadNotConnected' }])
    born(5n)
    expect(take(messages, 'NDEATH', [{ name: 'bdSeq', datatype: DataType.Int64, long: 4n }]).readings).toEqual([])
    const dead = take(messages, 'NDEATH', [{ name: 'bdSeq', datatype: DataType.Int64, long: 5n }])
    expect(dead.readings.map(({ sensor, status }) => [sensor, status])).toEqual([
      [0, 'BadNotConnected'],
      [1, 'BadNotConnected'],
    ])
    expect(take(messages, 'DDATA', [{ alias: 1, float: 9 }]).readings).toEqual([]) // the alias died with it
  })

  it('say what the publisher says of its quality', () => {
    const messages = messagesOf(config('T'))
    const metric = { name: 'T', datatype: DataType.Double, double: 3 }
    expect(take(messages, 'DBIRTH', [{ ...metric, quality: 192 }]).last(0)).toMatchObject({ value: 3, status: 'Good' })
    expect(take(messages, 'DDATA', [{ ...metric, quality: 500 }]).last(0)).toMatchObject({
      value: 3,
      status: 'UncertainLastUsableValue',
    })
    expect(take(messages, 'DDATA', [{ ...metric, quality: 0 }]).last(0)).toMatchObject({ value: null, status: 'Bad' })
    expect(take(messages, 'DDATA', [{ name: 'T', datatype: 10, isNull: true }]).last(0)).toMatchObject({ value: null })
  })

  it('are bad when the bytes are damaged, and when the value is of another type', () => {
    const messages = messagesOf(config('T'))
    const sink = new StampedSink()
    const payload = Buffer.from('not protobuf')
    messages.take({ topic: 'spBv1.0/plant/DDATA/node-1/press', payload, isRetained: false }, sink)
    expect(sink.last(0)).toMatchObject({ value: null, status: 'BadDecodingError' })
    const wrong = take(messages, 'DBIRTH', [{ name: 'T', datatype: DataType.Double, string: 'x' }])
    expect(wrong.last(0)).toMatchObject({ value: null, status: 'BadTypeMismatch' })
    expect(errors).toEqual(['not-sparkplug', 'type-mismatch'])
  })
})
