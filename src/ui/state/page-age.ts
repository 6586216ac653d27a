// Whether this page is still the one that its server hands out: the name of its script holds a hash of the whole page.

import { signal, type ReadonlySignal, type Signal } from '@preact/signals'

export interface PageAgeOptions {
  /** Path of the script that this page began with; null: it has none that could tell. */
  readonly own: string | null
  /** The page as the server hands it out now, as HTML. */
  readonly readPage: () => Promise<string>
}

export class PageAge {
  readonly #options: PageAgeOptions
  readonly #isOutdated: Signal<boolean> = signal(false)

  constructor(options: PageAgeOptions) {
    this.#options = options
  }

  /** True: the server has another page than this one, which was loaded before. */
  get isOutdated(): ReadonlySignal<boolean> {
    return this.#isOutdated
  }

  /** Asks the server and answers whether this page is older. No answer changes nothing. Never throws. */
  async check(): Promise<boolean> {
    try {
      const present = entryOf(await this.#options.readPage())
      if (this.#options.own !== null && present !== null) this.#isOutdated.value = present !== this.#options.own
    } catch {
      // Away: asked again when there is reason to.
    }
    return this.#isOutdated.peek()
  }
}

/** Path of the script that a page of the build begins with; null: it is no such page. Pure. */
export function entryOf(html: string): string | null {
  return /<script[^>]*\ssrc="(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? null
}
