import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc16, hexWords, modbusFrameWords, textOfBytes } from '../../../src/ui/format/modbus-frame.ts'

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

describe('a Modbus frame in words', () => {
  it.each([
    ['0001 0000 0006 11 03 006b 0003', true, '#1 unit 17: read holding registers, addresses 107 to 109'],
    ['0001 0000 0009 11 03 06 022b 0000 0064', false, '#1 unit 17: registers 555 0 100'],
    ['0002 0000 0003 0a 81 02', false, '#2 unit 10: refuses to read coils: exception 2, illegal data address'],
    ['0003 0000 0006 01 05 00ac ff00', true, '#3 unit 1: write coil 172 on'],
    ['0003 0000 0006 01 06 0001 0003', true, '#3 unit 1: write register 1 to 3'],
    ['0003 0000 0063 01 03', false, 'not a whole frame'],
  ])('over TCP: %s', (hex, isRequest, words) => {
    expect(modbusFrameWords(bytes(hex), isRequest, true)).toBe(words)
  })

  it('over a serial line says when the CRC is wrong', () => {
    // Modbus over Serial Line V1.02: 01 04 02 FF FF with CRC B8 80.
    expect(modbusFrameWords(bytes('010402ffffb880'), false, false)).toBe('unit 1: registers 65535')
    expect(modbusFrameWords(bytes('010402fffeb880'), false, false)).toBe('unit 1: registers 65534, CRC wrong')
    expect(crc16(bytes('010402ffff'))).toBe(0x80b8)
  })

  it('says something of any bytes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), fc.boolean(), (frame, isRequest, isTcp) => {
        expect(modbusFrameWords(frame, isRequest, isTcp)).not.toBe('')
      }),
    )
  })

  it('shows bytes and text', () => {
    expect(hexWords(Uint8Array.of(0, 171))).toBe('00 ab')
    expect(textOfBytes(Uint8Array.from(Buffer.from('S 12.5\r\n')))).toBe('S 12.5··')
  })
})
