// What every part of central's pages may need, handed down by one context.

import type { Signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Router } from '../state/router.ts'
import type { CentralApi } from './central-api.ts'
import type { CentralRoute } from './route.ts'
import type { CentralSession } from './wire.ts'

export interface CentralServices {
  readonly api: CentralApi
  readonly router: Router<CentralRoute>
  /** null: not known yet. */
  readonly session: Signal<CentralSession | null>
}

export const CentralContext = createContext<CentralServices | null>(null)

export function useCentral(): CentralServices {
  const services = useContext(CentralContext)
  if (services === null) throw new Error('A part was used outside of the page')
  return services
}
