// Gateways and their configuration revisions on the wire, and the fleet in figures.

import { Type, type Static } from 'typebox'
import { isoTime, isoTimeOrNull, NullableTimeSchema, TimeSchema } from '#api/time.ts'
import type { ConfigurationOffer, GatewayRecord, OfferHead } from '../gateway-record.ts'
import type { DocumentRecord } from '../ports.ts'

/** A gateway that was not heard of for this long is silent: they ask or send at least every half minute. */
export const SILENT_AFTER_MS = 120_000
/** A clock that is further off than this makes times of readings misleading. */
const CLOCK_OFF_MS = 60_000

const NullableText = Type.Union([Type.String(), Type.Null()])
const NullableNumber = Type.Union([Type.Number(), Type.Null()])

export const OFFER_STATES = [
  'offered',
  'withdrawn',
  'applying',
  'watched',
  'kept',
  'replaced',
  'rolledBack',
  'failed',
] as const

export const OfferSchema = Type.Object({
  revision: Type.String({ examples: ['r7'] }),
  comment: NullableText,
  by: Type.String(),
  offeredAt: TimeSchema,
  state: Type.Enum([...OFFER_STATES], {
    description:
      'offered: the gateway has not said anything yet. withdrawn: another one came before it did. watched: applied, and taken back when it makes the gateway worse. kept: applied for good.',
  }),
  number: Type.Union([Type.Integer(), Type.Null()], { description: 'Of the revision at the gateway.' }),
  reason: NullableText,
  problems: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
    description: 'Why it could not be applied: file, line, column, message.',
  }),
  reportedAt: NullableTimeSchema,
})

export const PlanSchema = Type.Union([
  Type.Object({ summary: Type.String(), lines: Type.Array(Type.String()) }),
  Type.Null(),
])

export const OfferDetailSchema = Type.Object({
  ...OfferSchema.properties,
  text: Type.String({ description: 'The YAML, as it was offered.' }),
  plan: Type.Union([PlanSchema], {
    description: 'What applying it changed, as the gateway told it; null until it has, or when it did not say.',
  }),
})

export const GatewaySchema = Type.Object({
  id: Type.String({ examples: ['edge-01'] }),
  state: Type.Enum(['online', 'silent'], { description: 'silent: not heard of for two minutes.' }),
  factory: Type.String({ description: 'Display name.' }),
  version: Type.String(),
  epoch: Type.Integer({ description: 'Number of its last start.' }),
  registeredAt: TimeSchema,
  seenAt: TimeSchema,
  recordAt: Type.Union([TimeSchema, Type.Null()], { description: 'Arrival of its last new record.' }),
  clockOffsetMs: Type.Union([Type.Number(), Type.Null()], {
    description: 'Its clock minus ours; a small negative one is also the time on the way. null: not known yet.',
  }),
  backlog: Type.Object({
    lagMs: Type.Union([Type.Number(), Type.Null()], {
      description: 'How old the newest record of its last batch was when it arrived.',
    }),
    replaying: Type.Boolean({ description: 'It is sending what had waited.' }),
  }),
  sensors: Type.Integer(),
  asked: Type.Union([Type.Object({ at: TimeSchema, canPlan: Type.Boolean() }), Type.Null()], {
    description:
      'When it last asked for a configuration, and whether it can say what one would change (POST …/plans). null: never: it takes none from here.',
  }),
  configuration: Type.Union([OfferSchema, Type.Null()], { description: 'The last revision that was offered to it.' }),
})

export const FleetSchema = Type.Object({
  gateways: Type.Integer(),
  online: Type.Integer(),
  silent: Type.Integer(),
  replaying: Type.Integer({ description: 'Those that are sending a backlog.' }),
  clocksOff: Type.Integer({ description: 'Those whose clock is more than a minute off.' }),
  sensors: Type.Integer(),
  oldestLagMs: NullableNumber,
  versions: Type.Record(Type.String(), Type.Integer(), { description: 'Gateways by version.' }),
  configurations: Type.Record(Type.String(), Type.Integer(), {
    description: 'Gateways by the state of their last revision; `none`: nothing was offered.',
  }),
})

export function offerShape(offer: OfferHead): Static<typeof OfferSchema> {
  return {
    revision: offer.revision,
    comment: offer.comment,
    by: offer.by,
    offeredAt: isoTime(offer.offeredAt),
    state: offer.state,
    number: offer.number,
    reason: offer.reason,
    problems: offer.problems.map((problem) => ({ ...problem })),
    reportedAt: isoTimeOrNull(offer.reportedAt),
  }
}

export function offerDetailShape(
  offer: ConfigurationOffer,
  plan: DocumentRecord | null,
): Static<typeof OfferDetailSchema> {
  return { ...offerShape(offer), text: offer.text, plan: planOf(plan) }
}

function planOf(document: DocumentRecord | null): Static<typeof PlanSchema> {
  const { summary, lines } = document?.body ?? {}
  return typeof summary === 'string' && Array.isArray(lines) ? { summary, lines: lines.map(String) } : null
}

export function gatewayShape(gateway: GatewayRecord, now: number): Static<typeof GatewaySchema> {
  return {
    id: gateway.id,
    state: now - gateway.seenAt < SILENT_AFTER_MS ? 'online' : 'silent',
    factory: gateway.factory,
    version: gateway.version,
    epoch: gateway.epoch,
    registeredAt: isoTime(gateway.registeredAt),
    seenAt: isoTime(gateway.seenAt),
    recordAt: isoTimeOrNull(gateway.recordAt),
    clockOffsetMs: gateway.clockOffsetMs,
    backlog: { lagMs: gateway.lagMs, replaying: gateway.isReplaying },
    sensors: gateway.sensors,
    asked: gateway.asked && { at: isoTime(gateway.asked.at), canPlan: gateway.asked.canPlan },
    configuration: gateway.configuration && offerShape(gateway.configuration),
  }
}

/** The fleet in figures. Pure. */
export function fleetShape(gateways: readonly GatewayRecord[], now: number): Static<typeof FleetSchema> {
  const shapes = gateways.map((gateway) => gatewayShape(gateway, now))
  const count = (matches: (gateway: (typeof shapes)[number]) => boolean): number => shapes.filter(matches).length
  const lags = shapes.flatMap(({ backlog }) => backlog.lagMs ?? [])
  const online = count(({ state }) => state === 'online')
  return {
    gateways: shapes.length,
    online,
    silent: shapes.length - online,
    replaying: count(({ backlog }) => backlog.replaying),
    clocksOff: count(({ clockOffsetMs }) => Math.abs(clockOffsetMs ?? 0) > CLOCK_OFF_MS),
    sensors: shapes.reduce((sum, { sensors }) => sum + sensors, 0),
    oldestLagMs: lags.length === 0 ? null : Math.max(...lags),
    versions: tally(shapes.map(({ version }) => version)),
    configurations: tally(shapes.map(({ configuration }) => configuration?.state ?? 'none')),
  }
}

function tally(words: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return Object.fromEntries(counts)
}
