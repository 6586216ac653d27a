// What somebody began to write and has not applied: it stays while one looks at other pages, and the browser asks before it is lost.

import { signal } from '@preact/signals'

export interface ConfigurationDraft {
  readonly text: string
  /** What it was made from. */
  readonly base: { readonly text: string; readonly etag: string; readonly revision: number }
}

export class Drafts {
  readonly configuration = signal<ConfigurationDraft | null>(null)

  constructor() {
    addEventListener('beforeunload', (event) => {
      if (this.isUnsaved) event.preventDefault()
    })
  }

  get isUnsaved(): boolean {
    const draft = this.configuration.peek()
    return draft !== null && draft.text !== draft.base.text
  }
}
