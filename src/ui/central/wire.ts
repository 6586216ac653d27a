// What central's API answers, as far as its pages use it: types and decoders. Unknown additional fields are ignored.

import { Fields } from '../client/fields.ts'
import { ROLES, type Role } from '../client/wire.ts'

const OFFER_STATES = [
  'offered',
  'withdrawn',
  'applying',
  'watched',
  'kept',
  'replaced',
  'rolledBack',
  'failed',
] as const

export type OfferState = (typeof OFFER_STATES)[number]

export interface CentralSession {
  /** There is no administrator yet. */
  readonly setup: boolean
  readonly tenant: string | null
  readonly user: {
    readonly name: string
    readonly role: Role | null
    readonly isPlatformAdmin: boolean
  } | null
}

export interface Problem {
  readonly file: string | null
  readonly line: number | null
  readonly column: number | null
  readonly message: string
}

/** Times in Unix milliseconds. */
export interface Offer {
  readonly revision: string
  readonly comment: string | null
  readonly by: string
  readonly offeredAt: number
  readonly state: OfferState
  readonly number: number | null
  readonly reason: string | null
  readonly problems: readonly Problem[]
  readonly reportedAt: number | null
}

export interface OfferDetail extends Offer {
  readonly text: string
  readonly plan: { readonly summary: string; readonly lines: readonly string[] } | null
}

const PLAN_STATES = ['waiting', 'overdue', 'planned', 'refused'] as const

/** What a text would change at a gateway: asked, and answered when the gateway comes. */
export interface PlanQuestion {
  readonly plan: string
  readonly askedAt: number
  readonly state: (typeof PLAN_STATES)[number]
  readonly summary: string | null
  readonly lines: readonly string[]
  readonly needsRestart: readonly string[]
  readonly reason: string | null
  readonly problems: readonly Problem[]
}

export interface FleetGateway {
  readonly id: string
  readonly isOnline: boolean
  readonly factory: string
  readonly version: string
  readonly epoch: number
  readonly registeredAt: number
  readonly seenAt: number
  readonly recordAt: number | null
  /** Its clock minus central's. */
  readonly clockOffsetMs: number | null
  readonly lagMs: number | null
  readonly isReplaying: boolean
  readonly sensors: number
  /** When it last asked for a configuration; null: it takes none from here. */
  readonly asked: { readonly at: number; readonly canPlan: boolean } | null
  readonly configuration: Offer | null
}

export interface FleetFigures {
  readonly gateways: number
  readonly online: number
  readonly silent: number
  readonly replaying: number
  readonly clocksOff: number
  readonly sensors: number
  readonly versions: Readonly<Record<string, number>>
}

export interface GatewayKey {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly gateway: string | null
  readonly createdAt: number
  readonly createdBy: string
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
  readonly revokedAt: number | null
}

export function decodeSession(source: unknown): CentralSession {
  const f = new Fields(source, 'session')
  const user = f.objectOrNull('user')
  return {
    setup: f.flag('setup'),
    tenant: f.objectOrNull('tenant')?.text('name') ?? null,
    user: user && {
      name: user.text('name'),
      role: user.has('role') ? user.oneOf('role', ROLES) : null,
      isPlatformAdmin: user.flag('platformAdmin'),
    },
  }
}

export function decodeOffer(source: unknown): Offer {
  const f = new Fields(source, 'offer')
  return {
    revision: f.text('revision'),
    comment: f.textOrNull('comment'),
    by: f.text('by'),
    offeredAt: f.time('offeredAt'),
    state: f.oneOf('state', OFFER_STATES),
    number: f.numberOrNull('number'),
    reason: f.textOrNull('reason'),
    problems: f.list('problems', decodeProblem),
    reportedAt: f.timeOrNull('reportedAt'),
  }
}

/** Gateways say here what they please: what is no text is left out. */
function decodeProblem(source: unknown): Problem {
  const { column, file, line, message } = Object(source) as Record<string, unknown>
  return {
    file: typeof file === 'string' ? file : null,
    line: typeof line === 'number' ? line : null,
    column: typeof column === 'number' ? column : null,
    message: typeof message === 'string' ? message : 'No reason was given',
  }
}

export function decodeOfferDetail(source: unknown): OfferDetail {
  const f = new Fields(source, 'offer')
  const plan = f.objectOrNull('plan')
  return {
    ...decodeOffer(source),
    text: f.text('text'),
    plan: plan && { summary: plan.text('summary'), lines: plan.list('lines', String) },
  }
}

export function decodePlanQuestion(source: unknown): PlanQuestion {
  const f = new Fields(source, 'plan')
  return {
    plan: f.text('plan'),
    askedAt: f.time('askedAt'),
    state: f.oneOf('state', PLAN_STATES),
    summary: f.textOrNull('summary'),
    lines: f.list('lines', String),
    needsRestart: f.list('needsRestart', String),
    reason: f.textOrNull('reason'),
    problems: f.list('problems', decodeProblem),
  }
}

export function decodeFleetGateway(source: unknown): FleetGateway {
  const f = new Fields(source, 'gateway')
  const backlog = f.object('backlog')
  const asked = f.objectOrNull('asked')
  return {
    id: f.text('id'),
    isOnline: f.oneOf('state', ['online', 'silent']) === 'online',
    factory: f.text('factory'),
    version: f.text('version'),
    epoch: f.number('epoch'),
    registeredAt: f.time('registeredAt'),
    seenAt: f.time('seenAt'),
    recordAt: f.timeOrNull('recordAt'),
    clockOffsetMs: f.numberOrNull('clockOffsetMs'),
    lagMs: backlog.numberOrNull('lagMs'),
    isReplaying: backlog.flag('replaying'),
    sensors: f.number('sensors'),
    asked: asked && { at: asked.time('at'), canPlan: asked.flag('canPlan') },
    configuration: f.childOrNull('configuration', decodeOffer),
  }
}

export function decodeFigures(source: unknown): FleetFigures {
  const f = new Fields(source, 'fleet')
  return {
    gateways: f.number('gateways'),
    online: f.number('online'),
    silent: f.number('silent'),
    replaying: f.number('replaying'),
    clocksOff: f.number('clocksOff'),
    sensors: f.number('sensors'),
    versions: f.counts('versions'),
  }
}

export function decodeKey(source: unknown): GatewayKey {
  const f = new Fields(source, 'key')
  return {
    id: f.text('id'),
    name: f.text('name'),
    scopes: f.list('scopes', String),
    gateway: f.textOrNull('gateway'),
    createdAt: f.time('createdAt'),
    createdBy: f.text('createdBy'),
    expiresAt: f.timeOrNull('expiresAt'),
    lastUsedAt: f.timeOrNull('lastUsedAt'),
    revokedAt: f.timeOrNull('revokedAt'),
  }
}
