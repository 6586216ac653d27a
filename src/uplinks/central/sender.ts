// Deliveries over one line, one request after the other. A body that is refused as a whole is sent again in halves until the
// record is found that central does not like: that one is rejected, the rest arrives.

import { TelemetryError } from '#domain/errors.ts'
import type { Model } from '#domain/sensor.ts'
import type { Span } from '#domain/tracing.ts'
import type { Delivery, DeliveryResult, TraceDelivery } from '#domain/uplink.ts'
import { sleep, type Clock } from '#kit/clock.ts'
import { formatTraceparent, TRACEPARENT, traceOfRecords } from '#kit/trace-context.ts'
import type { Answer } from './answer.ts'
import { packBody, type Bodies, type Body } from './bodies.ts'
import { closedError, retryAfterMs, statusError, wordsOf } from './failure.ts'
import type { HttpLine } from './http-line.ts'
import { judge } from './judgement.ts'

/** Waits up to this long are waited for here; a longer one ends the connection, which is not made anew before. */
const SHORT_WAIT_MS = 10_000
const INGEST = '/api/v1/ingest'
const START_BYTES = 1024 * 1024
const MIN_BYTES = 1024
/** Codes with which central refuses what is in a request, not the request as such (RFC 9110 §15.5). */
const CONTENT_REFUSALS: ReadonlySet<number> = new Set([400, 409, 422])

type Rejected = DeliveryResult['rejected'][number]

export interface SenderOptions {
  readonly clock: Clock
  /** Id of this gateway. */
  readonly gateway: string
  readonly line: HttpLine
  readonly bodies: Bodies
  readonly model: () => Model
  readonly format: 'protobuf' | 'json'
  readonly isCompressed: boolean
  readonly proof: Proof
  /** Absent: nothing is traced. */
  readonly trace?: TraceDelivery
}

/** Whether central has ever taken a record: what it refuses then, it refuses by itself, and not because it is no receiver. */
export interface Proof {
  hasTaken: boolean
}

/** Central wants to be left alone until then. */
export class AskedToWait extends TelemetryError {
  readonly waitMs: number

  constructor(answer: Answer, name: string, waitMs: number) {
    const { message, code } = statusError(answer, name)
    super(code, `${message}; next try in ${Math.ceil(waitMs / 1000)} s`, { retryable: true })
    this.waitMs = waitMs
  }
}

export class Sender {
  readonly #options: SenderOptions
  readonly #abort = new AbortController()
  #turn: Promise<unknown> = Promise.resolve()
  #maxBytes = START_BYTES
  #isCompressed: boolean
  /** Rows of the present delivery that were refused by a status. */
  #refused = 0

  constructor(options: SenderOptions) {
    this.#options = options
    this.#isCompressed = options.isCompressed
  }

  /** In the order of the calls. Rejects with TelemetryError (retryable) when it is not known what arrived. */
  send(delivery: Delivery): Promise<DeliveryResult> {
    const done = this.#turn.then(() => this.#deliver(delivery))
    this.#turn = done.catch((cause: unknown) => this.end(cause)) // nothing may overtake what has failed
    return done
  }

  /** What waits is rejected. Safe to call twice. */
  end(cause: unknown): void {
    this.#abort.abort(cause)
  }

  async #deliver(delivery: Delivery): Promise<DeliveryResult> {
    const rejected: Rejected[] = []
    const { line, proof } = this.#options
    this.#refused = 0
    await this.#sendRows(delivery, true, rejected)
    if (this.#refused > 0 && !proof.hasTaken)
      throw new TelemetryError('PROTOCOL', `${line.name} refuses everything: ${rejected[0]!.reason}`, {
        retryable: true,
      })
    return { rejected: rejected.sort((a, b) => a.row - b.row) }
  }

  async #sendRows(delivery: Delivery, isWhole: boolean, rejected: Rejected[]): Promise<void> {
    const { bodies, model } = this.#options
    const maxBytes = this.#maxBytes
    const encoded = bodies.of(delivery, { model: model(), maxBytes, isWhole })
    rejected.push(...encoded.rejected)
    const rows = without(delivery.rows.subarray(0, delivery.rowCount), encoded.rejected)
    let from = 0
    for (const body of encoded.bodies) {
      let to = from
      while (to < rows.length && delivery.batch.firstSeq + rows[to]! <= body.lastSeq) to += 1
      const part = { ...delivery, rows: rows.subarray(from, to), rowCount: to - from }
      from = to
      await this.#sendBody(part, body, rejected)
    }
  }

  async #sendBody(part: Delivery, body: Body, rejected: Rejected[]): Promise<void> {
    const { line } = this.#options
    const { answer, refused } = await this.#handOver(part, body)
    if (refused !== null) {
      rejected.push(...refused)
      this.#options.proof.hasTaken = true
    } else if (answer.status === 413 && (part.rowCount > 1 || this.#maxBytes > MIN_BYTES)) {
      this.#maxBytes = Math.max(MIN_BYTES, Math.min(this.#maxBytes, body.bytes.length) >> 1)
      await this.#sendHalves(part, rejected)
    } else if (CONTENT_REFUSALS.has(answer.status) || answer.status === 413) {
      if (part.rowCount > 1) await this.#sendHalves(part, rejected)
      else {
        this.#refused += 1
        rejected.push({ row: part.rows[0]!, reason: wordsOf(answer) || `Refused with status ${answer.status}` })
      }
    } else throw statusError(answer, line.name)
  }

  /** `refused`: rows that central will never take; null: it has taken nothing. */
  async #handOver(part: Delivery, body: Body): Promise<{ answer: Answer; refused: readonly Rejected[] | null }> {
    const { gateway, line, trace } = this.#options
    const { epoch, firstSeq } = part.batch
    const post = async (traceparent: string, span: Span | null) => {
      const answer = await this.#post(body, { [TRACEPARENT]: traceparent }, span)
      const isTaken = answer.status === 202 || answer.status === 200
      const asked = { epoch, firstSeq, rows: part.rows, lastSeq: body.lastSeq }
      const refused = isTaken ? judge(answer, asked, line.name) : null
      if (span) tellOutcome(span, answer, refused)
      return { answer, refused }
    }
    const own = formatTraceparent(traceOfRecords(gateway, epoch, firstSeq + (part.rows[0] ?? 0)))
    if (!trace) return post(own, null)
    const attributes = { 'http.request.method': 'POST', 'url.path': INGEST, 'server.address': line.name }
    return trace(part, attributes, (span) => post(span.traceparent ?? own, span))
  }

  async #sendHalves(part: Delivery, rejected: Rejected[]): Promise<void> {
    const { rows, rowCount } = part
    const middle = rowCount >> 1
    for (const half of [rows.subarray(0, middle), rows.subarray(middle, rowCount)])
      if (half.length > 0) await this.#sendRows({ ...part, rows: half, rowCount: half.length }, false, rejected)
  }

  /** An answer that is about the body: waits that were asked for and a missing zstd are dealt with. */
  async #post({ bytes }: Body, more: Readonly<Record<string, string>>, span: Span | null): Promise<Answer> {
    const { clock, line, format } = this.#options
    const { signal } = this.#abort
    for (;;) {
      if (signal.aborted) throw closedError(line.name)
      const isCompressed = this.#isCompressed
      const packed = await packBody(bytes, { format, isCompressed })
      const headers = { ...packed.headers, ...more }
      const answer = await line.send({ method: 'POST', path: INGEST, body: packed.body, headers }, signal)
      if (answer.status === 415 && isCompressed) {
        this.#isCompressed = false
        span?.event('again without compression')
      } else if (answer.status === 429 || answer.status === 503) {
        const waitMs = retryAfterMs(answer, clock.now())
        if (waitMs === null) throw statusError(answer, line.name)
        if (waitMs > SHORT_WAIT_MS) throw new AskedToWait(answer, line.name, waitMs)
        span?.event('wait', { 'http.response.status_code': answer.status, 'telemetryx.wait_ms': waitMs })
        await sleep(clock, waitMs, signal).catch(() => {})
      } else return answer
    }
  }
}

function tellOutcome(span: Span, answer: Answer, refused: readonly Rejected[] | null): void {
  span.set('http.response.status_code', answer.status)
  if (refused !== null) span.set('telemetryx.refused', refused.length)
  else span.fail('REJECTED', wordsOf(answer) || `Status ${answer.status}`)
}

/** The rows but those that cannot be sent. */
function without(rows: Uint32Array, rejected: readonly Rejected[]): Uint32Array {
  if (rejected.length === 0) return rows
  const gone = new Set(rejected.map(({ row }) => row))
  return rows.filter((row) => !gone.has(row))
}
