// The inbox: where programs hand in readings and events by HTTP, and the devices that take them.

import type { EventSeverity } from './alarm.ts'
import type { JsonValue, ValueType } from './value.ts'

/** One reading as a program sends it. */
export interface IngestReading {
  /** The sensor's `field`: by default its id without the device's. */
  readonly sensor: string
  readonly value: JsonValue
  /** Unix milliseconds; null: the time of arrival. */
  readonly time: number | null
}

export interface IngestEvent {
  readonly severity: EventSeverity
  readonly message: string
  /** Stable word for programs. */
  readonly type: string
  /** Unix milliseconds; null: the time of arrival. */
  readonly time: number | null
  readonly data: Readonly<Record<string, unknown>> | null
}

export interface IngestProblem {
  /** Place in the list of readings, from 0. */
  readonly reading: number
  readonly message: string
}

/** A sensor that no configuration names: a program has begun to send it. */
export interface AppearingSensor {
  /** Its id within its device, as the program calls it. */
  readonly name: string
  /** Of its readings. */
  readonly valueType: ValueType
  /** For its driver, as if the configuration had named it. */
  readonly config: unknown
}

/** A device that takes readings of programs. All of them are checked before one is taken. */
export interface InboxEndpoint {
  /** Everything that is wrong; empty when all can be taken. */
  check(readings: readonly IngestReading[]): readonly IngestProblem[]
  /** Sensors that `check` found without problems and that the device does not have yet; absent: it takes none. */
  appearing?(readings: readonly IngestReading[]): readonly AppearingSensor[]
  /** Passes on what `check` found without problems. Synchronous. */
  take(readings: readonly IngestReading[]): void
}

/** Where such devices report. */
export interface Inbox {
  /** Returns what ends it. */
  open(device: string, endpoint: InboxEndpoint): () => void
}

export interface IngestBatch {
  readonly readings: readonly IngestReading[]
  readonly events: readonly IngestEvent[]
}

/** What the API asks of the gateway. */
export interface IngestPort {
  /** Resolves when the device takes readings; after a few seconds in any case. */
  whenOpen(device: string): Promise<void>
  /** Everything that is wrong with the readings. Throws NOT_FOUND (no such device), ABORTED (it takes nothing now). */
  check(device: string, batch: IngestBatch): readonly IngestProblem[]
  /**
   * Takes a batch that `check` found without problems, all of it or nothing; resolves when the journal has it durably.
   * Sensors that appear in it are there before. Throws OUT_OF_RANGE (too many of them), CONFLICT, NOT_FOUND, ABORTED, BUFFER_FULL (no room for all), STORE_IO.
   */
  submit(device: string, batch: IngestBatch): Promise<void>
}
