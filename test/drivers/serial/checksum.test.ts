// Checksums, anchored by published values, in frames of instruments as they are documented.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checksumOf, verifiedBody } from '#drivers/serial/checksum.ts'
import type { Frame } from '#drivers/serial/frame.ts'
import { createFramer } from '#drivers/serial/framing.ts'
import type { ChecksumConfig, FramingConfig } from '#drivers/serial/schema.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

function bodies(stream: string, framing: FramingConfig, checksum: ChecksumConfig): (string | null)[] {
  const found: (string | null)[] = []
  createFramer(framing, checksum).push(bytes(stream), {
    frame: (frame: Frame) => {
      const body = verifiedBody(frame, checksum)
      found.push(body && Buffer.from(body).toString('latin1'))
    },
    tooLong: () => {},
    cutShort: () => {},
  })
  return found
}

it('computes the check values of the CRC catalogue', () => {
  expect(checksumOf(bytes('123456789'), 'crc16')).toBe(0x4b37)
  expect(checksumOf(bytes('123456789'), 'crc16-ccitt')).toBe(0x29b1)
  expect(checksumOf(bytes('123456789'), 'sum')).toBe(0xdd)
  expect(checksumOf(bytes('123456789'), 'xor')).toBe(0x31)
})

it('verifies a sentence of NMEA 0183, whose checksum stands behind an asterisk', () => {
  const sentence = '$GPGLL,5300.97914,N,00259.98174,E,125926,A*28\r\n'
  const nmea: ChecksumConfig = { type: 'xor', separator: '*' }
  expect(bodies(sentence, { start: '$', end: '\r\n' }, nmea)).toEqual(['GPGLL,5300.97914,N,00259.98174,E,125926,A'])
  expect(bodies(sentence, { delimiter: '\r\n' }, { ...nmea, skip: 1 })).toHaveLength(1)
  expect(bodies(sentence.replace('5300', '5301'), { start: '$', end: '\r\n' }, nmea)).toEqual([null])
})

it('verifies a binary check byte behind the end, over data and end', () => {
  const bcc: ChecksumConfig = { type: 'xor', format: 'binary', position: 'afterEnd', includeEnd: true }
  const check = String.fromCharCode(checksumOf(bytes('12.5\x03'), 'xor'))
  expect(bodies(`\x0212.5\x03${check}`, { start: '\x02', end: '\x03' }, bcc)).toEqual(['12.5'])
  expect(bodies(`\x0212.6\x03${check}`, { start: '\x02', end: '\x03' }, bcc)).toEqual([null])
})

it('sums the start too when it is told so', () => {
  const config: ChecksumConfig = { type: 'sum', position: 'afterEnd', includeStart: true, includeEnd: true }
  const check = checksumOf(bytes('\x02A\x03'), 'sum').toString(16).padStart(2, '0')
  expect(bodies(`\x02A\x03${check}`, { start: '\x02', end: '\x03' }, config)).toEqual(['A'])
})

it('reads a CRC of either order', () => {
  const low = '123456789\x37\x4b'
  const crc: ChecksumConfig = { type: 'crc16', format: 'binary' }
  expect(bodies(low, { length: 11 }, { ...crc, order: 'little' })).toEqual(['123456789'])
  expect(bodies(low, { length: 11 }, crc)).toEqual([null])
})

it('refuses frames that are too short to have one, and digits that are none', () => {
  const config: ChecksumConfig = { type: 'xor', separator: '*', skip: 3 }
  expect(bodies('1\r\n*00\r\nab*zz\r\nabc*\r\n', { delimiter: '\r\n' }, config)).toEqual([null, null, null, null])
})

it('finds every single wrong byte', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom('xor' as const, 'sum' as const, 'crc16' as const, 'crc16-ccitt' as const),
      (body, at, change, type) => {
        const right = checksumOf(body, type)
        const wrong = Uint8Array.from(body)
        wrong[at % body.length]! ^= change
        expect(checksumOf(wrong, type)).not.toBe(right)
      },
    ),
  )
})
