// What gateways say that applying a revision changed, kept beside the revision.

import type { DocumentRecord, Tenancy, TenantNumber } from '../ports.ts'

const KIND = 'configuration-plan'
const MAX_LINES = 500
const MAX_LINE = 500

export interface ToldPlan {
  readonly summary: string
  readonly lines: readonly string[]
}

export function planDocument(
  tenancy: Tenancy,
  tenant: TenantNumber,
  gateway: string,
  revision: string,
): Promise<DocumentRecord | null> {
  return tenancy.document(tenant, KIND, idOf(gateway, revision))
}

/** Keeps it, shortened to what a document may hold. */
export async function keepPlan(
  tenancy: Tenancy,
  tenant: TenantNumber,
  revision: { readonly gateway: string; readonly name: string },
  { lines, summary }: ToldPlan,
): Promise<void> {
  const shortened = lines.slice(0, MAX_LINES).map((line) => line.slice(0, MAX_LINE))
  let body = { summary: summary.slice(0, MAX_LINE), lines: shortened }
  while (Buffer.byteLength(JSON.stringify(body)) > 60_000)
    body = { ...body, lines: body.lines.slice(0, body.lines.length >> 1) }
  await tenancy.putDocument(tenant, KIND, { id: idOf(revision.gateway, revision.name), body }, null)
}

function idOf(gateway: string, revision: string): string {
  return `${gateway}/${revision}`
}
