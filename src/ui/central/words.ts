// Figures of a gateway → words of people.

import { formatDuration } from '../format/time.ts'
import type { IconName } from '../parts/icon.tsx'
import type { FleetGateway, GatewayKey, OfferState } from './wire.ts'

/** Nobody minds less; a part of it is the time on the way. */
const IN_STEP_MS = 2000
/** As in src/central/fleet/shapes.ts: further off, the times of readings mislead. */
const CLOCK_OFF_MS = 60_000
const SMALL_LAG_MS = 10_000

export interface Words {
  readonly text: string
  readonly tone: 'normal' | 'data' | 'quiet'
  readonly icon?: IconName
}

export const OFFER_WORDS: Readonly<Record<OfferState, Words>> = {
  offered: { text: 'Offered', tone: 'quiet', icon: 'waiting' },
  withdrawn: { text: 'Withdrawn', tone: 'quiet' },
  applying: { text: 'Being applied', tone: 'quiet', icon: 'waiting' },
  watched: { text: 'Applied, watched', tone: 'quiet', icon: 'waiting' },
  kept: { text: 'Applied', tone: 'normal' },
  replaced: { text: 'Replaced', tone: 'quiet' },
  rolledBack: { text: 'Rolled back', tone: 'data', icon: 'restart' },
  failed: { text: 'Not applied', tone: 'data', icon: 'bad' },
}

export const OFFER_MEANINGS: Readonly<Record<OfferState, string>> = {
  offered: 'The gateway has not taken it yet. It asks every few seconds while it is connected, if it accepts offers.',
  withdrawn: 'Another one was offered before the gateway took this one.',
  applying: 'The gateway has checked and planned it, and is applying it.',
  watched: 'It runs. The gateway watches itself for a while and goes back by itself if it is worse for it.',
  kept: 'It runs, and the gateway is not worse for it.',
  replaced: 'It ran until another one came, or until somebody changed the configuration at the gateway.',
  rolledBack: 'The gateway was worse for it and has gone back to what it had before.',
  failed: 'The gateway refused it and goes on with what it had.',
}

export function clockWords(offsetMs: number | null): Words {
  if (offsetMs === null) return { text: 'Not known yet', tone: 'quiet' }
  const off = Math.abs(offsetMs)
  if (off < IN_STEP_MS) return { text: 'In step', tone: 'normal' }
  const text = `${formatDuration(off)} ${offsetMs > 0 ? 'ahead' : 'behind'}`
  return off > CLOCK_OFF_MS ? { text, tone: 'data', icon: 'clock' } : { text, tone: 'normal' }
}

export function backlogWords({ isReplaying, lagMs }: Pick<FleetGateway, 'isReplaying' | 'lagMs'>): Words {
  if (lagMs === null) return { text: 'No record yet', tone: 'quiet' }
  if (isReplaying) return { text: `Catching up, ${formatDuration(lagMs)} behind`, tone: 'data', icon: 'waiting' }
  return { text: lagMs < SMALL_LAG_MS ? 'None' : `${formatDuration(lagMs)} behind`, tone: 'normal' }
}

/** Why a gateway cannot say what a configuration would change; null: it can. */
export function cannotPlan({ asked, id, isOnline, version }: FleetGateway): string | null {
  if (!isOnline) return `${id} is silent, so that it cannot say what would change. It takes an offer when it is back.`
  if (asked === null)
    return `${id} takes no configurations from here: its uplink to this central needs configuration: { accept: true }.`
  if (!asked.canPlan)
    return `${id} has version ${version}, which cannot say what would change before it is offered. The plan comes with the outcome.`
  return null
}

/** Whether a key still opens something. */
export function keyWords({ expiresAt, revokedAt }: GatewayKey, now: number): Words {
  if (revokedAt !== null) return { text: 'Revoked', tone: 'quiet' }
  if (expiresAt !== null && expiresAt <= now) return { text: 'Over', tone: 'quiet' }
  return { text: 'Valid', tone: 'normal' }
}

/** Of the tenant's name, as ids are: `Plant group` → `plant-group`. Empty when nothing is left. */
export function idFromName(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
}

/** What a gateway's configuration needs to come here. */
export function uplinkYaml(origin: string): string {
  return `uplinks:
  - id: central
    type: central
    url: "${origin}"
    token: "\${CENTRAL_TOKEN}"
    configuration: { accept: true }
`
}
