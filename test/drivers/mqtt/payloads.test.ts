// What payloads become: values, times and qualities, or a bad reading; never an exception.

import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { PlainMessages } from '#drivers/mqtt/plain-messages.ts'
import { pointOf, type MqttPoint } from '#drivers/mqtt/point.ts'
import type { MqttSensorConfig } from '#drivers/mqtt/schema.ts'
import { makeSensor } from '#test/api/fakes.ts'
import { StampedSink, type Stamped } from './stamped-sink.ts'

let errors: string[] = []
beforeEach(() => {
  errors = []
})

function messagesOf(configs: readonly MqttSensorConfig[], more: { maxPayload?: number; useRetained?: boolean } = {}) {
  const points = configs.map((config, number) => pointOf(makeSensor(number, `d.s${number}`), config) as MqttPoint)
  return new PlainMessages({
    points,
    useRetained: more.useRetained ?? true,
    maxPayload: more.maxPayload ?? 1000,
    countError: (kind) => errors.push(kind),
  })
}

function read(config: Omit<MqttSensorConfig, 'topic'>, payload: string | Uint8Array): Stamped {
  const sink = new StampedSink()
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  messagesOf([{ topic: 'a/+', ...config }]).take({ topic: 'a/b', payload: bytes, isRetained: false }, sink)
  expect(sink.readings).toHaveLength(1)
  return sink.readings[0]!
}

describe('a JSON payload', () => {
  it('gives value, time and quality by their paths', () => {
    const config: Omit<MqttSensorConfig, 'topic'> = { value: '$.v', time: '$.ts', quality: '$.q' }
    const good = read(config, '{"v":1.5,"ts":"2026-11-20T12:00:00.250Z","q":"good"}')
    expect(good).toMatchObject({ value: 1.5, status: 'Good', time: Date.UTC(2026, 10, 20, 12, 0, 0, 250) })
    expect(read(config, '{"v":1,"ts":1763640000000,"q":"UncertainInitialValue"}')).toMatchObject({
      status: 'UncertainInitialValue',
      time: 1_763_640_000_000,
    })
    expect(read(config, '{"v":1,"ts":1763640000000,"q":false}')).toMatchObject({ value: null, status: 'Bad' })
    expect(errors).toEqual([])
    expect(read(config, '{"v":1,"q":"so so"}')).toMatchObject({
      value: 1,
      time: null,
      status: 'UncertainSensorNotAccurate',
    })
    expect(errors).toEqual(['time-missing', 'quality-unknown'])
  })

  it.each([
    ['s', 1_763_640_000.25],
    ['ms', 1_763_640_000_250],
    ['us', 1_763_640_000_250_000],
    ['s', '1763640000.25'],
  ] as const)('takes a time in %s', (timeUnit, ts) => {
    expect(read({ value: '$.v', time: '$.ts', timeUnit }, JSON.stringify({ v: 1, ts })).time).toBe(1_763_640_000_250)
  })

  it('does not guess at a time without a zone', () => {
    expect(read({ value: '$.v', time: '$.ts' }, '{"v":1,"ts":"2026-11-20T12:00:00"}').time).toBeNull()
  })

  it('is the value itself without a path', () => {
    expect(read({}, ' 42 ')).toMatchObject({ value: 42 })
    expect(read({}, '"42.5"')).toMatchObject({ value: 42.5 })
    expect(read({ type: 'string' }, '"running"')).toMatchObject({ value: 'running' })
    expect(read({ type: 'bool' }, '"ON"')).toMatchObject({ value: 1 })
  })

  it('keeps 64-bit integers whole, or makes them bad', () => {
    expect(read({ type: 'int64', value: '$.n' }, '{"n":"-9223372036854775808"}').value).toBe(-(2n ** 63n))
    expect(read({ type: 'uint64', value: '$.n' }, '{"n":9007199254740991}').value).toBe(9007199254740991n)
    expect(read({ type: 'uint64', value: '$.n' }, '{"n":9007199254740993}')).toMatchObject({
      status: 'BadTypeMismatch',
    })
  })

  it.each([
    ['{"v":', 'BadDecodingError', 'not-json'],
    ['{"w":1}', 'BadNoData', 'value-missing'],
    ['{"v":{"x":1}}', 'BadTypeMismatch', 'type-mismatch'],
    ['{"v":"12 kg"}', 'BadTypeMismatch', 'type-mismatch'],
    ['{"v":true}', 'BadTypeMismatch', 'type-mismatch'],
    [Buffer.from([0xff, 0xfe]), 'BadDecodingError', 'not-utf8'],
    [`{"v":1,"filler":"${'x'.repeat(2000)}"}`, 'BadDecodingError', 'payload-too-large'],
  ])('is bad, and counted, as %s', (payload, status, error) => {
    expect(read({ value: '$.v' }, payload)).toMatchObject({ value: null, status })
    expect(errors).toEqual([error])
  })

  it('is bad but no error when it says null, or is empty', () => {
    expect(read({ value: '$.v' }, '{"v":null}').status).toBe('BadNoData')
    expect(read({ value: '$.v' }, '').status).toBe('BadNoData')
    expect(errors).toEqual([])
  })

  it('is looked up under what the wildcard matched', () => {
    expect(read({ value: '$.{1}.rms' }, '{"b":{"rms":7},"c":{"rms":8}}').value).toBe(7)
  })
})

describe('a plain payload', () => {
  it('is a number, a text or a bool', () => {
    expect(read({ payload: 'number' }, ' -1.25e2\n').value).toBe(-125)
    expect(read({ payload: 'number', type: 'int64' }, '9007199254740993').value).toBe(9007199254740993n)
    expect(read({ payload: 'text' }, 'häßlich').value).toBe('häßlich')
    expect(read({ payload: 'text' }, '').value).toBe('')
    expect(read({ payload: 'bool' }, 'off').value).toBe(0)
  })

  it.each(['', 'abc', '0x10', '1,5', '1 2', 'NaN', 'Infinity', '--1', '.'])('is no number as %j', (text) => {
    expect(read({ payload: 'number' }, text)).toMatchObject({ value: null })
  })
})

describe('messages for several sensors', () => {
  it('reach each sensor whose topic matches', () => {
    const messages = messagesOf([
      { topic: 'press/+/rms', value: '$.v' },
      { topic: 'press/1/rms', value: '$.w' },
      { topic: 'press/2/rms', value: '$.v' },
      { topic: 'press/#', payload: 'text' },
    ])
    const sink = new StampedSink()
    messages.take({ topic: 'press/1/rms', payload: Buffer.from('{"v":1,"w":2}'), isRetained: false }, sink)
    expect(sink.readings.map(({ sensor, value }) => [sensor, value])).toEqual([
      [0, 1],
      [1, 2],
      [3, '{"v":1,"w":2}'],
    ])
    expect(messages.wants('press/3/x')).toBe(true)
    expect(messages.wants('pressed')).toBe(false)
  })

  it('are uncertain when the broker kept them, and of no interest after a live one', () => {
    const messages = messagesOf([{ topic: 'a', payload: 'number' }])
    const sink = new StampedSink()
    const send = (value: number, isRetained: boolean): void =>
      messages.take({ topic: 'a', payload: Buffer.from(String(value)), isRetained }, sink)
    send(1, true)
    send(2, false)
    send(1, true)
    expect(sink.readings.map(({ value, status }) => [value, status])).toEqual([
      [1, 'UncertainLastUsableValue'],
      [2, 'Good'],
    ])
    messages.reset()
    send(2, true)
    expect(sink.last(0)).toMatchObject({ value: 2, status: 'UncertainLastUsableValue' })
  })

  it('are ignored when kept, if so configured', () => {
    const sink = new StampedSink()
    const messages = messagesOf([{ topic: 'a' }], { useRetained: false })
    messages.take({ topic: 'a', payload: Buffer.from('1'), isRetained: true }, sink)
    expect(sink.readings).toEqual([])
  })

  it('give exactly one result for any bytes, and throw for none', () => {
    const configs: MqttSensorConfig[] = [
      { topic: '#', value: '$.a[0]', time: '$.t', quality: '$.q' },
      { topic: '#', payload: 'number' },
      { topic: '#', payload: 'bool' },
      { topic: '#', payload: 'text' },
      { topic: '#', type: 'int64' },
    ]
    const messages = messagesOf(configs)
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 1500 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify({ a: [value], t: value, q: value }))),
    )
    fc.assert(
      fc.property(fc.string(), anyBytes, (topic, payload) => {
        fc.pre(!topic.startsWith('$'))
        const sink = new StampedSink()
        messages.take({ topic, payload, isRetained: false }, sink)
        expect(sink.readings.map(({ sensor }) => sensor)).toEqual([0, 1, 2, 3, 4])
      }),
    )
  })
})
