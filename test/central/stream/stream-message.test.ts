import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeLive, encodeAlert, encodeTaken } from '#central/stream/feed-codec.ts'
import { batchId, decodeEnvelope, decodeHello, encodeEnvelope, encodeHello } from '#central/stream/stream-message.ts'
import { ingestSubject, partitionOf, placeOf } from '#central/stream/subjects.ts'
import { Turns } from '#central/stream/turns.ts'
import type { AdoptedSensor } from '#central/ingest-ports.ts'
import type { BrainAlert } from '#central/ports.ts'
import { ENTRY } from '#domain/reading.ts'
import { decodeBatch } from '#rpc/batch-decoder.ts'
import { HelloSchema } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import { ReceivedBatch } from '#rpc/received-batch.ts'
import { ALARM_ENTRY, EVENT_ENTRY } from '../../rpc/entries-fixture.ts'
import { envelopeOf } from './batches.ts'

describe('the partition of a gateway', () => {
  it('is the same in every version: these never change', () => {
    expect([
      partitionOf(1, 'mill', 8),
      partitionOf(1, 'press', 8),
      partitionOf(2, 'mill', 8),
      partitionOf(1, 'mill', 256),
    ]).toEqual([5, 2, 1, 197])
  })

  it('is one of those that there are', () => {
    const tenant = fc.integer({ min: 1, max: 2 ** 31 - 1 })
    fc.assert(
      fc.property(tenant, fc.string(), fc.integer({ min: 1, max: 256 }), (number, gateway, partitions) => {
        const partition = partitionOf(number, gateway, partitions)
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true)
        expect(placeOf(ingestSubject(number, partition))).toEqual({ tenant: number, partition })
      }),
    )
  })

  it('spreads gateways evenly', () => {
    const counts = Array.from({ length: 8 }, () => 0)
    for (let gateway = 0; gateway < 8000; gateway++) counts[partitionOf(1, `edge-${gateway}`, 8)]! += 1
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(200)
  })
})

describe('a batch in the stream', () => {
  const values = fc.array(fc.oneof(fc.double({ noNaN: true }), fc.string({ unit: 'binary' })), {
    minLength: 1,
    maxLength: 50,
  })

  it('comes out as it went in, with the sensors that it uses', async () => {
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 1, max: 2 ** 40 }), async (written, firstSeq) => {
        const envelope = envelopeOf({ gateway: 'mill', firstSeq, values: written })
        const data = await encodeEnvelope(envelope, decodeBatch(envelope.batch, envelope.sensors.typeOf))
        const read = await decodeEnvelope(data, 'trace')
        expect({ ...read, sensors: null }).toEqual({
          ...envelope,
          sensors: null,
          traceparent: 'trace',
          batch: expect.anything(),
        })
        expect(Buffer.from(read.batch).equals(envelope.batch)).toBe(true)
        for (const value of written) {
          const number = typeof value === 'string' ? 1 : 0
          expect(read.sensors.get(number)).toEqual(envelope.sensors.get(number))
        }
        expect(read.sensors.size).toBe(new Set(written.map((value) => typeof value)).size)
      }),
      { numRuns: 50 },
    )
  })

  it('comes out as it went in when it is large, also in the stream', async () => {
    // Noise, so that it stays large: beyond what is compressed and expanded at once.
    let seed = 1
    const noise = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) | 0)
    const envelope = envelopeOf({ gateway: 'mill', firstSeq: 1, values: Array.from({ length: 30_000 }, noise) })
    const data = await encodeEnvelope(envelope, decodeBatch(envelope.batch, envelope.sensors.typeOf))
    expect(data.length).toBeGreaterThan(100_000)
    expect(Buffer.from((await decodeEnvelope(data, null)).batch).equals(envelope.batch)).toBe(true)
    await expect(decodeEnvelope(data.subarray(0, data.length - 1), null)).rejects.toMatchObject({ code: 'PROTOCOL' })
  })

  it('has an id by which only the same one of the same gateway is a repeat', () => {
    const [one, again, other] = [1, 1, 2].map((firstSeq) =>
      envelopeOf({ gateway: 'mill', firstSeq, values: [1], time: 5 }),
    )
    expect(batchId(1, one!)).toBe(batchId(1, again!))
    const ids = [batchId(1, one!), batchId(1, other!), batchId(2, one!), batchId(1, { ...one!, gateway: 'press' })]
    expect(new Set(ids).size).toBe(4)
  })

  it('is refused when it is damaged, whatever the bytes', async () => {
    const envelope = envelopeOf({ gateway: 'mill', firstSeq: 1, values: [1, 2] })
    const whole = await encodeEnvelope(envelope, decodeBatch(envelope.batch, envelope.sensors.typeOf))
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(whole.length - 1).map((length) => whole.slice(0, length)),
      fc
        .tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }))
        .map(([at, flip]) => whole.map((byte, i) => (i === at ? byte ^ flip : byte))),
    )
    await fc.assert(
      fc.asyncProperty(damaged, async (data) => {
        await decodeEnvelope(data, null).catch((cause: unknown) => expect(cause).toMatchObject({ code: 'PROTOCOL' }))
      }),
    )
  })

  it('has hellos before it', async () => {
    const hello = create(HelloSchema, { gateway: 'mill', factory: 'Plant', epoch: 7, version: '1' })
    expect(await decodeHello(await encodeHello(hello))).toEqual(hello)
  })
})

describe('a batch in the live feed', () => {
  const cell = fc.record({
    sensor: fc.constantFrom(0, 1, 2, ENTRY),
    status: fc.constantFrom(0, 0x8000_0000, 0xffff_ffff),
    sourceTime: fc.oneof(fc.integer({ min: 0, max: 2 ** 42 }), fc.constant(Number.NaN)),
    bits: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    isNew: fc.boolean(),
  })
  const sensor = (number: number): AdoptedSensor | undefined =>
    number === 2
      ? undefined
      : { number: number + 70, id: `mill.s${number}`, machine: 'mill', unit: '°C', valueType: 'number' }

  it('comes out as it went in, the new rows of it, however it lies in memory', () => {
    fc.assert(
      fc.property(fc.array(cell, { maxLength: 30 }), fc.nat(20), (cells, shift) => {
        const batch = batchOf(cells)
        const rows = cells.flatMap(({ isNew }, row) => (isNew ? [row] : []))
        const bytes = encodeTaken({ tenant: 7, gateway: 'mïll', batch, rows, sensorOf: sensor })
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
        shifted.set(bytes)
        const message = decodeLive(7, shifted)
        if (message?.kind !== 'batch') throw new Error('no batch')
        const { taken } = message
        expect({ ...taken, batch: null, sensorOf: null }).toEqual({
          tenant: 7,
          gateway: 'mïll',
          batch: null,
          sensorOf: null,
          rows: rows.map((_, index) => index),
        })
        expect(taken.batch).toMatchObject({
          epoch: 3,
          lane: 'live',
          historical: true,
          firstSeq: 1,
          length: rows.length,
        })
        for (const [to, from] of rows.entries()) {
          const { seq, sensor: number, status, sourceTime, receivedAt, bits } = taken.batch
          expect([seq[to], number[to], status[to], receivedAt[to], bits[to]]).toEqual([
            batch.seq[from],
            batch.sensor[from],
            batch.status[from],
            batch.receivedAt[from],
            batch.bits[from],
          ])
          expect(sourceTime[to]).toBe(batch.sourceTime[from])
          expect(taken.batch.texts.get(to)).toBe(batch.texts.get(from))
          expect(taken.batch.entries.get(to)).toEqual(batch.entries.get(from))
          if (number[to] !== ENTRY) expect(taken.sensorOf(number[to]!)).toEqual(sensor(number[to]!))
        }
      }),
    )
  })

  it('is nothing when it makes no sense', () => {
    const whole = encodeTaken({ tenant: 7, gateway: 'mill', batch: batchOf([]), rows: [], sensorOf: sensor })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.nat(whole.length - 1).map((length) => whole.slice(0, length)),
        ),
        (bytes) => {
          decodeLive(7, bytes)
        },
      ),
    )
    expect(decodeLive(7, whole.slice(0, -1))).toBeNull()
    expect(decodeLive(7, Buffer.from('hello, world'))).toBeNull()
  })

  it('has alerts beside it', () => {
    const alert: BrainAlert = {
      id: 'a-1',
      rule: 'r',
      ruleName: 'Hot',
      severity: 'high',
      message: 'Too hot: 99 °C',
      gateway: 'mill',
      sensor: 'mill.t',
      time: 5,
      data: { value: 99 },
    }
    expect(decodeLive(7, encodeAlert(alert))).toEqual({ kind: 'alert', alert })
  })

  function batchOf(
    cells: readonly { sensor: number; status: number; sourceTime: number; bits: bigint }[],
  ): ReceivedBatch {
    const head = { epoch: 3, lane: 'live' as const, historical: true, firstSeq: 1, lastSeq: 99, openSeqs: [] }
    const batch = new ReceivedBatch(head, cells.length)
    for (const [row, { bits, sensor: number, sourceTime, status }] of cells.entries()) {
      batch.seq[row] = row * 3 + 1
      batch.sensor[row] = number
      batch.status[row] = status
      batch.sourceTime[row] = sourceTime
      batch.receivedAt[row] = row + 1_795_000_000_000
      batch.bits[row] = bits
      if (number === 1) batch.texts.set(row, `text ${row} ä`)
      if (number === ENTRY) batch.entries.set(row, row % 2 === 0 ? ALARM_ENTRY : EVENT_ENTRY)
    }
    batch.length = cells.length
    return batch
  }
})

describe('turns', () => {
  it('keep the order of each gateway, and let gateways go side by side', async () => {
    const turns = new Turns({ maxBytes: 1000 })
    const order: string[] = []
    let letGo = (): void => {}
    const slow = turns.take('a', 10, async () => {
      await new Promise<void>((resolve) => (letGo = resolve))
      order.push('a1')
    })
    const later = turns.take('a', 10, async () => void order.push('a2'))
    await turns.take('b', 10, async () => void order.push('b1'))
    expect(order).toEqual(['b1'])
    letGo()
    await Promise.all([slow, later, turns.settled()])
    expect(order).toEqual(['b1', 'a1', 'a2'])
  })

  it('go on after a failure', async () => {
    const turns = new Turns({ maxBytes: 1000 })
    const failing = turns.take('a', 10, () => Promise.reject(new Error('no')))
    const next = turns.take('a', 10, () => Promise.resolve('done'))
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('done')
  })

  it('refuse what does not fit', async () => {
    const turns = new Turns({ maxBytes: 1000 })
    let letGo = (): void => {}
    const gate = new Promise<void>((resolve) => (letGo = resolve))
    const first = turns.take('a', 2000, () => gate)
    await expect(turns.take('b', 1, () => gate)).rejects.toMatchObject({ code: 'BUFFER_FULL', retryable: true })
    letGo()
    await first
    const waiting = Array.from({ length: 64 }, () => turns.take('a', 1, () => gate))
    await expect(turns.take('a', 1, () => gate)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryable: true })
    await Promise.all(waiting)
  })
})
