// Frames out of bytes: examples of each framing, and properties over any bytes in any chunks.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Frame } from '#drivers/serial/frame.ts'
import { DelimiterFramer, LengthFramer, MarkedFramer, type Framer } from '#drivers/serial/framer.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

class Frames {
  readonly bodies: string[] = []
  readonly wholes: string[] = []
  tooLongCount = 0
  cutCount = 0

  frame({ bytes: whole, bodyStart, bodyEnd }: Frame): void {
    this.bodies.push(Buffer.from(whole.subarray(bodyStart, bodyEnd)).toString('latin1'))
    this.wholes.push(Buffer.from(whole).toString('latin1'))
  }

  tooLong(): void {
    this.tooLongCount += 1
  }

  cutShort(): void {
    this.cutCount += 1
  }
}

function framed(framer: Framer, ...chunks: string[]): Frames {
  const frames = new Frames()
  for (const chunk of chunks) framer.push(bytes(chunk), frames)
  return frames
}

const lines = (maxBytes = 8): Framer => new DelimiterFramer(bytes('\r\n'), maxBytes)
const marked = (trailerBytes = 0, maxBytes = 8): Framer =>
  new MarkedFramer({ start: bytes('\x02'), end: bytes('\x03'), maxBytes, trailerBytes })

describe('frames by delimiter', () => {
  it('are what stands between delimiters, across chunks', () => {
    expect(framed(lines(), 'ab\r', '\ncd', '\r\n').bodies).toEqual(['ab', 'cd'])
  })

  it('are never empty', () => {
    expect(framed(lines(), '\r\n\r\nx\r\n').bodies).toEqual(['x'])
  })

  it('may hold a part of the delimiter', () => {
    expect(framed(lines(), 'a\rb\nc\r\r\n').bodies).toEqual(['a\rb\nc\r'])
  })

  it('may have the most bytes, and not one more; then the next delimiter ends the trouble', () => {
    const { bodies, tooLongCount } = framed(lines(), '12345678\r\n', '123456789\r\n', 'x'.repeat(500), 'y\r\nok\r\n')
    expect(bodies).toEqual(['12345678', 'ok'])
    expect(tooLongCount).toBe(2)
  })

  it('begin only behind the first delimiter when the line was joined amid a frame', () => {
    const framer = lines()
    framer.reset(false)
    expect(framed(framer, '2.5\r\n12.5\r\n').bodies).toEqual(['12.5'])
  })
})

describe('frames by length', () => {
  it('are cut off one after another', () => {
    expect(framed(new LengthFramer(3), 'ab', 'cdefg', 'hi').bodies).toEqual(['abc', 'def', 'ghi'])
  })

  it('are not guessed at before a pause has shown where one begins', () => {
    const framer = new LengthFramer(3)
    framer.reset(false)
    expect(framed(framer, 'bcabcabc').bodies).toEqual([])
    framer.reset(true)
    expect(framed(framer, 'abc').bodies).toEqual(['abc'])
  })
})

describe('frames between marks', () => {
  it('pass over what stands between them', () => {
    expect(framed(marked(), '\r\nx\x02ab', '\x03\r\n\x02c\x03').bodies).toEqual(['ab', 'c'])
  })

  it('bring the bytes behind the end with them', () => {
    const { bodies, wholes } = framed(marked(2), '\x02ab\x03\x03', '\x02\x02c\x0312')
    expect(bodies).toEqual(['ab', 'c'])
    expect(wholes).toEqual(['\x02ab\x03\x03\x02', '\x02c\x0312'])
  })

  it('begin anew when the end of one was lost', () => {
    const { bodies, cutCount } = framed(marked(), '\x02ab\x02cd\x03')
    expect(bodies).toEqual(['cd'])
    expect(cutCount).toBe(1)
  })

  it('are dropped when they are too long', () => {
    const { bodies, tooLongCount } = framed(marked(), '\x02123456789\x03\x0212345678\x03')
    expect(bodies).toEqual(['12345678'])
    expect(tooLongCount).toBe(1)
  })

  it('find a start of several bytes whose beginning repeats', () => {
    const framer = new MarkedFramer({ start: bytes('$$A'), end: bytes('*'), maxBytes: 8, trailerBytes: 0 })
    expect(framed(framer, '$$$A1*').bodies).toEqual(['1'])
  })
})

const FRAMERS: Record<string, () => Framer> = {
  delimiter: () => new DelimiterFramer(bytes('ab'), 4),
  length: () => new LengthFramer(3),
  marks: () => new MarkedFramer({ start: bytes('a'), end: bytes('b'), maxBytes: 4, trailerBytes: 1 }),
  'long marks': () => new MarkedFramer({ start: bytes('aab'), end: bytes('ba'), maxBytes: 6, trailerBytes: 0 }),
}
/** Few different bytes, so that marks and their parts come often. */
const anyBytes = fc.oneof(
  fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 200 }).map((letters) => bytes(letters.join(''))),
  fc.uint8Array({ maxLength: 200 }),
)

describe.each(Object.entries(FRAMERS))('any bytes, framed by %s', (_name, create) => {
  it('give the same frames however they are cut into chunks', () => {
    fc.assert(
      fc.property(anyBytes, fc.array(fc.nat(20)), (stream, cuts) => {
        const whole = new Frames()
        create().push(stream, whole)
        const cut = new Frames()
        const framer = create()
        let at = 0
        for (const size of cuts) {
          framer.push(stream.subarray(at, at + size), cut)
          at = Math.min(at + size, stream.length)
        }
        framer.push(stream.subarray(at), cut)
        expect(cut).toEqual(whole)
      }),
    )
  })

  it('never make it hold more than a frame', () => {
    fc.assert(
      fc.property(anyBytes, (stream) => {
        const framer = create()
        const frames = new Frames()
        for (const byte of stream) {
          framer.push(Uint8Array.of(byte), frames)
          expect(framer.held).toBeLessThanOrEqual(11)
        }
        for (const body of frames.bodies) expect(body.length).toBeLessThanOrEqual(6)
      }),
    )
  })

  it('leave it able to read a true frame after a pause', () => {
    fc.assert(
      fc.property(anyBytes, (stream) => {
        const framer = create()
        framer.push(stream, new Frames())
        framer.reset(true)
        const frames = new Frames()
        framer.push(
          bytes({ delimiter: 'cccab', length: 'ccc', marks: 'acccbx', 'long marks': 'aabcccba' }[_name]!),
          frames,
        )
        expect(frames.bodies).toEqual(['ccc'])
      }),
    )
  })
})

it('resynchronises after garbage without a pause, where the framing has delimiters', () => {
  fc.assert(
    fc.property(anyBytes, (garbage) => {
      const frames = new Frames()
      const framer = lines()
      framer.push(garbage, frames)
      framer.push(bytes('\r\ntrue\r\n'), frames)
      expect(frames.bodies.at(-1)).toBe('true')
    }),
  )
})
