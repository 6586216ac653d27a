// Lists: `{ items, next }`. Lists that are in memory are paged by the key of the last item given, so that a page stays right
// when items come and go between two requests.

import { Type, type TSchema } from 'typebox'
import type { Page } from '#domain/history.ts'
import { invalid } from './problem.ts'

/** Query parameters `limit` and `cursor`. */
export function pageParameters(limits: { max: number; default: number }) {
  return {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: limits.max,
        default: limits.default,
        description: 'Most items of one page.',
      }),
    ),
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: '`next` of the page before.' })),
  }
}

/** Schema of a page of items. */
export function pageOf<T extends TSchema>(item: T, description: string) {
  return Type.Object(
    {
      items: Type.Array(item),
      next: Type.Union([Type.String(), Type.Null()], { description: 'Cursor of the following page; null at the end.' }),
    },
    { description },
  )
}

interface KeyedPage<T> {
  /** In the order of `compare` of their keys, or to be filtered into it. */
  readonly items: readonly T[]
  readonly key: (item: T) => string
  readonly limit: number
  readonly cursor: string | undefined
}

/** A page of items that are sorted by `key` in ascending order of code units. */
export function pageByKey<T>(page: KeyedPage<T>): { items: T[]; next: string | null } {
  const after = page.cursor === undefined ? null : decodeCursor(page.cursor)
  const items: T[] = []
  for (const item of page.items) {
    if (after !== null && page.key(item) <= after) continue
    if (items.length === page.limit) return { items, next: encodeCursor(page.key(items.at(-1)!)) }
    items.push(item)
  }
  return { items, next: null }
}

interface TimedPage<T, U> {
  /** Oldest first: the last of a stream, whose beginning is forgotten as it goes on. */
  readonly items: readonly T[]
  /** Unix milliseconds. */
  readonly time: (item: T) => number
  readonly shape: (item: T) => U
  readonly limit: number
  readonly cursor: string | undefined
}

/** A page of items that have nothing but their time: by it, and by their number among those of one millisecond. */
export function pageByTime<T, U>({
  items,
  time,
  shape,
  limit,
  cursor,
}: TimedPage<T, U>): {
  items: U[]
  next: string | null
} {
  let [latest, number] = [-1, 0]
  const keyed = items.map((item) => {
    const at = time(item)
    // The clock may step back; a stream does not.
    number = at > latest ? 0 : number + 1
    latest = Math.max(latest, at)
    return { key: `${String(latest).padStart(16, '0')}-${String(number).padStart(6, '0')}`, item }
  })
  const page = pageByKey({ items: keyed, key: ({ key }) => key, limit, cursor })
  return { items: page.items.map(({ item }) => shape(item)), next: page.next }
}

/** Items in ascending order of their keys by code units: the order that `pageByKey` needs. */
export function sortedByKey<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items.toSorted((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}

export function encodeCursor(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

/** Throws INVALID_REQUEST for what `encodeCursor` cannot have written. */
export function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8')
  if (text === '' || encodeCursor(text) !== cursor) throw invalid('query.cursor', 'is not a cursor that this API gave')
  return text
}

/** A page of the history with its items in their form on the wire. */
export function mapPage<T, U>(page: Page<T>, map: (item: T) => U): { items: U[]; next: string | null } {
  return { items: page.items.map(map), next: page.next }
}
