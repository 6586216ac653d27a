import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ENTRY, NO_TIME, type RecordBatch } from '#domain/reading.ts'
import { isTelemetryError } from '#domain/errors.ts'
import { MutableRecordBatch } from '#kit/record-batch.ts'
import { BlockCodec } from '#store/block-codec.ts'
import { ByteReader, ByteWriter, unzigzag, zigzag } from '#store/bytes.ts'
import { ChunkCodec } from '#store/chunk-codec.ts'
import { readTimes, writeTimes } from '#store/column-codec.ts'
import { seal, unseal } from '#store/frame.ts'
import { Series } from '#store/series.ts'
import { readValues, ValueCells, writeDoubles, writeIntegers } from '#store/value-codec.ts'

const RUNS = { numRuns: 300 }

/** Any float64 by its bits: all NaNs, −0, denormals; and the decimals and float32 that plants send. */
const anyDouble = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.double().map(bitsOf),
  fc.tuple(fc.integer(), fc.integer({ min: 0, max: 15 })).map(([n, d]) => bitsOf(n / 10 ** d)),
  fc.float().map(bitsOf),
  fc.maxSafeInteger().map(bitsOf),
  fc.constantFrom(0, -0, 0.1, 1e21, 5e-324, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY).map(bitsOf),
)
const steadyDoubles = fc.tuple(
  fc.integer({ min: 0, max: 4 }),
  fc.array(fc.integer({ min: -100_000, max: 100_000 }), { minLength: 1, maxLength: 300 }),
)
const someDoubles = fc.oneof(
  fc.array(anyDouble, { maxLength: 60 }),
  steadyDoubles.map(([decimals, values]) => values.map((n) => bitsOf(n / 10 ** decimals))),
  steadyDoubles.map(([decimals, values]) => values.map((n) => bitsOf(Math.fround(n / 10 ** decimals)))),
  fc.array(fc.float(), { maxLength: 60 }).map((values) => values.map(bitsOf)),
)
const anyTime = fc.oneof(fc.integer({ min: 0, max: 2_000_000_000_000 }), fc.double(), fc.maxSafeInteger())

function bitsOf(value: number): bigint {
  return new BigUint64Array(Float64Array.of(value).buffer)[0]!
}

function cellsOf(bits: readonly bigint[]): ValueCells {
  const cells = new ValueCells(bits.length)
  bits.forEach((value, index) => (cells.bits[index] = value))
  return cells
}

describe('numbers of variable length', () => {
  it('come back for any integer of 53 bits', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (numbers) => {
        const out = new ByteWriter(1)
        for (const n of numbers) out.varint(Math.abs(n))
        for (const n of numbers) out.signed(Math.trunc(n / 2))
        const input = new ByteReader(out.written)
        for (const n of numbers) expect(input.varint()).toBe(Math.abs(n))
        for (const n of numbers) expect(input.signed() + 0).toBe(Math.trunc(n / 2) + 0)
        input.end()
      }),
      RUNS,
    )
  })

  it('keep the order 0, −1, 1, −2 in zigzag', () => {
    expect([0, -1, 1, -2, 2].map(zigzag)).toEqual([0, 1, 2, 3, 4])
    expect([2 ** 52, -(2 ** 52)].map((n) => unzigzag(zigzag(n)))).toEqual([2 ** 52, -(2 ** 52)])
  })
})

describe('value codec', () => {
  it('gives back any float64 to the bit', () => {
    fc.assert(
      fc.property(someDoubles, (bits) => {
        const cells = cellsOf(bits)
        const out = new ByteWriter(1)
        writeDoubles(out, cells, 0, bits.length)
        const back = new ValueCells(bits.length)
        const input = new ByteReader(out.written)
        readValues(input, back, 0, bits.length)
        input.end()
        expect([...new BigUint64Array(back.value.buffer)]).toEqual([...new BigUint64Array(cells.value.buffer)])
      }),
      { numRuns: 2000 },
    )
  })

  it('gives back any 64-bit integer', () => {
    const integers = fc.array(
      fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -500n, max: 500n })),
    )
    fc.assert(
      fc.property(integers, (values) => {
        const cells = cellsOf(values)
        const out = new ByteWriter(1)
        writeIntegers(out, cells, 0, values.length)
        const back = new ValueCells(values.length)
        readValues(new ByteReader(out.written), back, 0, values.length)
        expect([...back.bits]).toEqual(values)
      }),
      { numRuns: 2000 },
    )
  })

  it('writes decimals, float32 decimals and counters in about a byte each', () => {
    const size = (write: (out: ByteWriter) => void): number => {
      const out = new ByteWriter()
      write(out)
      return out.at
    }
    const decimals = cellsOf(Array.from({ length: 1000 }, (_, i) => bitsOf((200 + (i % 30)) / 10)))
    const floats = cellsOf(Array.from({ length: 1000 }, (_, i) => bitsOf(Math.fround((200 + (i % 30)) / 10))))
    const counter = cellsOf(Array.from({ length: 1000 }, (_, i) => 2n ** 60n + BigInt(i * 7)))
    expect(size((out) => writeDoubles(out, decimals, 0, 1000))).toBeLessThan(1010)
    expect(size((out) => writeDoubles(out, floats, 0, 1000))).toBeLessThan(1010)
    expect(size((out) => writeIntegers(out, counter, 0, 1000))).toBeLessThan(1010)
  })
})

describe('time codec', () => {
  it('gives back any times to the bit', () => {
    fc.assert(
      fc.property(fc.array(anyTime), (times) => {
        const column = Float64Array.from(times)
        const out = new ByteWriter(1)
        writeTimes(out, column, 0, times.length)
        const back = new Float64Array(times.length)
        readTimes(new ByteReader(out.written), back, 0, times.length)
        expect([...new BigUint64Array(back.buffer)]).toEqual([...new BigUint64Array(column.buffer)])
      }),
      RUNS,
    )
  })

  it('writes a steady poll in a byte each', () => {
    const out = new ByteWriter()
    writeTimes(
      out,
      Float64Array.from({ length: 1000 }, (_, i) => 1_795_000_000_000 + i * 1000 + ((i * 7) % 5)),
      0,
      1000,
    )
    expect(out.at).toBeLessThan(1020)
  })
})

describe('frame', () => {
  it('notices every flipped bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), fc.nat(), (content, flip) => {
        const frame = seal(new Uint8Array(content))
        expect([...unseal(frame)]).toEqual([...content])
        const bit = flip % (frame.length * 8)
        frame[bit >> 3]! ^= 1 << (bit & 7)
        expect(() => unseal(frame)).toThrow()
      }),
      RUNS,
    )
  })
})

type Row = { sensor: number; status: number; source: number; received: number } & ({ bits: bigint } | { text: string })

const anyStatus = fc.oneof(fc.constant(0), fc.constantFrom(0x40900000, 0x80050000, 0x800a0000), fc.nat(0xffff_ffff))
const row = fc.record({
  sensor: fc.oneof(fc.nat(5), fc.nat(3000), fc.constant(ENTRY)),
  status: anyStatus,
  source: fc.oneof(
    fc.constant(NO_TIME),
    anyTime.filter((time) => !Number.isNaN(time)),
  ),
  received: anyTime,
})
const anyRow: fc.Arbitrary<Row> = fc
  .tuple(row, anyDouble, fc.oneof(fc.constant(null), fc.string({ unit: 'binary', maxLength: 40 })))
  .map(([base, bits, text]) =>
    text !== null || base.sensor === ENTRY ? { ...base, text: text ?? '{}' } : { ...base, bits },
  )

function batchOf(rows: readonly Row[]): MutableRecordBatch {
  const batch = new MutableRecordBatch(3, 77, rows.length)
  batch.length = rows.length
  rows.forEach((record, index) => {
    batch.sensor[index] = record.sensor
    batch.status[index] = record.status
    batch.sourceTime[index] = record.source
    batch.receivedAt[index] = record.received
    if ('text' in record) batch.texts.set(index, record.text)
    else batch.bits[index] = record.bits
  })
  return batch
}

function columns(batch: RecordBatch): unknown {
  const { epoch, firstSeq, length, sensor, status, sourceTime, receivedAt, texts } = batch
  const bits = new BigInt64Array(batch.value.buffer)
  const values = Array.from({ length }, (_, i) =>
    sensor[i] === ENTRY || status[i]! >>> 31 === 1 || texts.has(i) ? null : bits[i],
  )
  const same = (times: Float64Array): bigint[] => [...new BigUint64Array(Float64Array.from(times).buffer)]
  return {
    epoch,
    firstSeq,
    length,
    sensor: [...sensor],
    status: [...status],
    source: same(sourceTime),
    received: same(receivedAt),
    values,
    texts: [...texts],
  }
}

describe('block codec', () => {
  it('gives back any records', () => {
    const codec = new BlockCodec()
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 80 }), fc.boolean(), (rows, isInteger) => {
        const batch = batchOf(rows)
        expect(columns(codec.decode(codec.encode(batch, () => isInteger)))).toEqual(columns(batch))
      }),
      { numRuns: 1000 },
    )
  })

  it('refuses any bytes with STORE_CORRUPT or an error of zlib, and never returns', () => {
    const codec = new BlockCodec()
    const good = codec.encode(batchOf([{ sensor: 1, status: 0, source: 1, received: 2, bits: 3n }]), () => false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => codec.decode(bytes)).toThrow()
        expect(() => codec.decode(seal(new Uint8Array([1, ...bytes])))).toThrow()
      }),
      RUNS,
    )
    for (let length = 0; length < good.length; length++) {
      try {
        codec.decode(good.subarray(0, length))
        expect.unreachable()
      } catch (error) {
        expect(isTelemetryError(error, 'STORE_CORRUPT')).toBe(true)
      }
    }
  })
})

describe('chunk codec', () => {
  it('gives back any readings of one sensor', () => {
    const codec = new ChunkCodec()
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 80 }), fc.boolean(), (rows, isInteger) => {
        const batch = batchOf(rows)
        const words = new Uint32Array(batch.value.buffer)
        const series = new Series(1)
        for (let i = 0; i < rows.length; i++) series.push(batch, i, words)
        const back = codec.decode(codec.encode(series, isInteger))
        expect(seriesColumns(back)).toEqual(seriesColumns(series))
      }),
      { numRuns: 1000 },
    )
  })

  it('orders by time and keeps the order of arrival in ties', () => {
    const series = new Series()
    const batch = batchOf(
      [5, 3, 5, 3].map((received, i) => ({ sensor: 1, status: i, source: NO_TIME, received, bits: 0n })),
    )
    for (let i = 0; i < 4; i++) series.push(batch, i, new Uint32Array(batch.value.buffer))
    expect([...series.ordered().status.subarray(0, 4)]).toEqual([1, 3, 0, 2])
  })
})

function seriesColumns(series: Series): unknown {
  const { length, status, sourceTime, receivedAt, cells, texts } = series
  const bits = Array.from({ length }, (_, i) => (status[i]! >>> 31 === 1 || texts.has(i) ? null : cells.bits[i]))
  return {
    length,
    status: [...status.subarray(0, length)],
    source: [...sourceTime.subarray(0, length)],
    received: [...receivedAt.subarray(0, length)],
    bits,
    texts: [...texts],
  }
}
