// One uplink as the configuration defines it, and what its forwarder needs of the gateway.

import type { CommandName } from '#domain/command.ts'
import type { Log } from '#domain/driver.ts'
import type { Journal } from '#domain/journal.ts'
import type { Model } from '#domain/sensor.ts'
import type { RenameRule } from '#domain/sensor-rename.ts'
import type { UplinkKind } from '#domain/uplink.ts'
import type { Clock } from '#kit/clock.ts'
import type { GatewayPorts } from './gateway-ports.ts'

export const DEFAULT_BATCH_RECORDS = 500
export const DEFAULT_IN_FLIGHT = 4
export const DEFAULT_DEAD_LETTERS = 10_000

/** Under which name an uplink reads the journal. */
export function readerOf(uplink: string): string {
  return `uplink/${uplink}`
}

/** What the receiver may ask for. */
export interface CommandRules {
  readonly allow: readonly CommandName[]
  /** Patterns of full sensor ids that may be written. */
  readonly write: readonly string[]
  /** Commands that were sent longer ago are refused, milliseconds. */
  readonly maxAgeMs: number
}

export interface UplinkDefinition {
  readonly id: string
  readonly kind: UplinkKind
  /** Decoded by the kind's schema. */
  readonly config: unknown
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** Records a second while a backlog is replayed; null: no limit. */
  readonly maxRate: number | null
  /** Default: inOrder. */
  readonly order?: 'inOrder' | 'liveFirst'
  /** Most records of a batch, and how long records wait for it to become full. Default: 500, not at all. */
  readonly batch?: { readonly records: number; readonly delayMs: number }
  /** Batches under way at once. Default: 4. */
  readonly inFlight?: number
  readonly map?: readonly RenameRule[]
  /** Absent or null: no commands. */
  readonly commands?: CommandRules | null
  /** Most dead letters that are kept. */
  readonly maxDeadLetters?: number
}

export interface ForwarderOptions {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly journal: Journal
  readonly model: () => Model
  readonly gateway: string
  readonly factory: string
  readonly definition: UplinkDefinition
  /** Without a cursor from before it begins with the next record, not with this run's first one. */
  readonly beginsAtHead?: boolean
  /** Told of each record that will not arrive: the reason, and how many. */
  readonly onDrop: (reason: string, count: number) => void
  /** Absent: what is refused is counted and not kept, and no commands are taken. */
  readonly ports?: GatewayPorts
}
