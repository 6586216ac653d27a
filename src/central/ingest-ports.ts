// What carries batches into central: HTTP, gRPC, lines, and the stream between processes when there is one. Each calls a
// BatchIntake; behind it stands the database, or the stream whose consumers have the database behind them.

import type { ReceivedBatch } from '#rpc/received-batch.ts'
import type { KnownSensors } from '#rpc/dictionary.ts'
import type { Hello } from '#rpc/generated/telemetryx/v1/ingest_pb.js'
import type { IngestEvent, IngestReading } from '#domain/ingest.ts'
import type { ValueType } from '#domain/value.ts'
import type { TenantNumber } from './ports.ts'

/** A batch of a gateway as it came. */
export interface BatchEnvelope {
  readonly gateway: string
  /** Display name of its factory; empty: unknown. */
  readonly factory: string
  /** Has every sensor that the batch uses. */
  readonly sensors: KnownSensors
  /** A telemetryx.v1.Batch. */
  readonly batch: Uint8Array
  /** W3C trace context of the sender; null: none. */
  readonly traceparent: string | null
}

export interface Refusal {
  readonly seq: number
  /** For people. */
  readonly reason: string
}

export interface Taken {
  /** Records that were new. */
  readonly accepted: number
  readonly repeated: number
  /** Records that will never be taken. */
  readonly refused: readonly Refusal[]
}

export interface BatchIntake {
  /**
   * Resolves when all of it is durable, or refused record by record. Calls for one gateway are settled in their order.
   * Throws PROTOCOL (it makes no sense), RATE_LIMITED (this tenant has too much waiting), and UNAVAILABLE, CONNECTION_FAILED,
   * CONNECTION_LOST, TIMEOUT, STORE_FULL while the database is away: all but PROTOCOL retryable, with `context.retryAfterMs`.
   */
  take(tenant: TenantNumber, envelope: BatchEnvelope): Promise<Taken>
}

/** Readings and events of a program that is no gateway. */
export interface ProgramBatch {
  /** Name of the program: an id. It stands where a gateway's would. */
  readonly source: string
  /** `sensor` is a full id, `device.sensor`. A reading with a time is kept once, however often it is sent. */
  readonly readings: readonly IngestReading[]
  readonly events: readonly IngestEvent[]
}

export interface IngestPort extends BatchIntake {
  /** A gateway says who it is and what it has: registered, its model adopted. Throws PROTOCOL, OUT_OF_RANGE (too many sensors). */
  hello(tenant: TenantNumber, hello: Hello): Promise<void>
  /** All or none; resolves when durable. Throws OUT_OF_RANGE (a value, time or name that cannot be), RATE_LIMITED, and as `take`. */
  takeProgram(tenant: TenantNumber, batch: ProgramBatch): Promise<Taken>
}

/** What has just become durable, once: for live clients, rules and metrics. */
export interface TakenBatch {
  readonly tenant: TenantNumber
  readonly gateway: string
  readonly batch: ReceivedBatch
  /** The new ones among its rows. */
  readonly rows: readonly number[]
  /** By the number in the batch: how the sensor is called at central. */
  readonly sensorOf: (number: number) => AdoptedSensor | undefined
}

export interface AdoptedSensor {
  /** Number at central. */
  readonly number: number
  /** Id at central. */
  readonly id: string
  readonly machine: string
  readonly unit: string
  readonly valueType: ValueType
}

export interface IngestFeed {
  /** Called after the commit, synchronously; must not throw. Returns the unsubscribe. */
  subscribe(listener: (taken: TakenBatch) => void): () => void
}
