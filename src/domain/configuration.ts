// The configuration of a running gateway as others may see and change it: one door for a file that was edited, the command
// line, the API and a central. A text is offered, planned, applied; what was applied is a revision; what makes the gateway
// worse is rolled back.

/** What stands at a key before and after, as it may be shown: references, never secrets. null: nothing. */
export interface KeyChange {
  /** For example `connection.host`, `checks.threshold.high`. */
  readonly key: string
  readonly before: string | null
  readonly after: string | null
}

/** What applying does to a part of the gateway. */
export type ChangeEffect =
  /** The device or uplink is started, stopped, or closed and started anew. */
  | 'starts'
  | 'stops'
  | 'restarts'
  /** Taken up while everything runs: checks, deadbands, texts, derived sensors. */
  | 'live'
  /** Holds from the next start of the gateway. */
  | 'needsRestart'

export interface PlannedChange {
  readonly kind: 'device' | 'sensor' | 'derived' | 'uplink' | 'setting'
  /** Device, full sensor or uplink id; for a setting its section: `http`. */
  readonly id: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly effect: ChangeEffect
  /** Of a change, the keys that differ; empty when only what a reference or file holds has changed. */
  readonly keys: readonly KeyChange[]
}

/** What applying a configuration would do. */
export interface ConfigurationPlan {
  readonly changes: readonly PlannedChange[]
  /** Devices and uplinks that go on undisturbed. */
  readonly undisturbed: { readonly devices: number; readonly uplinks: number }
  /** Keys that only a restart of the gateway takes up: nothing is applied while there are any. */
  readonly needsRestart: readonly string[]
}

/** Where a revision came from. */
export type RevisionOrigin = 'start' | 'file' | 'api' | 'cli' | 'central' | 'rollback'

/**
 * `applying`: begun, not finished (the gateway ended meanwhile); `watched`: applied, its watch period runs; `kept`: applied
 * and found good; `replaced`: another one was applied while it was watched; `rolledBack`: it made the gateway worse; `failed`:
 * it could not be applied.
 */
export type RevisionState = 'applying' | 'watched' | 'kept' | 'replaced' | 'rolledBack' | 'failed'

export interface RevisionHead {
  /** Counts from 1, without end. */
  readonly number: number
  /** Unix milliseconds. */
  readonly time: number
  readonly by: string
  readonly origin: RevisionOrigin
  readonly comment: string | null
  /** SHA-256 of the text, hexadecimal. */
  readonly hash: string
  readonly state: RevisionState
  /** Why it was rolled back or failed, or what it rolled back to. */
  readonly reason: string | null
}

export interface Revision extends RevisionHead {
  /** As it was given, references unresolved; literal secrets are masked. */
  readonly text: string
}

/** One problem of a text; line and column count from 1. */
export interface TextProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Somebody's wish for another configuration. */
export interface ConfigurationOffer {
  readonly text: string
  /** For journals: a user, `token:NAME`, the name of a central. */
  readonly by: string
  readonly origin: RevisionOrigin
  readonly comment: string | null
  /** ETag of the configuration that the offer was made from; null: whichever it is. */
  readonly ifMatch?: string | null
  /** Secrets that are written out in the text are kept in the store of secrets, and the text holds references to them. */
  readonly storeSecrets?: boolean
}

/** What became of an offer: a revision that is in force from now on, and perhaps watched. */
export interface AppliedConfiguration {
  /** Its number; that of the present one when nothing changes. */
  readonly revision: number
  readonly plan: ConfigurationPlan
  readonly isChanged: boolean
  /** Unix milliseconds until which the gateway's health is watched; null: it is not. */
  readonly watchedUntil: number | null
  /** Resolves when it is decided whether the revision stays; never rejects. */
  readonly outcome: Promise<ConfigurationOutcome>
  /** Names of the secrets that went into the store with it. */
  readonly stored?: readonly string[]
}

export interface ConfigurationOutcome {
  readonly revision: number
  readonly state: Exclude<RevisionState, 'applying' | 'watched' | 'failed'>
  readonly reason: string | null
}

/** What is in force. */
export interface PresentConfiguration {
  readonly text: string
  readonly etag: string
  readonly revision: RevisionHead
  /** The file's path, and how it stands to what is in force. */
  readonly file: string
  readonly fileState: 'same' | 'changed' | 'missing' | 'unreadable'
  readonly watchedUntil: number | null
}

/** A list of sensors in CSV as YAML for the configuration. */
export interface ImportedSensors {
  readonly problems: readonly TextProblem[]
  readonly count: number
  /** Entries of `sensors`, to be pasted; empty when there are problems. */
  readonly yaml: string
}

export interface ConfigurationDesk {
  present(): PresentConfiguration
  /** The JSON Schema (draft-07) of the file, with the drivers and uplinks that this gateway has: for editors. */
  schema(): Readonly<Record<string, unknown>>
  /** Everything that is wrong with a text; empty when nothing is. */
  check(text: string): Promise<readonly TextProblem[]>
  /** What applying it would do. Throws CONFIG_INVALID with `problems` in its context. */
  plan(text: string): Promise<ConfigurationPlan>
  /**
   * Applies it: all of it or nothing. Throws CONFIG_INVALID (`problems`), STALE (`ifMatch` is another), CONFLICT (it needs a
   * restart, `needsRestart`; the file was changed on disk), CONFIG_NOT_WRITABLE, STORE_IO.
   */
  apply(offer: ConfigurationOffer): Promise<AppliedConfiguration>
  /** Takes up the file as it is on disk now. Throws as `apply`. */
  reload(by: string): Promise<AppliedConfiguration>
  /** Newest first. */
  revisions(): readonly RevisionHead[]
  /** Throws NOT_FOUND. */
  revision(number: number): Promise<Revision>
  /** What changed from one revision to another. Throws NOT_FOUND, CONFIG_INVALID (a reference of it holds nothing today). */
  diff(from: number, to: number): Promise<ConfigurationPlan>
  /** Applies an older revision. Throws NOT_FOUND and as `apply`. */
  rollBack(number: number, offer: Omit<ConfigurationOffer, 'text' | 'origin'>): Promise<AppliedConfiguration>
  /** Throws NOT_FOUND when there is no such device. */
  importSensors(device: string, csv: string): ImportedSensors
}
