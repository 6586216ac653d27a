// The uplink port: how a kind of forwarding is added. The shared part (cursor, lanes, batching, retries, ledger, dead letters)
// stands in src/uplinks; an adapter only knows how to put a batch on its wire and when it has arrived. src/uplinks/README.md
// explains it for who adds a kind.

import type { TObject } from 'typebox'
import type { CommandDesk } from './command.ts'
import type { ConfigurationDesk } from './configuration.ts'
import type { EventSeverity } from './alarm.ts'
import type { Log } from './driver.ts'
import type { Reading, RecordBatch } from './reading.ts'
import type { Model, SensorNumber } from './sensor.ts'
import type { Span, SpanAttributes } from './tracing.ts'

export interface UplinkSetup<C = unknown> {
  readonly id: string
  /** The uplink's YAML without the common keys, decoded by its schema. */
  readonly config: C
  readonly gateway: string
  readonly factory: string
}

/** Something that an uplink has to tell the people of the gateway: it becomes an event in the journal. */
export interface UplinkNotice {
  /** Stable word for programs, for example `brain-alert`. */
  readonly type: string
  readonly severity: EventSeverity
  readonly message: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** As much of the configuration as an uplink needs that takes offers. */
export type OfferDesk = Pick<ConfigurationDesk, 'apply' | 'plan' | 'present' | 'revisions'>

/** What a gateway offers its uplinks beyond records. Each is absent where a connection runs without a gateway (tests, tools). */
export interface UplinkServices {
  /** Folder of the configuration file, absolute: relative paths in `config` (certificates, keys) start there. */
  readonly configDir?: string
  /** Absolute folder of this uplink alone, for what it must remember (Sparkplug's bdSeq). It may not exist yet. */
  readonly stateDir?: string
  /** Number of this start of the gateway. */
  readonly epoch?: number
  /** Version of the program. */
  readonly version?: string
  /** Latest reading of a sensor in this run; null before the first. Its `sensor` is the id before mapping. */
  readonly latest?: (sensor: SensorNumber) => Reading | null
  /** Does this uplink send readings of the sensor (`include`, `exclude`)? Absent: of every one. The same as long as the model is. */
  readonly wants?: (sensor: SensorNumber) => boolean
  /** Where commands of the receiver go; absent or with nothing allowed: commands are not listened for. */
  readonly commands?: CommandDesk
  /** The gateway's own configuration, for receivers that may offer another one; null: it cannot be changed. */
  readonly configuration?: () => OfferDesk | null
  /** Records an event; its source is the uplink. */
  readonly notify?: (notice: UplinkNotice) => void
  /**
   * The connection stands, but the receiver takes nothing now (Sparkplug: the primary host is offline): no delivery is
   * started until `hold(null)`; what is under way goes on. `reason` in plain words; the uplink's state is then `waiting`.
   * A new connection begins without a hold.
   */
  readonly hold?: (reason: string | null) => void
  /** Runs `send`, which hands over what is given of a delivery, as a span; it begins before this returns. Absent: nothing is traced. */
  readonly trace?: TraceDelivery
}

export type TraceDelivery = <T>(
  delivery: Delivery,
  attributes: SpanAttributes,
  send: (span: Span) => Promise<T>,
) => Promise<T>

export interface UplinkContext extends UplinkServices {
  readonly log: Log
  /**
   * The present model as this uplink names it: sensors renamed by its `map`. The same object until something changes, so
   * that what is worked out from it can be kept. Alarms in a batch carry the mapped sensor id too.
   */
  model(): Model
  /** The connection is gone; `connect` will be called again. May be called at any time, also twice. */
  lost(cause: unknown): void
}

/**
 * Which stream a delivery belongs to. `inOrder`: the only one, strictly by position. With `order: liveFirst` there are two,
 * each in order by itself: `live`, and `backlog` for what waited while the receiver was away. A record that was sent `live`
 * and not acknowledged comes again in `backlog`, with its position.
 */
export type Lane = 'inOrder' | 'live' | 'backlog'

/**
 * Rows of a batch that this uplink wants, in order. In the lanes of `liveFirst` the alarms of a batch, its events and its
 * readings are deliveries of their own, started in this order.
 */
export interface Delivery {
  readonly lane: Lane
  /** True for records that were waiting when the connection came up. */
  readonly historical: boolean
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
  /** The gateway has another model now (see UplinkContext.model): what was told of the old one (births, dictionaries) is told anew. */
  modelChanged?(): void
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

/** `waiting`: connected, but the receiver takes nothing now (`hold`). */
export type UplinkState = 'connecting' | 'online' | 'waiting' | 'retrying' | 'stopped'

/**
 * `closed`: tries as soon as the backoff allows. `open`: failed so often in a row that nothing is tried until `retryAt`.
 * `halfOpen`: one try with few records is under way; success closes the breaker, failure opens it again.
 */
export interface BreakerStatus {
  readonly state: 'closed' | 'open' | 'halfOpen'
  /** Failures in a row. */
  readonly failures: number
  /** Unix milliseconds of the next try while not connected; null: connected or trying. */
  readonly retryAt: number | null
}

/** One stream of an uplink. */
export interface LaneStatus {
  readonly lane: Lane
  /** `epoch/seq` of its last settled record. */
  readonly cursor: string
  readonly pending: number
}

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
  readonly lanes?: readonly LaneStatus[]
  readonly breaker?: BreakerStatus
  /** Refused records that are kept to be looked at. */
  readonly deadLetters?: number
  /** Historical records delivered a second, over the last seconds; 0 when nothing is replayed. */
  readonly replayRate?: number
}
