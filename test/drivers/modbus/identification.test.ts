import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BASIC,
  identificationLength,
  identificationMismatch,
  identificationRequest,
  readIdentification,
} from '#drivers/modbus/identification.ts'
import { mismatch } from '#drivers/modbus/pdu.ts'

/** The example of V1.1b3 §6.21: vendor, product and revision in one answer. */
const EXAMPLE = Buffer.concat([
  Buffer.from('2b0e01010000030016', 'hex'),
  Buffer.from('Company identification'),
  Buffer.from('010d', 'hex'),
  Buffer.from('Product code '),
  Buffer.from('0205', 'hex'),
  Buffer.from('V2.11'),
])

describe('the identification of a device', () => {
  it('is asked for and read as in the example of the specification', () => {
    const request = identificationRequest(BASIC, 0)
    expect(request.toString('hex')).toBe('2b0e0100')
    expect(mismatch(request, EXAMPLE)).toBeNull()
    expect(readIdentification(EXAMPLE)).toEqual({
      identification: { vendor: 'Company identification', product: 'Product code', revision: 'V2.11' },
      next: null,
    })
  })

  it('says which object comes next', () => {
    const first = Buffer.from([0x2b, 0x0e, 1, 1, 0xff, 2, 1, 0, 1, 0x41])
    expect(readIdentification(first)).toEqual({ identification: { vendor: 'A' }, next: 2 })
  })

  it('knows its length as soon as it can, whatever the bytes', () => {
    for (let bytes = 0; bytes <= EXAMPLE.length; bytes++)
      expect([null, EXAMPLE.length]).toContain(identificationLength(EXAMPLE, 0, bytes))
    expect(identificationLength(EXAMPLE, 0, EXAMPLE.length)).toBe(EXAMPLE.length)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 60 }), (bytes) => {
        bytes[0] = 0x2b
        if (identificationMismatch(bytes) !== null) return
        const { identification } = readIdentification(bytes)
        for (const text of Object.values(identification)) expect(text.length).toBeLessThan(bytes.length)
      }),
    )
  })
})
