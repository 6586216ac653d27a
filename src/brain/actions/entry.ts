// An action that waits to be carried out: what a rule asked for, with everything that it takes. Plain JSON, because it is kept.

export type ActionKind = 'alert' | 'webhook' | 'email' | 'mqtt'

export interface ActionEntry {
  /** Unique, and the same when the same alert is worked out again: receivers may drop repeats by it. */
  readonly id: string
  readonly tenant: string
  readonly kind: ActionKind
  /** JSON, by kind: see actions.ts. */
  readonly body: string
  /** Unix milliseconds. */
  readonly createdAt: number
}
