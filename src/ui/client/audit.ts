// The audit log, of a gateway or of central, as the API gives it.

import { decodePage, type Page } from './decode-page.ts'
import { Fields } from './fields.ts'
import type { HttpClient } from './http.ts'

const OUTCOMES = ['done', 'refused', 'failed'] as const

export interface AuditEntry {
  readonly time: number
  readonly action: string
  readonly target: string | null
  readonly who: string
  readonly via: string
  readonly from: string | null
  readonly outcome: (typeof OUTCOMES)[number]
  readonly before: unknown
  readonly after: unknown
  /** Refusals that were only counted, before this entry. */
  readonly suppressed: number
}

/** Newest first; empty filters are left out. */
export async function readAudit(
  http: HttpClient,
  filters: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Page<AuditEntry>> {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ''))
  return decodePage(decodeAuditEntry)(await http.request(`/audit?${query.toString()}`, { signal }))
}

/** null: every entry is as it was written; else what is wrong. A gateway's. */
export async function readIntegrity(http: HttpClient): Promise<string | null> {
  const f = new Fields(await http.request('/audit/integrity', { timeoutMs: 60_000 }), 'integrity')
  const fault = f.objectOrNull('fault')
  return fault === null ? null : `entry ${fault.number('seq')}: ${fault.text('message')}`
}

function decodeAuditEntry(source: unknown): AuditEntry {
  const f = new Fields(source, 'entry')
  return {
    time: f.time('time'),
    action: f.text('action'),
    target: f.textOrNull('target'),
    who: f.text('who'),
    via: f.text('via'),
    from: f.textOrNull('from'),
    outcome: f.oneOf('outcome', OUTCOMES),
    before: f.child('before', (value) => value),
    after: f.child('after', (value) => value),
    suppressed: f.numberOrNull('suppressed') ?? 0,
  }
}
