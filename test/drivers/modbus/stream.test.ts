import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TelemetryError } from '#domain/errors.ts'
import type { Framing, FramingEvents } from '#drivers/modbus/framing.ts'
import { MbapFraming } from '#drivers/modbus/mbap-framing.ts'
import { readRequest } from '#drivers/modbus/pdu.ts'
import type { Exchange } from '#drivers/modbus/transport.ts'
import { Transactions } from '#drivers/modbus/transactions.ts'
import { mbapFrame } from '#test/sim/raw-modbus-slave.ts'

/** What a framing made of a stream. */
class Heard implements FramingEvents {
  readonly answers: Buffer[] = []
  readonly lates: (number | null)[] = []
  readonly problems: string[] = []
  bytes = 0
  answer(pdu: Buffer): void {
    this.answers.push(Buffer.from(pdu))
  }
  late(unit: number | null): void {
    this.lates.push(unit)
  }
  damaged(reason: string): void {
    this.problems.push(reason)
  }
  broken(reason: string): void {
    this.problems.push(reason)
  }
  received(bytes: Uint8Array): void {
    this.bytes += bytes.length
  }
}

const trace = { sent: () => {}, received: () => {} }
const REQUEST: Exchange = { unit: 1, pdu: readRequest('holding', 0, 1), timeoutMs: 100, notBeforeMs: 0, trace }
const NEVER_ANSWERED = new TelemetryError('TIMEOUT', 'No answer')

function feed(framing: Framing, stream: Buffer, cuts: readonly number[], request: Exchange | null): Heard {
  const heard = new Heard()
  const ends = [...new Set([...cuts.filter((cut) => cut < stream.length), stream.length])].sort((a, b) => a - b)
  let start = 0
  for (const end of ends) {
    const waiting = heard.answers.length === 0 && heard.problems.length === 0 ? request : null
    if (end > start) framing.accept(stream.subarray(start, end), waiting, heard)
    start = end
  }
  return heard
}

describe('the framing of Modbus TCP', () => {
  const cuts = fc.array(fc.nat(1600), { maxLength: 20 })

  it('finds the answer among late ones, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(3), fc.nat(0xffff), cuts, (before, after, value, cut) => {
        const framing = new MbapFraming()
        const nobody = new Heard()
        const lateIds = Array.from({ length: before + after }, () => {
          const id = framing.frame(REQUEST).readUInt16BE(0)
          framing.abandon(REQUEST, NEVER_ANSWERED, nobody)
          return id
        })
        const id = framing.frame(REQUEST).readUInt16BE(0)
        const answer = Buffer.from([3, 2, value >> 8, value & 0xff])
        const late = lateIds.map((lateId) => mbapFrame(lateId, 1, Buffer.from('0302dead', 'hex')))
        const stream = Buffer.concat([...late.slice(0, before), mbapFrame(id, 1, answer), ...late.slice(before)])
        const heard = feed(framing, stream, cut, REQUEST)
        expect(heard.answers).toEqual([answer])
        expect(heard.lates).toEqual(late.map(() => 1))
        expect(heard.problems).toEqual([])
        expect(heard.bytes).toBe(stream.length)
        expect(framing.isMidFrame).toBe(false)
      }),
    )
  })

  it('knows that half a frame is missing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), (length) => {
        const framing = new MbapFraming()
        framing.frame(REQUEST)
        feed(framing, mbapFrame(1, 1, Buffer.from('030600010002ffff', 'hex')).subarray(0, length), [], REQUEST)
        expect(framing.isMidFrame).toBe(true)
        expect(framing.abandon(REQUEST, NEVER_ANSWERED, new Heard())).toMatch('middle of an answer')
      }),
    )
  })

  it('complains of another protocol and of lengths that no frame has, at the header', () => {
    const pdu = Buffer.from('0302000a', 'hex')
    const problemOf = (stream: Buffer): string => feed(new MbapFraming(), stream, [], null).problems.join()
    expect(problemOf(mbapFrame(1, 1, pdu, 1))).toMatch('protocol id 1')
    for (const length of [0, 1, 2, 255, 0xffff]) {
      expect(problemOf(mbapFrame(1, 1, pdu, 0, length).subarray(0, 6))).toMatch(`length ${length}`)
    }
    expect(problemOf(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).not.toBe('')
  })

  it('neither throws nor grows whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 700 }), { maxLength: 10 }), (chunks) => {
        const framing = new MbapFraming()
        framing.frame(REQUEST)
        for (const chunk of chunks) {
          const heard = new Heard()
          framing.accept(Buffer.from(chunk), REQUEST, heard)
          if (heard.problems.length > 0) return
        }
      }),
    )
  })
})

describe('transaction ids', () => {
  it('use all 16 bits', () => {
    const transactions = new Transactions()
    const ids = new Set(Array.from({ length: 65_536 }, () => transactions.issue()))
    expect(ids.size).toBe(65_536)
  })

  it('never give out an id again while its answer may still come', () => {
    const transactions = new Transactions()
    const id = transactions.issue()
    transactions.abandon(id, 9)
    const later = Array.from({ length: 200_000 }, () => transactions.issue())
    expect(later).not.toContain(id)
    expect(transactions.settle(id)).toEqual({ kind: 'late', unit: 9 })
    expect(Array.from({ length: 65_536 }, () => transactions.issue())).toContain(id)
  })

  it('tell a late answer from a repeated and from an unknown one', () => {
    const transactions = new Transactions()
    const [first, second] = [transactions.issue(), transactions.issue()]
    transactions.abandon(second, 3)
    expect(transactions.settle(first)).toEqual({ kind: 'repeated' })
    expect(transactions.settle(second)).toEqual({ kind: 'late', unit: 3 })
    expect(transactions.settle(second + 1)).toEqual({ kind: 'unknown' })
    expect(transactions.settle(40_000)).toEqual({ kind: 'unknown' })
  })

  it('ask for a new connection when thousands were never answered', () => {
    const transactions = new Transactions()
    const kept = Array.from({ length: 5000 }, () => transactions.abandon(transactions.issue(), 1))
    expect(kept.indexOf(false)).toBe(4096)
  })
})
