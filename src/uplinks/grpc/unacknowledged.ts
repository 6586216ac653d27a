// Messages that were sent and not acknowledged, by lane and in the order of sending, and the deliveries that they belong to.
// An acknowledgement names the end of one message; it and all before it in its lane are then done.

import { TelemetryError } from '#domain/errors.ts'
import type { Delivery, DeliveryResult, Lane } from '#domain/uplink.ts'
import type { EncodedDelivery, EncodedMessage } from '#rpc/batch-encoder.ts'

/** A refusal as the receiver tells it. */
export interface Refused {
  readonly epoch: number
  readonly seq: number
  readonly reason: string
}

interface Job {
  readonly delivery: Delivery
  readonly rejected: { readonly row: number; readonly reason: string }[]
  /** Messages that are not acknowledged. */
  open: number
  resolve(result: DeliveryResult): void
  reject(error: TelemetryError): void
}

interface Sent {
  readonly job: Job
  readonly message: EncodedMessage
}

export class Unacknowledged {
  readonly #lanes: Record<Lane, Sent[]> = { inOrder: [], live: [], backlog: [] }
  #count = 0

  /** Messages under way. */
  get count(): number {
    return this.#count
  }

  /** Resolves when every message of the delivery is acknowledged. */
  add(delivery: Delivery, { messages, rejected }: EncodedDelivery): Promise<DeliveryResult> {
    if (messages.length === 0) return Promise.resolve({ rejected })
    return new Promise((resolve, reject) => {
      const job: Job = { delivery, rejected: [...rejected], open: messages.length, resolve, reject }
      for (const message of messages) this.#lanes[delivery.lane].push({ job, message })
      this.#count += messages.length
    })
  }

  /**
   * Takes an acknowledgement. Throws PROTOCOL when it names a position that was not sent, or that was acknowledged before, or
   * refuses a record that is not among those that it acknowledges.
   */
  acknowledge(lane: Lane, epoch: number, seq: number, refused: readonly Refused[]): void {
    const sent = this.#lanes[lane]
    const at = sent.findIndex(({ job, message }) => message.lastSeq === seq && job.delivery.batch.epoch === epoch)
    if (at < 0 || !sent[at]!.message.isSent) throw nonsense(`acknowledges ${epoch}/${seq}, which is not under way`)
    const done = sent.slice(0, at + 1)
    const jobs = new Set(done.map(({ job }) => job))
    for (const refusal of refused) refuse(jobs, refusal)
    sent.splice(0, at + 1)
    this.#count -= done.length
    for (const { job } of done) if (--job.open === 0) job.resolve({ rejected: job.rejected })
  }

  /** Nothing of it will be acknowledged any more. */
  fail(error: TelemetryError): void {
    for (const sent of Object.values(this.#lanes)) for (const { job } of sent.splice(0)) job.reject(error)
    this.#count = 0
  }
}

function refuse(jobs: ReadonlySet<Job>, { epoch, reason, seq }: Refused): void {
  for (const { delivery, rejected } of jobs) {
    const row = seq - delivery.batch.firstSeq
    if (delivery.batch.epoch !== epoch || !hasRow(delivery, row)) continue
    if (!rejected.some((known) => known.row === row)) rejected.push({ row, reason })
    return
  }
  throw nonsense(`refuses ${epoch}/${seq}, which it does not acknowledge`)
}

function hasRow({ rowCount, rows }: Delivery, row: number): boolean {
  return rows.subarray(0, rowCount).includes(row)
}

function nonsense(what: string): TelemetryError {
  return new TelemetryError('PROTOCOL', `The receiver ${what}`, { retryable: true })
}
