// What the gateway lends to its uplinks, beyond the journal.

import type { EventEntry } from '#domain/alarm.ts'
import type { DeadLetterBox } from '#domain/dead-letter.ts'
import type { Reading } from '#domain/reading.ts'
import type { SensorNumber } from '#domain/sensor.ts'
import type { OfferDesk } from '#domain/uplink.ts'
import type { Value } from '#domain/value.ts'
import type { WriteOrigin } from '#domain/views.ts'
import type { RecordTraces } from './record-traces.ts'

/** What commands are carried out with. Each throws TelemetryError. */
export interface CommandPorts {
  /** Answers what was read back. */
  write(sensor: SensorNumber, value: Value, origin: WriteOrigin, signal: AbortSignal): Promise<Value>
  acknowledge(alarm: string, by: string, comment: string | null): void
  /** Everything that is wrong with a configuration. */
  check(text: string): Promise<readonly { readonly line: number; readonly column: number; readonly message: string }[]>
}

export interface GatewayPorts {
  /** Folder of the configuration file. */
  readonly configDir: string
  /** Folder in which each uplink may have one of its own. */
  readonly stateDir: string
  readonly epoch: number
  readonly version: string
  readonly deadLetters: DeadLetterBox
  readonly commands: CommandPorts
  /** null: this gateway's configuration cannot be changed. Absent: as null. */
  readonly configuration?: () => OfferDesk | null
  /** Absent or null: nothing is traced. */
  readonly traces?: RecordTraces | null
  latest(sensor: SensorNumber): Reading | null
  /** An event for the journal. */
  record(event: EventEntry): void
}
