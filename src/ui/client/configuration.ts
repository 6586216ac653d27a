// The configuration as the API gives and takes it: reading, checking, planning, applying, revisions, import of sensors.

import { decodePage } from './decode-page.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'

/** Lines and columns count from 1. */
export interface TextProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

export interface Plan {
  readonly summary: string
  readonly changes: readonly PlannedChange[]
  readonly undisturbed: { readonly devices: number; readonly uplinks: number }
  readonly needsRestart: readonly string[]
}

const CHANGES = ['added', 'removed', 'changed'] as const
const EFFECTS = ['starts', 'stops', 'restarts', 'live', 'needsRestart'] as const
const KINDS = ['device', 'sensor', 'derived', 'uplink', 'setting'] as const

export interface PlannedChange {
  readonly kind: (typeof KINDS)[number]
  readonly id: string
  readonly change: (typeof CHANGES)[number]
  readonly effect: (typeof EFFECTS)[number]
  readonly keys: readonly { readonly key: string; readonly before: string | null; readonly after: string | null }[]
}

const STATES = ['applying', 'watched', 'kept', 'replaced', 'rolledBack', 'failed'] as const
const ORIGINS = ['start', 'file', 'api', 'cli', 'central', 'rollback'] as const
const FILE_STATES = ['same', 'changed', 'missing', 'unreadable'] as const

export interface Revision {
  readonly number: number
  readonly time: number
  readonly by: string
  readonly origin: (typeof ORIGINS)[number]
  readonly comment: string | null
  readonly state: (typeof STATES)[number]
  readonly reason: string | null
}

/** What is in force. */
export interface Present {
  readonly text: string
  readonly etag: string
  readonly revision: Revision
  readonly file: string
  readonly fileState: (typeof FILE_STATES)[number]
  readonly watchedUntil: number | null
}

export interface Applied {
  readonly revision: number
  readonly isChanged: boolean
  readonly watchedUntil: number | null
}

export interface Imported {
  readonly problems: readonly TextProblem[]
  readonly count: number
  readonly yaml: string
}

/** Plans of a large plant, and devices that close slowly, take their time. */
const SLOW_MS = 90_000

export async function readPresent(http: HttpClient): Promise<Present> {
  const f = new Fields(await http.request('/config'), 'configuration')
  return {
    text: f.text('text'),
    etag: f.text('etag'),
    revision: f.child('revision', decodeRevision),
    file: f.text('file'),
    fileState: f.oneOf('fileState', FILE_STATES),
    watchedUntil: f.timeOrNull('watchedUntil'),
  }
}

/** The JSON Schema of the file, as it comes. */
export function readSchema(http: HttpClient): Promise<unknown> {
  return http.request('/config/schema')
}

export async function check(http: HttpClient, text: string): Promise<readonly TextProblem[]> {
  const answer = await http.request('/config/check', { method: 'POST', body: { text }, timeoutMs: SLOW_MS })
  return new Fields(answer, 'check').list('problems', decodeProblem)
}

export async function plan(http: HttpClient, text: string): Promise<Plan> {
  return decodePlan(await http.request('/config/plan', { method: 'POST', body: { text }, timeoutMs: SLOW_MS }))
}

/**
 * Secrets that the text spells out are stored, and it names them. `etag`: of the configuration that the text was made from. Throws
 * ApiError with the code STALE when it is another now.
 */
export async function apply(http: HttpClient, text: string, comment: string, etag: string): Promise<Applied> {
  const body = { text, ...(comment !== '' && { comment }) }
  return decodeApplied(
    await http.request('/config?storeSecrets=true', {
      method: 'PUT',
      body,
      headers: { 'if-match': etag },
      timeoutMs: SLOW_MS,
    }),
  )
}

/** Takes up the file as it is on the gateway's disk. */
export async function reloadFile(http: HttpClient): Promise<Applied> {
  return decodeApplied(await http.request('/config/reload', { method: 'POST', timeoutMs: SLOW_MS }))
}

/** The newest hundred, newest first. */
export async function readRevisions(http: HttpClient): Promise<readonly Revision[]> {
  return decodePage(decodeRevision)(await http.request('/config/revisions?limit=100')).items
}

export async function readRevisionText(http: HttpClient, number: number): Promise<string> {
  return new Fields(await http.request(`/config/revisions/${number}`), 'revision').text('text')
}

/** What changed from one revision to another. */
export async function readChanges(http: HttpClient, from: number, to: number): Promise<Plan> {
  return decodePlan(await http.request(`/config/revisions/${to}/changes?from=${from}`, { timeoutMs: SLOW_MS }))
}

export async function rollBack(http: HttpClient, number: number, comment: string, etag: string): Promise<Applied> {
  return decodeApplied(
    await http.request(`/config/revisions/${number}/rollback`, {
      method: 'POST',
      body: comment === '' ? {} : { comment },
      headers: { 'if-match': etag },
      timeoutMs: SLOW_MS,
    }),
  )
}

export async function importSensors(http: HttpClient, device: string, csv: string): Promise<Imported> {
  const path = `/config/import-sensors?device=${encodeURIComponent(device)}`
  const f = new Fields(await http.request(path, { method: 'POST', body: { csv } }), 'import')
  return { problems: f.list('problems', decodeProblem), count: f.number('count'), yaml: f.text('yaml') }
}

function decodeProblem(source: unknown): TextProblem {
  const f = new Fields(source, 'problem')
  return { file: f.text('file'), line: f.number('line'), column: f.number('column'), message: f.text('message') }
}

function decodePlan(source: unknown): Plan {
  const f = new Fields(source, 'plan')
  const undisturbed = f.object('undisturbed')
  return {
    summary: f.text('summary'),
    changes: f.list('changes', decodeChange),
    undisturbed: { devices: undisturbed.number('devices'), uplinks: undisturbed.number('uplinks') },
    needsRestart: f.list('needsRestart', String),
  }
}

function decodeChange(source: unknown): PlannedChange {
  const f = new Fields(source, 'change')
  return {
    kind: f.oneOf('kind', KINDS),
    id: f.text('id'),
    change: f.oneOf('change', CHANGES),
    effect: f.oneOf('effect', EFFECTS),
    keys: f.list('keys', (item) => {
      const key = new Fields(item, 'key')
      return { key: key.text('key'), before: key.textOrNull('before'), after: key.textOrNull('after') }
    }),
  }
}

function decodeRevision(source: unknown): Revision {
  const f = new Fields(source, 'revision')
  return {
    number: f.number('number'),
    time: f.time('time'),
    by: f.text('by'),
    origin: f.oneOf('origin', ORIGINS),
    comment: f.textOrNull('comment'),
    state: f.oneOf('state', STATES),
    reason: f.textOrNull('reason'),
  }
}

function decodeApplied(source: unknown): Applied {
  const f = new Fields(source, 'applied')
  return {
    revision: f.number('revision'),
    isChanged: f.flag('isChanged'),
    watchedUntil: f.timeOrNull('watchedUntil'),
  }
}
