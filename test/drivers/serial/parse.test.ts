// Frames → fields → values.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Status } from '#domain/quality.ts'
import { convertField, writtenText } from '#drivers/serial/convert.ts'
import { parseCsvLine } from '#drivers/serial/csv.ts'
import { createParser } from '#drivers/serial/parse.ts'
import type { RawField } from '#drivers/serial/raw-field.ts'
import type { ParseConfig, SerialSensorConfig } from '#drivers/serial/schema.ts'

const bytes = (text: string, encoding: BufferEncoding = 'latin1'): Uint8Array => Buffer.from(text, encoding)

function fieldOf(config: ParseConfig, text: string, field: string | number): RawField {
  const parsed = createParser(config)(bytes(text))
  return parsed.kind === 'fields' ? parsed.fields(field) : parsed.kind
}

const NUMBER: SerialSensorConfig = { field: 'x' }
const numberOf = (raw: RawField, decimal: '.' | ',' = '.') => convertField(raw, NUMBER, decimal).value

describe('parsing', () => {
  it('takes named groups of a pattern', () => {
    const pattern = '^(?<stable>[SU]) +(?<weight>-?[0-9.]+) *(?<unit>kg|g)$'
    expect(fieldOf({ pattern }, 'S   12.50 kg', 'weight')).toBe('12.50')
    expect(fieldOf({ pattern }, 'S   ------ kg', 'weight')).toBe('unreadable')
  })

  it('leaves a group that took no part without a value', () => {
    expect(fieldOf({ pattern: '^(?<a>x)?(?<b>y)$' }, 'y', 'a')).toBeUndefined()
  })

  it('passes over what is to be ignored', () => {
    const config: ParseConfig = { pattern: '^W(?<w>.+)$', ignore: '^#' }
    expect(fieldOf(config, '# heading', 'w')).toBe('ignored')
    expect(fieldOf(config, 'X1', 'w')).toBe('unreadable')
  })

  it('takes columns of csv by number and by name', () => {
    expect(fieldOf({ type: 'csv' }, '1, 2 ,"a,b"', '2')).toBe('2')
    expect(fieldOf({ type: 'csv' }, '1, 2 ,"a,b"', 3)).toBe('a,b')
    expect(fieldOf({ type: 'csv', separator: ';', columns: ['t', 'p'] }, '20,5;1013', 'p')).toBe('1013')
    expect(fieldOf({ type: 'csv' }, '1,2', '3')).toBeUndefined()
  })

  it('takes values within json, its own keys only', () => {
    const text = '{"a":{"b":[1,{"c":true}]},"n":null}'
    expect(fieldOf({ type: 'json' }, text, 'a.b[0]')).toBe(1)
    expect(fieldOf({ type: 'json' }, text, '$.a.b[1].c')).toBe(true)
    expect(fieldOf({ type: 'json' }, text, 'n')).toBeNull()
    expect(fieldOf({ type: 'json' }, text, 'a')).toBeUndefined()
    expect(fieldOf({ type: 'json' }, text, 'constructor.name')).toBeUndefined()
    expect(fieldOf({ type: 'json' }, text.slice(1), 'n')).toBe('unreadable')
  })

  it('reads bytes as the encoding says', () => {
    const pattern = '^(?<t>.+)$'
    expect(createParser({ pattern })(bytes('°', 'latin1'))).toMatchObject({ kind: 'fields' })
    expect(createParser({ pattern, encoding: 'utf8' })(bytes('°', 'latin1'))).toMatchObject({ reason: 'not-text' })
    expect(createParser({ type: 'json' })(bytes('"\xff"'))).toMatchObject({ reason: 'not-text' })
  })

  it('never throws, whatever comes', () => {
    const parsers = [{ pattern: '^(?<a>[0-9]+)(,(?<b>.*))?$' }, { type: 'csv' as const }, { type: 'json' as const }]
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => bytes(text, 'utf8')),
        ),
        (body) => {
          for (const config of parsers) {
            const parsed = createParser(config)(body)
            if (parsed.kind !== 'fields') continue
            for (const field of ['a', '1', 'a[0].b']) convertField(parsed.fields(field), { field }, '.')
          }
        },
      ),
    )
  })

  it('reads back each csv line that was written by the rules', () => {
    const cell = fc.string().filter((text) => !/[\r\n]/.test(text))
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1 }), (cells) => {
        const line = cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')
        expect(parseCsvLine(line, ',')).toEqual(cells)
      }),
    )
  })
})

describe('values', () => {
  it.each([
    ['12.50', 12.5],
    ['-0.5', -0.5],
    ['+   12.3', 12.3],
    ['1e3', 1000],
    ['.5', 0.5],
    [7, 7],
  ])('takes %j for a number', (raw, value) => expect(numberOf(raw)).toBe(value))

  it.each(['', ' ', '--', '0x10', 'Infinity', 'NaN', '1.2.3', '12,5', '1 2', '12kg', true, null, undefined])(
    'does not take %j for a number',
    (raw) => expect(numberOf(raw)).toBeNull(),
  )

  it('reads a decimal comma where one is configured, and does not guess', () => {
    expect(numberOf('12,5', ',')).toBe(12.5)
    expect(numberOf('1.234,5', ',')).toBeNull()
  })

  it('calls too large a number out of range', () => {
    expect(convertField('9e999', NUMBER, '.')).toEqual({ value: null, status: Status.BadOutOfRange })
  })

  it('tells a missing field from an unreadable one', () => {
    expect(convertField(undefined, NUMBER, '.').status).toBe(Status.BadNoData)
    expect(convertField('?', NUMBER, '.').status).toBe(Status.BadDecodingError)
  })

  it('maps texts, own keys only, and takes no other', () => {
    const stable: SerialSensorConfig = { field: 's', type: 'boolean', map: { S: true, U: false } }
    expect(convertField('S', stable, '.').value).toBe(true)
    expect(convertField('U', stable, '.').value).toBe(false)
    expect(convertField('X', stable, '.').status).toBe(Status.BadDecodingError)
    expect(convertField('toString', stable, '.').status).toBe(Status.BadDecodingError)
  })

  it('cuts a text that is too long at a whole character, and says so', () => {
    const { value, status } = convertField('°'.repeat(3000), { field: 'x', type: 'string' }, '.')
    expect(value).toBe('°'.repeat(2048))
    expect(status).toBe(Status.UncertainSensorNotAccurate)
  })

  it('writes what it can read, and refuses what could be another command', () => {
    const boolean: SerialSensorConfig = { field: 'x', type: 'boolean', map: { ON: true, OFF: false } }
    const text: SerialSensorConfig = { field: 'x', type: 'string' }
    expect(writtenText(true, boolean, '.')).toBe('ON')
    expect(writtenText(12.5, NUMBER, ',')).toBe('12,5')
    expect(writtenText(1e30, NUMBER, '.')).toBeNull()
    expect(writtenText('AUTO', text, '.')).toBe('AUTO')
    expect(writtenText('AUTO\r\nRESET', text, '.')).toBeNull()
    fc.assert(
      fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (value) => {
        const written = writtenText(value, NUMBER, ',')
        if (written !== null) expect(numberOf(written, ',')).toBe(value === 0 ? 0 : value)
      }),
    )
  })
})
