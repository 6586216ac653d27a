// A receiver that does as it is told: acknowledges, holds back, rejects, loses the connection. For the forwarder's tests.

import { Type } from 'typebox'
import { TelemetryError } from '#domain/errors.ts'
import { ENTRY } from '#domain/reading.ts'
import type { Delivery, DeliveryResult, Lane, UplinkConnection, UplinkContext, UplinkKind } from '#domain/uplink.ts'
import { strictObject } from '#domain/schema.ts'

interface Held {
  readonly delivery: Delivery
  readonly resolve: (result: DeliveryResult) => void
  readonly reject: (error: unknown) => void
}

/** Order number of a connection, and what it was given, in order. */
export interface Arrival {
  readonly connection: number
  readonly epoch: number
  readonly seq: number
  readonly lane: Lane
  readonly historical: boolean
  readonly isEntry: boolean
}

export class ScriptedReceiver {
  accepts = true
  /** Acknowledges each delivery at once; else it is held until `release`. */
  acknowledges = true
  /** Rejects the records for which this is true. */
  rejects: (epoch: number, seq: number) => boolean = () => false
  connections = 0
  closes = 0
  readonly arrivals: Arrival[] = []
  /** Texts of the entries that arrived. */
  readonly texts: string[] = []
  /** Positions that were acknowledged or rejected at least once. */
  readonly answered = new Set<string>()
  readonly #held: Held[] = []
  #context: UplinkContext | null = null
  #isConnected = false

  readonly kind: UplinkKind = {
    type: 'scripted',
    schema: strictObject({ note: Type.Optional(Type.String()) }),
    open: (_setup, context) => {
      this.#context = context
      return this.#connection()
    },
  }

  /** What the connection was given. */
  get context(): UplinkContext | null {
    return this.#context
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  get held(): number {
    return this.#held.length
  }

  /** Acknowledges the `count` oldest held deliveries. */
  release(count = this.#held.length): void {
    for (const { delivery, resolve } of this.#held.splice(0, count)) resolve(this.#answer(delivery))
  }

  /** Acknowledges only the newest held delivery, out of order. */
  releaseNewest(): void {
    const held = this.#held.pop()
    held?.resolve(this.#answer(held.delivery))
  }

  /** The connection breaks: nobody knows what arrived. */
  breakOff(): void {
    if (!this.#isConnected) return
    this.#isConnected = false
    for (const { reject } of this.#held.splice(0)) reject(lost())
    this.#context?.lost(lost())
  }

  #connection(): UplinkConnection {
    return {
      connect: () => {
        if (!this.accepts)
          return Promise.reject(new TelemetryError('CONNECTION_FAILED', 'Nobody is there', { retryable: true }))
        this.connections += 1
        this.#isConnected = true
        return Promise.resolve()
      },
      deliver: (delivery, signal) => this.#take(delivery, signal),
      close: () => {
        this.closes += 1
        this.#isConnected = false
        return Promise.resolve()
      },
    }
  }

  #take(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult> {
    if (!this.#isConnected) return Promise.reject(lost())
    const { batch, rows, rowCount } = delivery
    for (const row of rows.subarray(0, rowCount)) {
      if (batch.sensor[row] === ENTRY) this.texts.push(batch.texts.get(row)!)
      const place = { epoch: batch.epoch, seq: batch.firstSeq + row, isEntry: batch.sensor[row] === ENTRY }
      this.arrivals.push({
        connection: this.connections,
        ...place,
        lane: delivery.lane,
        historical: delivery.historical,
      })
    }
    if (this.acknowledges && this.#held.length === 0) return Promise.resolve(this.#answer(delivery))
    return new Promise((resolve, reject) => {
      const held = { delivery, resolve, reject }
      this.#held.push(held)
      const onAbort = (): void => {
        if (this.#held.includes(held)) this.#held.splice(this.#held.indexOf(held), 1)
        reject(lost())
      }
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #answer({ batch, rows, rowCount }: Delivery): DeliveryResult {
    for (const row of rows.subarray(0, rowCount)) this.answered.add(`${batch.epoch}/${batch.firstSeq + row}`)
    const refused = [...rows.subarray(0, rowCount)].filter((row) => this.rejects(batch.epoch, batch.firstSeq + row))
    return { rejected: refused.map((row) => ({ row, reason: 'It does not like it' })) }
  }
}

function lost(): TelemetryError {
  return new TelemetryError('CONNECTION_LOST', 'The line broke', { retryable: true })
}
