import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTelemetryError } from '#domain/errors.ts'
import { Status, isBad } from '#domain/quality.ts'
import { ENTRY } from '#domain/reading.ts'
import type { Delivery } from '#domain/uplink.ts'
import type { Value, ValueType } from '#domain/value.ts'
import { MutableRecordBatch, valueAt } from '#kit/record-batch.ts'
import { BatchEncoder, type Coverage } from '#rpc/batch-encoder.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { BatchSchema, SyncRequestSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { ReceivedBatch } from '#rpc/received-batch.ts'
import { modelOf } from '../uplinks/model-journal.ts'
import { ALARM_ENTRY, EVENT_ENTRY } from './entries-fixture.ts'

const TYPES: readonly ValueType[] = ['number', 'boolean', 'int64', 'uint64', 'string']
const plain = modelOf(TYPES.map((type) => `press-1.${type}`))
const MODEL = { ...plain, sensors: plain.sensors.map((sensor, n) => ({ ...sensor, valueType: TYPES[n]! })) }
const typeOf = (sensor: number): ValueType | undefined => TYPES[sensor]
const MAX = 4 * 1024 * 1024

interface Row {
  readonly sensor: number
  readonly status: number
  readonly sourceTime: number
  readonly receivedAt: number
  readonly bits: bigint
  readonly text: string
  readonly wanted: boolean
}

const time = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_800_000_000_000 }),
  fc.integer({ min: 1_763_000_000_000, max: 1_763_000_000_100 }),
  fc.integer({ min: -(2 ** 50), max: 2 ** 50 }),
)
const row: fc.Arbitrary<Row> = fc.record({
  sensor: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(0, 0, 0, ENTRY)),
  status: fc.constantFrom(0, 0, 0, Status.UncertainInitialValue, Status.BadTimeout, 0xffff_ffff),
  sourceTime: fc.oneof(time, fc.constant(Number.NaN)),
  receivedAt: time,
  bits: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  text: fc.string({ unit: 'binary', maxLength: 20 }),
  wanted: fc.boolean(),
})

function deliveryOf(rows: readonly Row[], firstSeq = 1): Delivery {
  const batch = new MutableRecordBatch(3, firstSeq, rows.length)
  for (const [n, { bits, receivedAt, sensor, sourceTime, status, text }] of rows.entries()) {
    batch.sensor[n] = sensor
    batch.status[n] = sensor === ENTRY ? 0 : status
    batch.sourceTime[n] = sourceTime
    batch.receivedAt[n] = receivedAt
    batch.bits[n] = bits
    if (TYPES[sensor] === 'boolean') batch.value[n] = Number(bits & 1n)
    if (TYPES[sensor] === 'string') batch.texts.set(n, text)
    if (sensor === ENTRY) batch.texts.set(n, JSON.stringify(n % 2 === 0 ? ALARM_ENTRY : EVENT_ENTRY))
  }
  batch.length = rows.length
  const wanted = Uint32Array.from([...rows.keys()].filter((n) => rows[n]!.wanted))
  return { lane: 'inOrder', historical: false, batch, rows: wanted, rowCount: wanted.length }
}

function sent(delivery: Delivery, maxBytes = MAX, coverage: Coverage | null = null): ReceivedBatch[] {
  const { messages, rejected } = new BatchEncoder().encode(delivery, { model: MODEL, maxBytes, coverage })
  expect(rejected).toEqual([])
  return messages.map(({ bytes }) => decodeBatch(batchBytes(bytes), typeOf))
}

/** Through the library: what we write is what the schema says. */
function batchBytes(request: Uint8Array): Uint8Array {
  const { message } = fromBinary(SyncRequestSchema, request)
  if (message.case !== 'batch') throw new Error('no batch')
  return toBinary(BatchSchema, message.value)
}

function expectSame(received: ReceivedBatch, n: number, delivery: Delivery, row: number): void {
  const { batch } = delivery
  expect(received.seq[n]).toBe(batch.firstSeq + row)
  expect(received.sensor[n]).toBe(batch.sensor[row])
  if (batch.sensor[row] === ENTRY) {
    expect(received.entries.get(n)).toEqual(JSON.parse(batch.texts.get(row)!))
    return
  }
  const type = TYPES[batch.sensor[row]!]!
  const status = batch.status[row]!
  expect(received.status[n]).toBe(status)
  expect(received.receivedAt[n]).toBe(batch.receivedAt[row])
  expect(received.sourceTime[n]).toBe(batch.sourceTime[row])
  const value: Value | null = isBad(status) ? null : valueAt(batch, row, type)
  expect(received.valueOf(n, type)).toEqual(value)
}

describe('The codec of batches', () => {
  it('gives back every record bit by bit, with its position, times and status', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.integer({ min: 1, max: 2 ** 40 }), (rows, firstSeq) => {
        const delivery = deliveryOf(rows, firstSeq)
        const received = sent(delivery)
        expect(received).toHaveLength(delivery.rowCount === 0 ? 0 : 1)
        expect(received[0]?.length ?? 0).toBe(delivery.rowCount)
        for (const [n, index] of delivery.rows.entries()) expectSame(received[0]!, n, delivery, index)
      }),
    )
  })

  it('keeps a negative zero, and every bit of a 64-bit integer', () => {
    const at = (sensor: number, bits: bigint): Row => ({
      sensor,
      bits,
      status: 0,
      sourceTime: 0,
      receivedAt: 0,
      text: '',
      wanted: true,
    })
    const [batch] = sent(deliveryOf([at(0, -(2n ** 63n)), at(2, 2n ** 63n - 1n), at(3, -1n), at(2, -(2n ** 53n) - 1n)]))
    expect(batch!.valueOf(0, 'number')).toBe(-0)
    expect(batch!.valueOf(1, 'int64')).toBe(9_223_372_036_854_775_807n)
    expect(batch!.valueOf(2, 'uint64')).toBe(18_446_744_073_709_551_615n)
    expect(batch!.valueOf(3, 'int64')).toBe(-9_007_199_254_740_993n)
  })

  it('reads what another encoder writes unpacked or in parts', () => {
    const { messages } = new BatchEncoder().encode(
      deliveryOf(
        [1, 2, 3].map((n) => ({
          sensor: 0,
          bits: BigInt(n),
          status: 0,
          sourceTime: 5,
          receivedAt: 5,
          text: '',
          wanted: true,
        })),
      ),
      { model: MODEL, maxBytes: MAX, coverage: null },
    )
    const bytes = batchBytes(messages[0]!.bytes)
    const { blocks } = fromBinary(BatchSchema, bytes)
    const unpacked = blocks[0]!.sensors.flatMap((sensor) => [3 << 3, sensor]) // wire type 0: each by itself
    const block = toBinary(BatchSchema, create(BatchSchema, { epoch: 3, lastSeq: 3n }))
    const withoutSensors = { ...blocks[0]!, sensors: [] }
    const rest = toBinary(BatchSchema, create(BatchSchema, { blocks: [withoutSensors] }))
    const content = rest.subarray(2) // tag and length of one byte each
    const whole = Buffer.concat([
      block,
      Buffer.from([(6 << 3) | 2, content.length + unpacked.length]),
      content,
      Buffer.from(unpacked),
    ])
    expect(decodeBatch(whole, typeOf)).toEqual(decodeBatch(bytes, typeOf))
  })

  it('cuts a delivery into messages that the receiver takes, and covers each position once', () => {
    const rows = Array.from({ length: 400 }, (_, n): Row => ({
      sensor: n % 50 === 0 ? ENTRY : 4,
      bits: 0n,
      status: 0,
      sourceTime: n,
      receivedAt: n,
      text: 'x'.repeat(700),
      wanted: n % 3 !== 1,
    }))
    const delivery = deliveryOf(rows, 1000)
    const encoder = new BatchEncoder()
    const { messages } = encoder.encode(delivery, {
      model: MODEL,
      maxBytes: 65_536,
      coverage: { firstSeq: 1000, lastSeq: 1399, openSeqs: [1001, 1301] },
    })
    expect(messages.length).toBeGreaterThan(1)
    for (const { bytes } of messages) expect(bytes.length).toBeLessThanOrEqual(65_536)
    const batches = messages.map(({ bytes }) => decodeBatch(batchBytes(bytes), typeOf))
    expect(batches.flatMap((batch) => [...batch.seq])).toEqual([...delivery.rows].map((n) => 1000 + n))
    expect(batches[0]!.firstSeq).toBe(1000)
    expect(batches.flatMap(({ openSeqs }) => openSeqs)).toEqual([1001, 1301])
    expect(batches.at(-1)!.lastSeq).toBe(1399)
    for (const [n, batch] of batches.slice(1).entries()) expect(batch.firstSeq).toBe(batches[n]!.lastSeq + 1)
  })

  it('refuses by itself what cannot be sent, and then says nothing of the positions between', () => {
    const rows = [0, 9, 0].map((sensor): Row => ({
      sensor,
      bits: 0n,
      status: 0,
      sourceTime: 0,
      receivedAt: 0,
      text: '',
      wanted: true,
    }))
    const encoder = new BatchEncoder()
    const options = { model: MODEL, maxBytes: MAX, coverage: { firstSeq: 1, lastSeq: 3, openSeqs: [] } }
    const { messages, rejected } = encoder.encode(deliveryOf(rows), options)
    expect(rejected).toEqual([{ row: 1, reason: 'The sensor is no longer configured' }])
    expect(decodeBatch(batchBytes(messages[0]!.bytes), typeOf)).toMatchObject({ firstSeq: 0, lastSeq: 3, length: 2 })
  })

  it('takes about thirteen bytes a reading', () => {
    const rows = Array.from({ length: 500 }, (_, n): Row => ({
      sensor: 0,
      bits: BigInt(n) << 40n,
      status: 0,
      sourceTime: Number.NaN,
      receivedAt: 1_763_000_000_000 + n,
      text: '',
      wanted: true,
    }))
    const { messages } = new BatchEncoder().encode(deliveryOf(rows), { model: MODEL, maxBytes: MAX, coverage: null })
    expect(messages[0]!.bytes.length / 500).toBeLessThan(13)
  })

  // What follows is cut off: who counts before it makes objects never comes that far.
  const ONE_ROW = [0x32, 3, 0x1a, 1, 0]
  const UNUSUAL = [0x32, 2, 0x18, 0] // a sensor that is not packed
  it.each([
    ['blocks', ONE_ROW, 'more than 1000 records', []],
    ['alarms', [0x3a, 2, 0x12, 0], 'more than 1000 records', []],
    ['open positions', [0x48, 1], 'more than 1000 open positions', []],
    ['open positions in one field', [0x4a, 8, 1, 1, 1, 1, 1, 1, 1, 1], 'more than 1000 open positions', []],
    ['blocks after one that is written unusually', [0x32, 0], 'more than 1000 records', UNUSUAL],
    ['events after one', [0x42, 0], 'more than 1000 records', UNUSUAL],
    ['open positions after one', [0x4a, 2, 1, 1], 'more than 1000 open positions', UNUSUAL],
  ])('counts %s while it reads them', (_what, part, words, first) => {
    const most = Array.from({ length: 1001 }, () => part)
    const bytes = Uint8Array.from([8, 1, ...first, ...most.flat(), 0x32, 100])
    expect(() => decodeBatch(bytes, typeOf, 1000)).toThrow(words)
  })

  it('answers any bytes with PROTOCOL or a batch that is no larger than they are', () => {
    const { messages } = new BatchEncoder().encode(
      deliveryOf(
        Array.from({ length: 30 }, (_, n): Row => ({
          sensor: n % 7 === 6 ? ENTRY : n % 5,
          bits: BigInt(n),
          status: 0,
          sourceTime: n,
          receivedAt: n,
          text: 'abc',
          wanted: true,
        })),
      ),
      { model: MODEL, maxBytes: MAX, coverage: null },
    )
    const sound = batchBytes(messages[0]!.bytes)
    const spoilt = fc
      .array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => changes.reduce((bytes, [at, byte]) => bytes.with(at, byte), sound))
    const cut = fc.nat(sound.length).map((length) => sound.subarray(0, length))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), spoilt, cut), (bytes) => {
        try {
          expect(decodeBatch(bytes, typeOf).length).toBeLessThanOrEqual(bytes.length)
        } catch (error) {
          if (!isTelemetryError(error, 'PROTOCOL')) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })
})
