// The age of the page that this runs in.

import { entryOf, PageAge } from './page-age.ts'

export function ownPageAge(): PageAge {
  return new PageAge({
    own: entryOf(document.documentElement.outerHTML),
    readPage: async () => {
      const response = await fetch('/', { headers: { accept: 'text/html' }, cache: 'no-store' })
      return response.ok ? response.text() : ''
    },
  })
}
