// What every part of the page may need, handed down by one context: nothing lives at module level.

import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { GatewayApi } from '../client/gateway-api.ts'
import type { Drafts } from './drafts.ts'
import type { Feed } from './feed.ts'
import type { HistoryQueue } from './history-queue.ts'
import type { Plant } from './plant.ts'
import type { Route } from './route.ts'
import type { Router } from './router.ts'
import type { Theme } from './theme.ts'

export interface Services {
  readonly plant: Plant
  readonly api: GatewayApi
  readonly feed: Feed
  readonly history: HistoryQueue
  readonly router: Router<Route>
  readonly theme: Theme
  readonly drafts: Drafts
}

export const ServicesContext = createContext<Services | null>(null)

export function useServices(): Services {
  const services = useContext(ServicesContext)
  if (services === null) throw new Error('A part was used outside of the page')
  return services
}
