// The command port: what a receiver may ask of the gateway over an uplink (mqtt requests, Sparkplug NCMD/DCMD, grpc).
// Off unless the uplink's `commands` says otherwise. The kind of uplink only knows the wire; rights, expiry, duplicates and
// the journal entry with who asked are the desk's.

import type { ErrorCode } from './errors.ts'
import type { Quality } from './quality.ts'
import type { JsonValue } from './value.ts'

export type CommandName = 'write' | 'read' | 'acknowledge' | 'check'

/** What is asked. Sensors by full id as this uplink names them (after its `map`). */
export type CommandRequest =
  | { readonly command: 'write'; readonly sensor: string; readonly value: JsonValue }
  /** Latest readings. */
  | { readonly command: 'read'; readonly sensors: readonly string[] }
  /** `alarm`: id of the alarm. */
  | { readonly command: 'acknowledge'; readonly alarm: string; readonly comment: string | null }
  /** `text`: a gateway.yaml, which is checked and not applied. */
  | { readonly command: 'check'; readonly text: string }

export interface Command {
  /**
   * Transaction id, 1 to 128 characters. The same id again is not carried out again: it gets the same answer. null where
   * the protocol has none: each is carried out.
   */
  readonly id: string | null
  /** Who asks, as far as the wire tells; the journal names uplink and this. */
  readonly by: string | null
  /** When it was sent, Unix milliseconds; null when the wire does not tell. Older than `commands.maxAge`: refused. */
  readonly sentAt: number | null
  /** Unix milliseconds after which it is not to be carried out; null: only `maxAge` counts. */
  readonly expiresAt: number | null
  readonly request: CommandRequest
}

export interface CommandReading {
  readonly sensor: string
  readonly value: JsonValue
  readonly quality: Quality
  /** Name of the OPC UA status. */
  readonly status: string
  /** Unix milliseconds. */
  readonly time: number
}

/** What came of it, by command. */
export type CommandResult =
  /** `value`: what was read back. */
  | { readonly command: 'write'; readonly sensor: string; readonly value: JsonValue }
  /** Sensors without a reading yet are left out. */
  | { readonly command: 'read'; readonly readings: readonly CommandReading[] }
  | { readonly command: 'acknowledge'; readonly alarm: string }
  | {
      readonly command: 'check'
      readonly problems: readonly { readonly line: number; readonly column: number; readonly message: string }[]
    }

export type CommandAnswer =
  | { readonly ok: true; readonly result: CommandResult }
  /** NOT_FOUND, NOT_WRITABLE, OUT_OF_RANGE, PERMISSION_DENIED (not allowed here), TIMEOUT (expired), CONFLICT, … */
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

/** Where an uplink hands in commands. Never rejects: what goes wrong is in the answer. */
export interface CommandDesk {
  /** What this uplink may ask for; empty: nothing. */
  readonly allowed: ReadonlySet<CommandName>
  run(command: Command): Promise<CommandAnswer>
}
