import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childOf, formatTraceparent, newTrace, parseTraceparent, traceOfRecords } from '#kit/trace-context.ts'

const EXAMPLE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' // W3C Trace Context §3.2.4

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .filter((bytes) => bytes.some((byte) => byte !== 0))
    .map((bytes) => Buffer.from(bytes).toString('hex'))

describe('a traceparent', () => {
  it('is read as the recommendation says', () => {
    expect(parseTraceparent(EXAMPLE)).toEqual({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      isSampled: true,
    })
    expect(parseTraceparent(EXAMPLE.replace(/01$/, '00'))?.isSampled).toBe(false)
    expect(parseTraceparent(EXAMPLE.replace(/01$/, '03'))?.isSampled).toBe(true)
  })

  it('of a later version is read as far as it is known', () => {
    const later = EXAMPLE.replace(/^00/, 'cc')
    expect(parseTraceparent(later)).toEqual(parseTraceparent(EXAMPLE))
    expect(parseTraceparent(`${later}-what-the-future-will-be-like`)).toEqual(parseTraceparent(EXAMPLE))
    expect(parseTraceparent(`${later}.what`)).toBeNull()
  })

  it.each([
    ['is missing', undefined],
    ['came twice', [EXAMPLE, EXAMPLE]],
    ['is too long for its version', `${EXAMPLE}-more`],
    ['has an invalid version', EXAMPLE.replace(/^00/, 'ff')],
    ['has capital letters', EXAMPLE.toUpperCase()],
    ['has no trace', EXAMPLE.replace(/[0-9a-f]{32}/, '0'.repeat(32))],
    ['has no parent', EXAMPLE.replace(/-[0-9a-f]{16}-/, `-${'0'.repeat(16)}-`)],
    ['is cut off', EXAMPLE.slice(0, -1)],
    ['is very long', `cc${EXAMPLE.slice(2)}-${'x'.repeat(10_000)}`],
  ])('is none when it %s', (_why, text) => {
    expect(parseTraceparent(text)).toBeNull()
  })

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.record({ traceId: hex(32), spanId: hex(16), isSampled: fc.boolean() }), (context) => {
        expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
      }),
    )
  })

  it('is null or whole, whatever is read', () => {
    const mutated = fc
      .tuple(fc.nat(EXAMPLE.length), fc.nat(5), fc.string({ maxLength: 5 }))
      .map(([at, cut, put]) => EXAMPLE.slice(0, at) + put + EXAMPLE.slice(at + cut))
    fc.assert(
      fc.property(fc.oneof(fc.string(), mutated), (text) => {
        const context = parseTraceparent(text)
        if (context === null) return
        expect(context.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/)
        expect(context.spanId).toMatch(/^(?!0+$)[0-9a-f]{16}$/)
        expect(text.startsWith(formatTraceparent(context).slice(2, 53), 2)).toBe(true)
      }),
    )
  })

  it('of a child has the trace of its parent and a place of its own', () => {
    const parent = newTrace()
    const child = childOf(parent)
    expect(child).toEqual({ ...parent, spanId: child.spanId })
    expect(child.spanId).not.toBe(parent.spanId)
  })

  it('of records follows from where they stand, the same in every version', () => {
    const parent = traceOfRecords('edge-01', 3, 1042)
    expect(formatTraceparent(parent)).toBe('00-a6fc286e9e1679761587eec4faeb57b8-377285e2059dce3d-01')
    expect(traceOfRecords('edge-01', 3, 4095)).toEqual(parent)
    const others = [
      traceOfRecords('edge-01', 3, 4096),
      traceOfRecords('edge-01', 4, 1042),
      traceOfRecords('edge-02', 3, 1042),
    ]
    expect(new Set([parent, ...others].map(({ traceId }) => traceId)).size).toBe(4)
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.integer({ min: 1, max: 2 ** 53 - 1 }), (gateway, epoch, seq) => {
        const context = traceOfRecords(gateway, epoch, seq)
        expect(parseTraceparent(formatTraceparent(context))).toEqual(context)
      }),
    )
  })

  it('is valid even when chance gives nothing but zeros', () => {
    const zeros = (bytes: Uint8Array): Uint8Array => bytes.fill(0)
    expect(parseTraceparent(formatTraceparent(newTrace(zeros)))).not.toBeNull()
    expect(parseTraceparent(formatTraceparent(childOf(newTrace(), zeros)))).not.toBeNull()
  })
})
