import { describe, expect, it } from 'vitest'
import { entryOf, PageAge } from '../../../src/ui/state/page-age.ts'

const page = (script: string): string =>
  `<!doctype html><html><head><link rel="icon" href="/favicon.svg" />
   <script type="module" crossorigin src="${script}"></script>
   <link rel="stylesheet" crossorigin href="/assets/index-3Fk.css"></head></html>`

function setUp(own: string | null, answer: () => Promise<string>): PageAge {
  return new PageAge({ own, readPage: answer })
}

describe('the age of a page', () => {
  it('is told by the name of its script', () => {
    expect(entryOf(page('/assets/index-B7PI925R.js'))).toBe('/assets/index-B7PI925R.js')
    expect(entryOf(page('/src/main.tsx'))).toBeNull()
    expect(entryOf('<h1>Away</h1>')).toBeNull()
  })

  it('is known to be past when the server hands out another one, until it hands out this one again', async () => {
    let now = '/assets/index-old.js'
    const age = setUp('/assets/index-old.js', async () => page(now))
    expect([await age.check(), age.isOutdated.value]).toEqual([false, false])
    now = '/assets/index-new.js'
    expect([await age.check(), age.isOutdated.value]).toEqual([true, true])
    now = '/assets/index-old.js'
    expect(await age.check()).toBe(false)
  })

  it('stays as it was known when the server is away, has no page, or this one has no such script', async () => {
    let answer = async (): Promise<string> => page('/assets/index-new.js')
    const age = setUp('/assets/index-old.js', () => answer())
    await age.check()
    answer = () => Promise.reject(new Error('away'))
    expect(await age.check()).toBe(true)
    answer = async () => '<h1>Not built</h1>'
    expect(await age.check()).toBe(true)
    expect(await setUp(null, async () => page('/assets/index-new.js')).check()).toBe(false)
  })
})
