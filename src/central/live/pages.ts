// Reads a list of storage to its end, page by page.

import type { PageQuery } from '../ports.ts'

const PAGE = 10_000

/** `read` answers the cursor of the next page; null: there is none, or no more are wanted. */
export async function pages(read: (page: PageQuery) => Promise<string | null>): Promise<void> {
  let cursor: string | null = null
  do cursor = await read({ limit: PAGE, cursor })
  while (cursor !== null)
}
