// The audit log's vocabulary: who changed what, from where, and how it was before and after. No secret ever stands in it.

/** A value as the log shows it: plain JSON. */
export type AuditValue =
  | null
  | boolean
  | number
  | string
  | readonly AuditValue[]
  | { readonly [key: string]: AuditValue }

export interface AuditChange {
  /** What was done, as `user.add`, `sensor.write`, `configuration.apply`. */
  readonly action: string
  /** What it was done to: a sensor, a user, an alarm; null: the gateway as a whole. */
  readonly target: string | null
  /** User name, `token:NAME`, `local`, `system`, or the name somebody tried to log in with. */
  readonly who: string
  /** How the caller proved who it is, or which door it came through. */
  readonly via: string
  /** Address of the caller; null for what the gateway did itself. */
  readonly from: string | null
  /** `refused`: not allowed; `failed`: allowed, but it did not happen. */
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly before: AuditValue
  readonly after: AuditValue
}

export interface AuditEntry extends AuditChange {
  /** Grows by one with each entry, for ever. */
  readonly seq: number
  /** Unix milliseconds. */
  readonly time: number
  /** Like entries that a limit kept out since the one before: a flood must not push the rest out of the log. */
  readonly suppressed: number
}

/** Where changes are written down. */
export interface AuditSink {
  /** Resolves when the entry is durable. Never rejects: what is done is done; a log that cannot be written is told elsewhere. */
  record(change: AuditChange): Promise<void>
}
