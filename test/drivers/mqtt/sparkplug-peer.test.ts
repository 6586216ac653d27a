// Sparkplug B as another implementation writes it: Google's protobuf runtime with the schema of the Eclipse Foundation.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Value } from '#domain/value.ts'
import { pointOf, type SparkplugPoint } from '#drivers/mqtt/point.ts'
import type { MqttSensorConfig } from '#drivers/mqtt/schema.ts'
import { SparkplugMessages } from '#drivers/mqtt/sparkplug-messages.ts'
import { rebirthCommand } from '#kit/sparkplug/encode.ts'
import { makeSensor } from '#test/api/fakes.ts'
import { hasPythonProtobuf } from '#test/uplinks/sparkplug/host-check.ts'
import { StampedSink } from './stamped-sink.ts'

const SCHEMA = join(import.meta.dirname, '../../../third-party/sparkplug')
const TIME = 1_763_640_000_000
let folder = ''

interface Decoded {
  readonly timestamp: string
  readonly metrics: readonly [string, number, string, string][]
}

/** One run of the peer for all of it. */
function peer(requests: readonly object[]): readonly unknown[] {
  const output = execFileSync('/usr/bin/python3', [join(import.meta.dirname, 'edge_node.py')], {
    input: JSON.stringify(requests),
    env: { ...process.env, PYTHONPATH: folder },
    maxBuffer: 1 << 28,
  })
  return JSON.parse(output.toString()) as unknown[]
}

function encoded(payloads: readonly object[]): Buffer[] {
  return peer(payloads.map((payload) => ({ encode: payload }))).map((text) => Buffer.from(String(text), 'base64'))
}

function device(...sensors: Partial<MqttSensorConfig>[]) {
  const errors: string[] = []
  const points = sensors.map((own, number) => {
    const config: MqttSensorConfig = { topic: 'spBv1.0/plant/+/node-1/press', payload: 'sparkplug', ...own }
    return pointOf(makeSensor(number, `d.s${number}`), config) as SparkplugPoint
  })
  const countError = (kind: string): void => void errors.push(kind)
  const messages = new SparkplugMessages({ points, maxPayload: 1e6, now: () => TIME, countError, publish: () => {} })
  const take = (type: string, payload: Buffer): StampedSink => {
    const sink = new StampedSink()
    messages.take({ topic: `spBv1.0/plant/${type}/node-1/press`, payload, isRetained: false }, sink)
    return sink
  }
  return { take, errors }
}

/** The peer is told by JSON, which knows no −0. */
const withoutNegativeZero = (value: number): number => (value === 0 ? 0 : value)

/** A value of each type: its number, the field that carries it, the sensor's type, and what must be read. */
const values = fc.oneof(
  fc.integer({ min: -128, max: 127 }).map((value) => sample(1, 'int_value', value >>> 0, 'number', value)),
  fc.integer({ min: -32_768, max: 32_767 }).map((value) => sample(2, 'int_value', value >>> 0, 'number', value)),
  fc.integer().map((value) => sample(3, 'int_value', value >>> 0, 'number', value)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => {
    return sample(4, 'long_value', String(BigInt.asUintN(64, value)), 'int64', value)
  }),
  fc.nat(255).map((value) => sample(5, 'int_value', value, 'number', value)),
  fc.nat(65_535).map((value) => sample(6, 'int_value', value, 'number', value)),
  fc.nat(4_294_967_295).map((value) => sample(7, 'int_value', value, 'number', value)),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => sample(8, 'long_value', String(value), 'uint64', value)),
  fc
    .float({ noNaN: true, noDefaultInfinity: true })
    .map(withoutNegativeZero)
    .map((value) => sample(9, 'float_value', value, 'number', value)),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map(withoutNegativeZero)
    .map((value) => sample(10, 'double_value', value, 'number', value)),
  fc.boolean().map((value) => sample(11, 'boolean_value', value, 'bool', Number(value))),
  fc.string({ unit: 'grapheme', maxLength: 50 }).map((value) => sample(12, 'string_value', value, 'string', value)),
)

interface Sample {
  readonly datatype: number
  readonly metric: Readonly<Record<string, unknown>>
  readonly type: NonNullable<MqttSensorConfig['type']>
  readonly expected: Value
}

function sample(datatype: number, field: string, value: unknown, type: Sample['type'], expected: Value): Sample {
  return { datatype, metric: { [field]: value }, type, expected }
}

/** What a publisher may add that no sensor here asks for: it is skipped, whatever it is. */
const EXTRAS = [
  {
    name: 'table',
    datatype: 16,
    dataset_value: {
      num_of_columns: '2',
      columns: ['a', 'b'],
      types: [3, 12],
      rows: [{ elements: [{ int_value: 1 }, { string_value: 'x' }] }],
    },
  },
  {
    name: 'motor',
    datatype: 19,
    template_value: {
      version: '1',
      is_definition: true,
      metrics: [{ name: 'T', datatype: 10, double_value: 1 }],
      parameters: [{ name: 'p', type: 3, int_value: 2 }],
    },
  },
  {
    name: 'photo',
    datatype: 18,
    metadata: { content_type: 'image/png', size: '3', file_name: 'a.png' },
    bytes_value: { hex: '89504e47' },
  },
  {
    name: 'nested',
    datatype: 3,
    int_value: 1,
    properties: {
      keys: ['unit', 'more'],
      values: [
        { type: 12, string_value: 'kg' },
        { type: 20, propertyset_value: { keys: ['Quality'], values: [{ type: 3, int_value: 0 }] } },
      ],
    },
  },
]

beforeAll(() => {
  if (!hasPythonProtobuf) return
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-edge-node-'))
  execFileSync('protoc', [`--python_out=${folder}`, `-I${SCHEMA}`, join(SCHEMA, 'sparkplug_b.proto')])
})
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(!hasPythonProtobuf)(
  'an edge node by Google’s protobuf (needs protobuf-compiler, python3-protobuf)',
  () => {
    it('is read truly, births and data by alias, whatever the types and values', () => {
      const samples = fc.sample(values, 300)
      const births = samples.map(({ datatype, metric }, n) => ({
        timestamp: String(TIME),
        seq: '1',
        metrics: [...EXTRAS, { name: `m${n}`, alias: String(n + 7), timestamp: String(TIME + n), datatype, ...metric }],
        uuid: 'a-schema',
        body: { hex: '00ff' },
      }))
      const data = samples.map(({ metric }, n) => ({
        timestamp: String(TIME + 5),
        seq: '2',
        metrics: [{ alias: String(n + 7), is_historical: false, is_transient: true, ...metric }],
      }))
      const bytes = encoded([...births, ...data])
      for (const [n, { type, expected }] of samples.entries()) {
        const { take, errors } = device({ metric: `m${n}`, type })
        expect(take('DBIRTH', bytes[n]!).readings).toEqual([
          { sensor: 0, value: expected, status: 'Good', time: TIME + n },
        ])
        expect(take('DDATA', bytes[samples.length + n]!).readings).toEqual([
          { sensor: 0, value: expected, status: 'Good', time: TIME + 5 },
        ])
        expect(errors).toEqual([])
      }
    })

    it('is understood about nulls and qualities', () => {
      const quality = (value: number) => ({
        keys: ['engUnit', 'Quality'],
        values: [
          { type: 12, string_value: 'C' },
          { type: 3, int_value: value },
        ],
      })
      const metric = { name: 'T', datatype: 10, double_value: 3 }
      const [good, stale, bad, none] = encoded([
        { timestamp: String(TIME), metrics: [{ ...metric, properties: quality(192) }] },
        { timestamp: String(TIME), metrics: [{ ...metric, properties: quality(500) }] },
        { timestamp: String(TIME), metrics: [{ ...metric, properties: quality(0) }] },
        { timestamp: String(TIME), metrics: [{ name: 'T', datatype: 10, is_null: true }] },
      ])
      const { take } = device({ metric: 'T' })
      expect(take('DBIRTH', good!).last(0)).toMatchObject({ value: 3, status: 'Good' })
      expect(take('DDATA', stale!).last(0)).toMatchObject({ value: 3, status: 'UncertainLastUsableValue' })
      expect(take('DDATA', bad!).last(0)).toMatchObject({ value: null, status: 'Bad' })
      expect(take('DDATA', none!).last(0)).toMatchObject({ value: null })
    })

    it('understands the command that asks for a rebirth', () => {
      const [command] = peer([{ decode: Buffer.from(rebirthCommand(TIME)).toString('base64') }]) as [Decoded]
      expect(command.timestamp).toBe(String(TIME))
      expect(command.metrics).toEqual([['Node Control/Rebirth', 11, 'boolean_value', 'True']])
    })
  },
)
