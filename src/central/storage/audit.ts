// What people and programs changed, for each tenant; it is only ever added to.

import { cleanJson, cleanText } from '../ingest/clean-text.ts'
import type { AuditRecord, Tenancy } from '../ports.ts'
import { isoTime, keyOfCursor, pageOfRows } from './pages.ts'
import type { TenantDatabase } from './tenant-database.ts'

interface AuditRow {
  readonly [name: string]: unknown
  readonly number: number
  readonly time: number
  readonly by: string
  readonly origin: string
  readonly action: string
  readonly outcome: string
  readonly details: AuditRecord['details']
}

export function auditPort(database: TenantDatabase): Pick<Tenancy, 'appendAudit' | 'audit'> {
  return {
    async appendAudit(tenant, { action, by, details, from, outcome, time }) {
      await database.write(tenant, (queryable) =>
        queryable.query(
          `INSERT INTO central.audit (tenant, time, by, origin, action, outcome, details)
           VALUES ($1, to_timestamp($2::float8 / 1000), $3, $4, $5, $6, $7::jsonb)`,
          [tenant, time, ...[by, from, action, outcome].map((text) => cleanText(text, 500)), cleanJson(details)],
        ),
      )
    },
    async audit(tenant, { action, by, cursor, from, limit, target, to }) {
      const [time, number] = keyOfCursor(cursor, ['number', 'number']) ?? [to, 0]
      const rows = await database.read(tenant, (queryable) =>
        queryable.query<AuditRow>(
          `SELECT number, time, by, origin, action, outcome, details FROM central.audit
           WHERE tenant = $1 AND time >= $2::timestamptz AND (time, number) < ($3::timestamptz, $4::int8)
             AND ($6::text IS NULL OR by = $6) AND ($7::text IS NULL OR details->>'target' = $7)
             AND ($8::text IS NULL OR action = $8 OR starts_with(action, $8 || '.'))
           ORDER BY time DESC, number DESC LIMIT $5`,
          [tenant, isoTime(from), isoTime(Number(time)), number, limit + 1, ...[by, target, action].map(filterText)],
        ),
      )
      return pageOfRows(rows, limit, {
        item: ({ action, by, details, origin, outcome, time: at }) => ({
          time: at,
          by,
          from: origin,
          action,
          outcome,
          details,
        }),
        key: (row) => [row.time, row.number],
      })
    },
  }
}

function filterText(text: string | undefined): string | null {
  return text === undefined ? null : cleanText(text, 500)
}
