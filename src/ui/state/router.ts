// The address bar is the state of what is shown, with its range and filters: every view can be kept as a link. No history library.

import { signal, type Signal } from '@preact/signals'

/** `R`: the pages of one server. */
export class Router<R> {
  readonly route: Signal<R>
  /** What stands behind the question mark, without it. */
  readonly query: Signal<string>
  /** Another page than the first is shown. */
  hasMoved = false
  readonly #parse: (path: string) => R

  /** `parse`: which page a path without its query is. */
  constructor(parse: (path: string) => R) {
    this.#parse = parse
    this.route = signal(parse(location.pathname))
    this.query = signal(location.search.slice(1))
    addEventListener('popstate', () => this.#read())
  }

  /** `path` may have a query. */
  go(path: string): void {
    if (path === location.pathname + location.search) return
    history.pushState(null, '', path)
    this.#read()
    scrollTo(0, 0)
  }

  /** Changes some of the query; null takes a key away. The browser's way back does not count it. */
  setQuery(changes: Readonly<Record<string, string | null>>): void {
    const query = new URLSearchParams(location.search)
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(key)
      else query.set(key, value)
    }
    const text = query.toString()
    history.replaceState(history.state, '', text === '' ? location.pathname : `${location.pathname}?${text}`)
    this.query.value = text
  }

  #read(): void {
    this.hasMoved = true
    // One change for all that look at both.
    const route = this.#parse(location.pathname)
    this.query.value = location.search.slice(1)
    if (JSON.stringify(route) !== JSON.stringify(this.route.peek())) this.route.value = route
  }
}
