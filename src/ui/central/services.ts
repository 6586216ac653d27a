// What every part of central's pages may need, handed down by one context; and the addresses of the pages.

import { signal, type Signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Theme } from '../state/theme.ts'
import type { CentralApi } from './central-api.ts'
import type { CentralSession } from './wire.ts'

export type CentralRoute =
  | { readonly page: 'fleet' | 'keys' | 'setup' | 'notFound' }
  | { readonly page: 'gateway'; readonly id: string }

export interface CentralServices {
  readonly api: CentralApi
  readonly router: CentralRouter
  readonly theme: Theme
  /** null: not known yet. */
  readonly session: Signal<CentralSession | null>
  /** Central's time, each second; Unix milliseconds. */
  readonly now: Signal<number>
}

export const CentralContext = createContext<CentralServices | null>(null)

export function useCentral(): CentralServices {
  const services = useContext(CentralContext)
  if (services === null) throw new Error('A part was used outside of the page')
  return services
}

export const gatewayPath = (id: string): string => `/gateways/${encodeURIComponent(id)}`

/** Pure. */
export function parseCentralRoute(path: string): CentralRoute {
  switch (path) {
    case '/':
    case '/login':
      return { page: 'fleet' }
    case '/keys':
      return { page: 'keys' }
    case '/setup':
      return { page: 'setup' }
  }
  const id = /^\/gateways\/([a-z0-9_-]+)$/.exec(path)?.[1]
  return id === undefined ? { page: 'notFound' } : { page: 'gateway', id }
}

export class CentralRouter {
  readonly route: Signal<CentralRoute>
  /** Another page than the first is shown: its heading takes the focus. */
  hasMoved = false

  constructor() {
    this.route = signal(parseCentralRoute(location.pathname))
    addEventListener('popstate', () => this.#read())
  }

  go(path: string): void {
    if (path === location.pathname) return
    history.pushState(null, '', path)
    this.#read()
    scrollTo(0, 0)
  }

  #read(): void {
    this.hasMoved = true
    this.route.value = parseCentralRoute(location.pathname)
  }
}
