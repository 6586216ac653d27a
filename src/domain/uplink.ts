// The uplink port: how a kind of forwarding is added. The shared part (cursor, batching, retries, ledger) stands in
// src/uplinks; an adapter only knows how to put a batch on its wire and when it has arrived.

import type { TObject } from 'typebox'
import type { Log } from './driver.ts'
import type { RecordBatch } from './reading.ts'
import type { Model } from './sensor.ts'

export interface UplinkSetup<C = unknown> {
  readonly id: string
  /** The uplink's YAML without the common keys, decoded by its schema. */
  readonly config: C
  readonly gateway: string
  readonly factory: string
}

export interface UplinkContext {
  readonly log: Log
  /** The present model: sensor numbers to ids, units, machines. */
  model(): Model
  /** The connection is gone; `connect` will be called again. May be called at any time, also twice. */
  lost(cause: unknown): void
}

/** Rows of a batch that this uplink wants, in order. */
export interface Delivery {
  readonly batch: RecordBatch
  /** Row numbers within the batch. */
  readonly rows: Uint32Array
  readonly rowCount: number
}

/** Rows that the receiver refused for good, with its reason. All other rows arrived. */
export interface DeliveryResult {
  readonly rejected: readonly { readonly row: number; readonly reason: string }[]
}

export interface UplinkConnection {
  /** Makes a new connection; one that is left from before is dropped first. Throws TelemetryError with a reason in plain words. */
  connect(signal: AbortSignal): Promise<void>
  /**
   * Sends the rows in order and resolves once the receiver has acknowledged all of them. Rejects with a retryable
   * TelemetryError when it is not known whether they arrived: the same rows are then given again after a reconnect.
   * Several deliveries may be under way at once, in order. When `signal` aborts, the connection is given up at once.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<DeliveryResult>
  /** Says goodbye where the protocol has a word for it. Safe to call twice. */
  close(): Promise<void>
}

/** A kind of uplink, registered in the gateway's catalogue under `type`. */
export interface UplinkKind {
  readonly type: string
  /** Type-specific keys beside the common ones (id, type, include, exclude, replay). A strict object. */
  readonly schema: TObject
  open(setup: UplinkSetup, context: UplinkContext): UplinkConnection
}

export type UplinkState = 'connecting' | 'online' | 'retrying' | 'stopped'

/** What the API shows of an uplink. accepted = delivered + pending + filtered + sum(dropped) + rejected, always. */
export interface UplinkStatus {
  readonly id: string
  readonly type: string
  readonly state: UplinkState
  /** Last problem in plain words; null when online. */
  readonly reason: string | null
  /** `epoch/seq` of the last settled record. */
  readonly cursor: string
  readonly accepted: number
  readonly delivered: number
  readonly pending: number
  readonly rejected: number
  /** Records that this uplink is configured not to want. */
  readonly filtered: number
  readonly dropped: Readonly<Record<string, number>>
  /** Seconds since the oldest pending record was received; 0 when none. */
  readonly oldestPendingAge: number
}
