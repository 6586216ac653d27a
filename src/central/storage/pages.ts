// Pages by key: a cursor holds the key of the last item that was given, so that a page stays right when rows come and go.

import { decodeCursor, encodeCursor } from '#api/paging.ts'
import { invalid } from '#api/problem.ts'
import type { Page } from '#domain/history.ts'
import type { PageQuery } from '../ports.ts'

type Part = string | number

/** Throws INVALID_REQUEST for what this did not give. null for no cursor. */
export function keyOfCursor(cursor: string | null, kinds: readonly ('string' | 'number')[]): Part[] | null {
  if (cursor === null) return null
  const parts = parse(decodeCursor(cursor))
  const isKey =
    Array.isArray(parts) &&
    parts.length === kinds.length &&
    parts.every(
      (part, index) => typeof part === kinds[index] && (typeof part !== 'number' || Number.isSafeInteger(part)),
    )
  if (!isKey) throw invalid('query.cursor', 'is not a cursor that this API gave')
  return parts as Part[]
}

/** Id after which a page by id begins, and how many are wanted. */
export function afterId({ cursor, limit }: PageQuery): [string, number] {
  const [after = ''] = keyOfCursor(cursor, ['string']) ?? []
  return [String(after), limit]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** `rows`: one more than `limit` when there are more. */
export function pageOfRows<R, T>(
  rows: readonly R[],
  limit: number,
  { item, key }: { readonly item: (row: R) => T; readonly key: (row: R) => readonly Part[] },
): Page<T> {
  const given = rows.slice(0, limit)
  const next = rows.length > limit ? encodeCursor(JSON.stringify(key(given.at(-1)!))) : null
  return { items: given.map(item), next }
}

/** Unix milliseconds as PostgreSQL reads them. */
export function isoTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, -62_135_596_800_000), 253_402_300_799_999)).toISOString() // years 1 to 9999
}
