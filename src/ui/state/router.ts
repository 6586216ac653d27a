// The address bar is the state of what is shown; no history library.

import { signal, type Signal } from '@preact/signals'
import { parseRoute, type Route } from './route.ts'

export class Router {
  readonly route: Signal<Route>

  constructor() {
    this.route = signal(parseRoute(location.pathname))
    addEventListener('popstate', () => {
      this.route.value = parseRoute(location.pathname)
    })
  }

  go(path: string): void {
    if (path === location.pathname) return
    history.pushState(null, '', path)
    this.route.value = parseRoute(path)
    scrollTo(0, 0)
  }
}
