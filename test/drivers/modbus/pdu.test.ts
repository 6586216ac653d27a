// Anchored by the examples of the Modbus Application Protocol Specification V1.1b3.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  exceptionOf,
  isShort,
  maskWriteRequest,
  mismatch,
  readRequest,
  writeCoilRequest,
  writeCoilsRequest,
  writeRegisterRequest,
  writeRegistersRequest,
} from '#drivers/modbus/pdu.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('requests', () => {
  it.each([
    ['§6.1 read coils 20 to 38', readRequest('coil', 19, 19), '01 00 13 00 13'],
    ['§6.2 read discrete inputs 197 to 218', readRequest('discrete', 196, 22), '02 00 c4 00 16'],
    ['§6.3 read registers 108 to 110', readRequest('holding', 107, 3), '03 00 6b 00 03'],
    ['§6.4 read input register 9', readRequest('input', 8, 1), '04 00 08 00 01'],
    ['§6.5 write coil 173 ON', writeCoilRequest(172, true), '05 00 ac ff 00'],
    ['§6.6 write register 2 to 3', writeRegisterRequest(1, bytes('00 03')), '06 00 01 00 03'],
    ['§6.11 write one coil by the function for many', writeCoilsRequest(19, true), '0f 00 13 00 01 01 01'],
    ['§6.12 write registers 2 and 3', writeRegistersRequest(1, bytes('00 0a 01 02')), '10 00 01 00 02 04 00 0a 01 02'],
    ['§6.16 mask write register 5', maskWriteRequest(4, 0xf2, 0x25), '16 00 04 00 f2 00 25'],
  ])('%s', (_name, pdu, expected) => {
    expect(pdu).toEqual(bytes(expected))
  })
})

describe('an answer', () => {
  it.each([
    ['§6.1', '01 00 13 00 13', '01 03 cd 6b 05'],
    ['§6.2', '02 00 c4 00 16', '02 03 ac db 35'],
    ['§6.3', '03 00 6b 00 03', '03 06 02 2b 00 00 00 64'],
    ['§6.4', '04 00 08 00 01', '04 02 00 0a'],
    ['§6.5', '05 00 ac ff 00', '05 00 ac ff 00'],
    ['§6.6', '06 00 01 00 03', '06 00 01 00 03'],
    ['§6.11', '0f 00 13 00 0a 02 cd 01', '0f 00 13 00 0a'],
    ['§6.12', '10 00 01 00 02 04 00 0a 01 02', '10 00 01 00 02'],
    ['§6.16', '16 00 04 00 f2 00 25', '16 00 04 00 f2 00 25'],
    ['an exception, §7', '01 04 a1 00 01', '81 02'],
  ])('of the specification fits its request: %s', (_name, request, answer) => {
    expect(mismatch(bytes(request), bytes(answer))).toBeNull()
  })

  it('carries its exception code', () => {
    expect(exceptionOf(bytes('81 02'))).toBe(2)
    expect(exceptionOf(bytes('03 02 00 0a'))).toBeNull()
  })

  it.each([
    ['another function', '03 00 6b 00 03', '04 06 02 2b 00 00 00 64'],
    ['the exception of another function', '03 00 6b 00 03', '84 02'],
    ['an exception that is too long', '03 00 6b 00 03', '83 02 00'],
    ['a larger byte count', '03 00 6b 00 03', '03 08 02 2b 00 00 00 64 00 00'],
    ['half a register', '03 00 6b 00 03', '03 03 02 2b 00'],
    ['no data', '03 00 6b 00 03', '03 00'],
    ['a byte count that lies about what follows', '03 00 6b 00 03', '03 06 02 2b 00 00'],
    ['a byte count that lies although all data came', '03 00 6b 00 03', '03 04 02 2b 00 00 00 64'],
    ['more data than the byte count says', '03 00 6b 00 03', '03 06 02 2b 00 00 00 64 00 00'],
    ['too many coils', '01 00 13 00 13', '01 04 cd 6b 05 00'],
    ['another address confirmed', '06 00 01 00 03', '06 00 02 00 03'],
    ['another value confirmed', '05 00 ac ff 00', '05 00 ac 00 00'],
    ['fewer registers confirmed', '10 00 01 00 02 04 00 0a 01 02', '10 00 01 00 01'],
    ['another mask confirmed', '16 00 04 00 f2 00 25', '16 00 04 00 f2 00 24'],
    ['a write confirmed by half', '06 00 01 00 03', '06 00 01'],
    ['nothing but a function', '03 00 6b 00 03', '03'],
    ['nothing', '03 00 6b 00 03', ''],
  ])('does not fit with %s', (_name, request, answer) => {
    expect(mismatch(bytes(request), bytes(answer))).toEqual(expect.any(String))
  })

  it.each([
    ['03 00 6b 00 03', '03 04 02 2b 00 00'],
    ['01 00 13 00 13', '01 02 cd 6b'],
  ])('that is whole but shorter than asked for fits, and is known to be short: %s → %s', (request, answer) => {
    expect(mismatch(bytes(request), bytes(answer))).toBeNull()
    expect(isShort(bytes(request), bytes(answer))).toBe(true)
    expect(isShort(bytes(request), bytes('83 02'))).toBe(false)
  })

  it('of any bytes fits a read only when its byte count and length are right', () => {
    const request = readRequest('holding', 0, 3)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 260 }), (any) => {
        const answer = Buffer.from(any)
        const fits =
          (answer[0] === 3 && [2, 4, 6].includes(answer[1]!) && answer.length === 2 + answer[1]!) ||
          (answer.length === 2 && answer[0] === 0x83)
        expect(mismatch(request, answer) === null).toBe(fits)
      }),
    )
  })
})
