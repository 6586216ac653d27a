// What changes of the model have in common.

import type { Queryable } from '#backing/database.ts'
import type { TenantNumber } from '../ports.ts'

/** What ingest remembers of this tenant's model no longer holds, in every process. */
export async function modelChanged(queryable: Queryable, tenant: TenantNumber): Promise<void> {
  await queryable.query('UPDATE central.tenant SET model_version = model_version + 1 WHERE number = $1', [tenant])
}

/** An id from outside: what cannot be one finds nothing. */
export function cleanId(id: string): string {
  return id.toWellFormed().replaceAll('\0', '')
}
