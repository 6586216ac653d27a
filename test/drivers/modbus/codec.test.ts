import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodedPoint, PointDecoder } from '#drivers/modbus/decode.ts'
import { encodeBool, encodeRegisters } from '#drivers/modbus/encode.ts'
import { pointOf } from '#drivers/modbus/point.ts'
import type { ModbusSensorConfig } from '#drivers/modbus/schema.ts'
import { RecordingSink, type Result } from '#test/sim/recording-sink.ts'

type Config = Omit<ModbusSensorConfig, 'register' | 'address'>

function decode(config: Config & { register?: 'coil' | 'input' }, data: Buffer, address = 0): Result {
  const sink = new RecordingSink()
  const point = pointOf({ register: 'holding', address, ...config })
  new PointDecoder().decode(decodedPoint(7, point, 0), data, 0, sink)
  return sink.only(7)
}

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const FOUR = ['ABCD', 'DCBA', 'BADC', 'CDAB'] as const
const EIGHT = { ABCD: 'ABCDEFGH', DCBA: 'HGFEDCBA', BADC: 'BADCFEHG', CDAB: 'GHEFCDAB' } as const

describe('decoding', () => {
  it('reads the bytes in the order that the letters name', () => {
    const value = { value: 0x0a0b0c0d }
    expect(decode({ type: 'uint32', order: 'ABCD' }, bytes('0a 0b 0c 0d'))).toEqual(value)
    expect(decode({ type: 'uint32', order: 'DCBA' }, bytes('0d 0c 0b 0a'))).toEqual(value)
    expect(decode({ type: 'uint32', order: 'BADC' }, bytes('0b 0a 0d 0c'))).toEqual(value)
    expect(decode({ type: 'uint32', order: 'CDAB' }, bytes('0c 0d 0a 0b'))).toEqual(value)
  })

  it('reads 64 bits in the four orders, by either name', () => {
    const wires = {
      ABCD: '01 02 03 04 05 06 07 08',
      DCBA: '08 07 06 05 04 03 02 01',
      BADC: '02 01 04 03 06 05 08 07',
      CDAB: '07 08 05 06 03 04 01 02',
    }
    for (const order of FOUR) {
      expect(decode({ type: 'uint64', order }, bytes(wires[order]))).toEqual({ value: 0x0102030405060708n })
      expect(decode({ type: 'uint64', order: EIGHT[order] }, bytes(wires[order]))).toEqual({
        value: 0x0102030405060708n,
      })
    }
  })

  it('swaps the bytes of a single register for BADC and DCBA alone', () => {
    expect(FOUR.map((order) => decode({ type: 'uint16', order }, bytes('12 34')))).toEqual([
      { value: 0x1234 },
      { value: 0x3412 },
      { value: 0x3412 },
      { value: 0x1234 },
    ])
  })

  it('keeps every bit of 64-bit integers', () => {
    expect(decode({ type: 'int64' }, bytes('ff ff ff ff ff ff ff fe'))).toEqual({ value: -2n })
    expect(decode({ type: 'uint64' }, bytes('ff ff ff ff ff ff ff ff'))).toEqual({ value: 18_446_744_073_709_551_615n })
    expect(decode({ type: 'int64' }, bytes('00 20 00 00 00 00 00 01'))).toEqual({ value: 9_007_199_254_740_993n })
  })

  it('reads IEEE 754 floats and hands on NaN as it is', () => {
    expect(decode({ type: 'float32' }, bytes('42 f6 e9 79'))).toEqual({ value: Math.fround(123.456) })
    expect(decode({ type: 'float64' }, bytes('40 5e dd 2f 1a 9f be 77'))).toEqual({ value: 123.456 })
    expect(decode({ type: 'float32' }, bytes('7f c0 00 00'))).toEqual({ value: Number.NaN })
  })

  it('reads decimal digits, and marks a nibble above 9', () => {
    expect(decode({ type: 'bcd16' }, bytes('12 34'))).toEqual({ value: 1234 })
    expect(decode({ type: 'bcd32', order: 'CDAB' }, bytes('56 78 12 34'))).toEqual({ value: 12_345_678 })
    expect(decode({ type: 'bcd16' }, bytes('12 3a'))).toEqual({ bad: 'BadDecodingError' })
    expect(decode({ type: 'bcd32' }, bytes('a0 00 00 00'))).toEqual({ bad: 'BadDecodingError' })
  })

  it('reads one bit of a register, 0 the least significant', () => {
    expect(decode({ bit: 0 }, bytes('00 01'))).toEqual({ value: 1 })
    expect(decode({ bit: 15 }, bytes('80 00'))).toEqual({ value: 1 })
    expect(decode({ bit: 8 }, bytes('fe ff'))).toEqual({ value: 0 })
    expect(decode({ type: 'bool' }, bytes('00 00'))).toEqual({ value: 0 })
    expect(decode({ type: 'bool' }, bytes('01 00'))).toEqual({ value: 1 })
  })

  it('reads coils 20 to 38 of the specification (V1.1b3 §6.1)', () => {
    const states = Array.from({ length: 19 }, (_, address) => decode({ register: 'coil' }, bytes('cd 6b 05'), address))
    const written = '1011 0011 1101 0110 101'.replaceAll(' ', '') // "27 to 20: 1100 1101", from the lowest up, and so on
    expect(states).toEqual(written.split('').map((digit) => ({ value: Number(digit) })))
  })

  it('reads text up to the first NUL without trailing spaces', () => {
    expect(decode({ type: 'string', length: 8 }, Buffer.from('PUMP\0xyz'))).toEqual({ value: 'PUMP' })
    expect(decode({ type: 'string', length: 6 }, Buffer.from(' AB   '))).toEqual({ value: ' AB' })
    expect(decode({ type: 'string', length: 3 }, Buffer.from('ABCD'))).toEqual({ value: 'ABC' })
    expect(decode({ type: 'string', length: 3, order: 'BADC' }, Buffer.from('BADC'))).toEqual({ value: 'ABC' })
    expect(decode({ type: 'string', length: 2 }, bytes('b5 6d'))).toEqual({ value: 'µm' })
  })
})

describe('encoding', () => {
  it('writes what decoding reads, for any value, type and order', () => {
    const values = {
      int16: fc.integer({ min: -0x8000, max: 0x7fff }),
      uint16: fc.integer({ min: 0, max: 0xffff }),
      int32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
      uint32: fc.integer({ min: 0, max: 0xffff_ffff }),
      int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
      float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
      bcd16: fc.integer({ min: 0, max: 9999 }),
      bcd32: fc.integer({ min: 0, max: 99_999_999 }),
    } as const
    const cases = fc.constantFrom(...(Object.keys(values) as (keyof typeof values)[])).chain((type) =>
      fc.record({
        type: fc.constant(type),
        order: fc.constantFrom(...FOUR),
        value: values[type] as fc.Arbitrary<number | bigint>,
      }),
    )
    fc.assert(
      fc.property(cases, ({ type, order, value }) => {
        const wire = encodeRegisters(pointOf({ register: 'holding', address: 0, type, order }), value)
        expect(decode({ type, order }, wire)).toEqual({ value })
      }),
      { numRuns: 2000 },
    )
  })

  it('writes text that reads back, padded with NULs', () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 9,
    })
    fc.assert(
      fc.property(text, fc.constantFrom('ABCD', 'BADC'), (value, order) => {
        const wire = encodeRegisters(
          pointOf({ register: 'holding', address: 0, type: 'string', length: 9, order }),
          value,
        )
        expect(wire).toHaveLength(10)
        expect(decode({ type: 'string', length: 9, order }, wire)).toEqual({ value })
      }),
    )
  })

  it.each([
    ['int16', 32_768],
    ['int16', -32_769],
    ['uint16', -1],
    ['uint16', 1.5],
    ['uint32', 2 ** 32],
    ['int64', 2n ** 63n],
    ['uint64', -1n],
    ['bcd16', 10_000],
    ['bcd32', -1],
    ['float32', 1e39],
    ['float32', Number.NaN],
    ['float64', Number.POSITIVE_INFINITY],
    ['uint16', 'five'],
    ['float32', true],
  ] as const)('refuses %s %s', (type, value) => {
    const point = pointOf({ register: 'holding', address: 0, type })
    expect(() => encodeRegisters(point, value)).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
  })

  it('refuses text that is too long or has other characters', () => {
    const point = pointOf({ register: 'holding', address: 0, type: 'string', length: 4 })
    for (const text of ['ABCDE', 'A\0', '€']) {
      expect(() => encodeRegisters(point, text)).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
    }
  })

  it('takes the whole number beside what undoing a scale leaves', () => {
    const raw = 0.3 / 0.1
    expect(raw).not.toBe(3)
    expect(encodeRegisters(pointOf({ register: 'holding', address: 0 }), raw)).toEqual(bytes('00 03'))
  })

  it('takes true, false, 1 and 0 for a bit, and nothing else', () => {
    expect([true, 1, 1n, false, 0, 0n].map(encodeBool)).toEqual([true, true, true, false, false, false])
    expect(() => encodeBool(2)).toThrow(expect.objectContaining({ code: 'OUT_OF_RANGE' }))
  })
})
