import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pageByKey, sortedByKey } from '#api/paging.ts'

it('gives every item once and in order, whatever the keys and the page size', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 10 }),
      (keys, limit) => {
        const items = sortedByKey(keys, String)
        const seen: string[] = []
        let cursor: string | undefined
        do {
          const page = pageByKey({ items, key: String, limit, cursor })
          expect(page.items.length).toBeLessThanOrEqual(limit)
          seen.push(...page.items)
          cursor = page.next ?? undefined
        } while (cursor !== undefined)
        expect(seen).toEqual(items)
      },
    ),
  )
})
