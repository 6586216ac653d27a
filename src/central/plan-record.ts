// What a configuration would change at a gateway: asked before it is offered, answered by the gateway when it next comes.

import type { JsonValue } from '#domain/value.ts'
import type { TenantNumber } from './ports.ts'

/** What no gateway has answered after this long is no longer asked. */
export const PLAN_WAITS_MS = 3_600_000

/** What an engineer wants to know of a configuration before it is offered. */
export interface PlanQuestion {
  /** `p1`, `p2`, … of each gateway. */
  readonly plan: string
  readonly text: string
  readonly by: string
  readonly askedAt: number
  readonly answeredAt: number | null
  /** null: the gateway has not said anything yet. */
  readonly answer: PlanAnswer | null
}

/** What a gateway says that a configuration would change; nothing of it has been done. */
export interface PlanAnswer {
  /** ETag of the configuration that it has now. */
  readonly base: string | null
  readonly summary: string | null
  readonly lines: readonly string[]
  /** Keys that only a restart of the gateway takes up: it would refuse the offer. */
  readonly needsRestart: readonly string[]
  /** Why it would be refused; null: it would not. */
  readonly reason: string | null
  readonly problems: readonly Readonly<Record<string, JsonValue>>[]
}

export interface PlansPort {
  /** Asks the gateway what `text` would change, when it next comes. At most 1 MiB. Throws NOT_FOUND, OUT_OF_RANGE. */
  ask(
    tenant: TenantNumber,
    gateway: string,
    question: { readonly text: string; readonly by: string },
  ): Promise<PlanQuestion>
  /** null: there is none, or it was of long ago. */
  get(tenant: TenantNumber, gateway: string, plan: string): Promise<PlanQuestion | null>
  /** What the gateway says, once. Throws NOT_FOUND, also when it has said it before. */
  answer(tenant: TenantNumber, gateway: string, plan: string, answer: PlanAnswer): Promise<void>
}
