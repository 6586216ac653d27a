// Small documents that other parts of central keep: accounts, memberships, invitations. By tenant, kind and id.

import { TelemetryError } from '#domain/errors.ts'
import { cleanJson, cleanText } from '../ingest/clean-text.ts'
import type { DocumentRecord, Tenancy } from '../ports.ts'
import { keyOfCursor, pageOfRows } from './pages.ts'
import type { TenantDatabase } from './tenant-database.ts'

const MAX_BYTES = 64 * 1024
const MAX_ID = 256
const COLUMNS = 'id, body, revision, changed_at'

interface DocumentRow {
  readonly [name: string]: unknown
  readonly id: string
  readonly body: DocumentRecord['body']
  readonly revision: number
  readonly changed_at: number
}

type Documents = Pick<Tenancy, 'document' | 'documents' | 'putDocument' | 'removeDocument'>

export function documentsPort(database: TenantDatabase): Documents {
  return {
    async document(tenant, kind, id) {
      const [row] = await database.read(tenant, (queryable) =>
        queryable.query<DocumentRow>(
          `SELECT ${COLUMNS} FROM central.document WHERE tenant = $1 AND kind = $2 AND id = $3`,
          [tenant, kind, cleanText(id)],
        ),
      )
      return row ? documentOf(row) : null
    },
    async documents(tenant, kind, { cursor, limit }) {
      const [after = ''] = keyOfCursor(cursor, ['string']) ?? []
      const rows = await database.read(tenant, (queryable) =>
        queryable.query<DocumentRow>(
          `SELECT ${COLUMNS} FROM central.document WHERE tenant = $1 AND kind = $2 AND id COLLATE "C" > $3
           ORDER BY id COLLATE "C" LIMIT $4`,
          [tenant, kind, after, limit + 1],
        ),
      )
      return pageOfRows(rows, limit, { item: documentOf, key: ({ id }) => [id] })
    },
    putDocument: put(database),
    async removeDocument(tenant, kind, id) {
      const rows = await database.write(tenant, (queryable) =>
        queryable.query('DELETE FROM central.document WHERE tenant = $1 AND kind = $2 AND id = $3 RETURNING id', [
          tenant,
          kind,
          cleanText(id),
        ]),
      )
      return rows.length > 0
    },
  }
}

function put(database: TenantDatabase): Documents['putDocument'] {
  return async (tenant, kind, { body, id }, ifRevision) => {
    const text = cleanJson(body)
    if (Buffer.byteLength(text) > MAX_BYTES || id.length > MAX_ID)
      throw new TelemetryError(
        'OUT_OF_RANGE',
        `A document has at most ${MAX_BYTES} bytes, and its id ${MAX_ID} characters`,
      )
    const [row] = await database.write(tenant, (queryable) =>
      queryable.query<DocumentRow>(
        ifRevision === 0
          ? `INSERT INTO central.document (tenant, kind, id, body) VALUES ($1, $2, $3, $4::jsonb) ON CONFLICT DO NOTHING RETURNING ${COLUMNS}`
          : ifRevision === null
            ? `INSERT INTO central.document AS d (tenant, kind, id, body) VALUES ($1, $2, $3, $4::jsonb)
               ON CONFLICT (tenant, kind, id) DO UPDATE SET body = excluded.body, revision = d.revision + 1, changed_at = now() RETURNING ${COLUMNS}`
            : `UPDATE central.document SET body = $4::jsonb, revision = revision + 1, changed_at = now()
               WHERE tenant = $1 AND kind = $2 AND id = $3 AND revision = ${Math.trunc(ifRevision)} RETURNING ${COLUMNS}`,
        [tenant, kind, cleanText(id), text],
      ),
    )
    if (row === undefined) throw new TelemetryError('STALE', `The ${kind} ${id} was changed by someone else meanwhile`)
    return documentOf(row)
  }
}

function documentOf({ body, changed_at: changedAt, id, revision }: DocumentRow): DocumentRecord {
  return { id, body, revision, changedAt }
}
