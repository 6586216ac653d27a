// Registers in every type and order: the driver's own decoding is the judge.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodedPoint, PointDecoder } from '#drivers/modbus/decode.ts'
import { pointOf } from '#drivers/modbus/point.ts'
import { RecordingSink } from '#test/sim/recording-sink.ts'
import {
  findValue,
  manualNumber,
  NUMBER_TYPES,
  numberText,
  ordersOf,
  readNumber,
  registersText,
  sensorYaml,
} from '../../../src/ui/format/register-values.ts'

const word = fc.integer({ min: 0, max: 65_535 })

describe('registers in every type and byte order', () => {
  it('are what the Modbus driver makes of them', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 4, maxLength: 4 }), (words) => {
        const data = Buffer.alloc(8)
        for (const [index, value] of words.entries()) data.writeUInt16BE(value, index * 2)
        for (const type of NUMBER_TYPES)
          for (const order of ordersOf(type)) {
            const sink = new RecordingSink()
            const point = pointOf({ register: 'holding', address: 0, type, order })
            new PointDecoder().decode(decodedPoint(0, point, 0), data, 0, sink)
            const result = sink.only(0)
            const passed = 'value' in result ? result.value : null
            expect(readNumber(words, 0, type, order), `${type} ${order}`).toEqual(passed)
          }
      }),
    )
  })

  it('are none where the block ends', () => {
    expect(readNumber([1], 0, 'int32', 'ABCD')).toBeNull()
    expect(readNumber([1, 2], 1, 'uint16', 'ABCD')).toBe(2)
    expect(readNumber([0x00fa], 0, 'bcd16', 'ABCD')).toBeNull()
  })

  it('are text too', () => {
    expect(registersText([0x5072, 0x6500], false)).toBe('Pre·')
    expect(registersText([0x7250, 0x0065], true)).toBe('Pre·')
  })
})

describe('a value that is looked for', () => {
  it('is found as a float, swapped or not, and as an integer without its decimal sign', () => {
    const found = findValue([0x428e, 0x8000, 0x8000, 0x428e, 712], 71.25)
    expect(found[0]).toEqual({ index: 0, type: 'float32', order: 'ABCD', factor: 1, value: 71.25 })
    expect(found).toContainEqual({ index: 2, type: 'float32', order: 'CDAB', factor: 1, value: 71.25 })
    expect(found).toContainEqual({ index: 4, type: 'int16', order: 'ABCD', factor: 0.1, value: 712 })
  })

  it('is nowhere when it is nowhere', () => {
    expect(findValue([0, 0, 0], 4711)).toEqual([])
  })
})

describe('what is shown of registers', () => {
  it('has every digit of an integer, and of a float as many as it has', () => {
    expect(numberText(2n ** 63n, 'uint64')).toBe('9223372036854775808')
    expect(numberText(-5, 'int16')).toBe('\u22125')
    expect(numberText(Math.fround(71.3), 'float32')).toBe('71.3')
    expect(numberText(null, 'int16')).toBe('–')
  })

  it('becomes a sensor that the driver accepts', () => {
    const draft = { register: 'holding', address: 100, type: 'float32', order: 'CDAB', factor: 0.1 } as const
    expect(sensorYaml(draft)).toBe(
      '- { id: float32-100, register: holding, address: 100, type: float32, order: CDAB, scale: { factor: 0.1 } }',
    )
  })

  it.each([
    ['holding', 0, '40001'],
    ['input', 99, '30100'],
    ['coil', 0, '00001'],
    ['holding', 9999, '410000'],
  ])('is in manuals: %s %i as %s', (register, address, text) => {
    expect(manualNumber(register, address)).toBe(text)
  })
})
