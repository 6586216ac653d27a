// A gateway as central knows it, and a configuration that was offered to it.

import type { RevisionState } from '#domain/configuration.ts'
import type { JsonValue } from '#domain/value.ts'

export interface GatewayRecord {
  readonly id: string
  /** Display name of its factory, as the gateway says it. */
  readonly factory: string
  readonly version: string
  readonly epoch: number
  readonly registeredAt: number
  /** Last time that it asked or sent anything. */
  readonly seenAt: number
  /** Arrival of its last new record; null: none yet. */
  readonly recordAt: number | null
  /**
   * Gateway's clock minus ours at the last record that had not waited: a negative one is also the time on the way. null: none yet.
   */
  readonly clockOffsetMs: number | null
  /** How old the newest record of the last batch was when it arrived: what is left of a backlog. null: none yet. */
  readonly lagMs: number | null
  /** The last batch had waited at the gateway. */
  readonly isReplaying: boolean
  readonly sensors: number
  /** When it last asked for a configuration, and whether it can say what one would change; null: it has never asked. */
  readonly asked: { readonly at: number; readonly canPlan: boolean } | null
  /** The last revision that was offered; null: none. */
  readonly configuration: OfferHead | null
}

export type OfferHead = Omit<ConfigurationOffer, 'text' | 'base'>

export interface ConfigurationOffer {
  /** `r1`, `r2`, … */
  readonly revision: string
  readonly text: string
  /** ETag of the gateway's configuration that it was planned against; null: it holds for whichever the gateway has. */
  readonly base: string | null
  readonly comment: string | null
  readonly by: string
  readonly offeredAt: number
  /** `offered`: the gateway has not said anything yet; `withdrawn`: another one came before it did. */
  readonly state: 'offered' | 'withdrawn' | RevisionState
  /** Number at the gateway; null until it says. */
  readonly number: number | null
  readonly reason: string | null
  readonly problems: readonly Readonly<Record<string, JsonValue>>[]
  readonly reportedAt: number | null
}
