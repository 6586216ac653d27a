// W3C Trace Context (Recommendation, 23 November 2021, §3.2): one id that follows a batch from the gateway to whoever works on it.
//
//   traceparent = version "-" trace-id "-" parent-id "-" trace-flags     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//                 2 hex       32 hex       16 hex        2 hex           lower case; an id of nothing but zeros is none

import { createHash, randomFillSync } from 'node:crypto'

/** Name of the HTTP header, of the gRPC metadata and of the NATS header. */
export const TRACEPARENT = 'traceparent'

const SAMPLED = 0x01
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const MAX_LENGTH = 512
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)

export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits: of whoever sent this. */
  readonly spanId: string
  /** The sender keeps its part. */
  readonly isSampled: boolean
}

/** null for anything that is no traceparent, or for a header that came twice. Later versions are read as far as they are known. */
export function parseTraceparent(text: unknown): TraceContext | null {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return null
  const [, version, traceId, spanId, flags, more] = FORM.exec(text) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null
  if (traceId === undefined || spanId === undefined || traceId === NO_TRACE || spanId === NO_SPAN) return null
  return { traceId, spanId, isSampled: (Number.parseInt(flags!, 16) & SAMPLED) !== 0 }
}

export function formatTraceparent({ isSampled, spanId, traceId }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

/** The beginning of a trace. */
export function newTrace(fill: (bytes: Uint8Array) => Uint8Array = randomFillSync): TraceContext {
  return { traceId: hex(fill, 16), spanId: hex(fill, 8), isSampled: true }
}

/** The next step of the same trace. */
export function childOf(parent: TraceContext, fill: (bytes: Uint8Array) => Uint8Array = randomFillSync): TraceContext {
  return { ...parent, spanId: hex(fill, 8) }
}

/** How many positions share a trace: about what a gateway hands over at once. */
const POSITIONS_A_TRACE = 4096

/**
 * The trace of a gateway's records: it follows from their position. A gateway hands the same records to several receivers, in batches
 * that are cut differently; so all of them, and whoever stands behind them, speak of one trace without having to be told.
 */
export function traceOfRecords(gateway: string, epoch: number, seq: number): TraceContext {
  const digest = createHash('sha256')
    .update(`${gateway}/${epoch}/${Math.floor(seq / POSITIONS_A_TRACE)}`)
    .digest('hex')
  return { traceId: nonZero(digest.slice(0, 32)), spanId: nonZero(digest.slice(32, 48)), isSampled: true }
}

function nonZero(id: string): string {
  return /^0+$/.test(id) ? id.replace(/0$/, '1') : id
}

/** Random, but never nothing but zeros. */
function hex(fill: (bytes: Uint8Array) => Uint8Array, length: number): string {
  const bytes = fill(new Uint8Array(length))
  if (bytes.every((byte) => byte === 0)) bytes[length - 1] = 1
  return Buffer.from(bytes).toString('hex')
}
