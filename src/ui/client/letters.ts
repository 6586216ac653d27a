// Records that a receiver refused for good, and what can be done with them.

import { decodePage, type Page } from './decode-page.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'
import type { JsonValue } from './wire.ts'

export interface Letter {
  readonly id: number
  readonly position: string
  readonly kind: 'reading' | 'alarm' | 'event'
  readonly sensor: string | null
  readonly value: JsonValue
  readonly message: string | null
  readonly time: number
  readonly reason: string
  readonly rejectedAt: number
  readonly attempts: number
}

const pathOf = (uplink: string): string => `/uplinks/${encodeURIComponent(uplink)}/dead-letters`

/** Oldest first. */
export async function readLetters(
  http: HttpClient,
  uplink: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<Letter>> {
  const more = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
  return decodePage(decodeLetter)(await http.request(`${pathOf(uplink)}?limit=100${more}`, { signal }))
}

/** `letter` null: all of them, at most 1000. */
export async function retryLetters(
  http: HttpClient,
  uplink: string,
  letter: number | null,
): Promise<{ readonly delivered: number; readonly refused: number }> {
  const path = letter === null ? '/retry' : `/${letter}/retry`
  const f = new Fields(await http.request(pathOf(uplink) + path, { method: 'POST' }), 'retried')
  return { delivered: f.number('delivered'), refused: f.number('refused') }
}

/** How many were discarded. */
export async function discardLetters(http: HttpClient, uplink: string, letter: number | null): Promise<number> {
  const path = letter === null ? '' : `/${letter}`
  const answer = await http.request(pathOf(uplink) + path, { method: 'DELETE' })
  return answer === undefined || answer === null ? 1 : new Fields(answer, 'discarded').number('discarded')
}

function decodeLetter(source: unknown): Letter {
  const f = new Fields(source, 'letter')
  return {
    id: f.number('id'),
    position: f.text('position'),
    kind: f.oneOf('kind', ['reading', 'alarm', 'event']),
    sensor: f.textOrNull('sensor'),
    value: f.value('value'),
    message: f.textOrNull('message'),
    time: f.time('time'),
    reason: f.text('reason'),
    rejectedAt: f.time('rejectedAt'),
    attempts: f.number('attempts'),
  }
}
