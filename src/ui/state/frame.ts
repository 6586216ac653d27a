// What parts lean on that stand on a gateway's pages and on central's alike, handed down by one context.

import type { ReadonlySignal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { SensorHistory } from '../client/sensor-history.ts'
import type { PageAge } from './page-age.ts'
import type { Router } from './router.ts'
import type { Theme } from './theme.ts'

export interface Frame {
  readonly router: Pick<Router<unknown>, 'go' | 'hasMoved' | 'query' | 'setQuery'>
  readonly theme: Theme
  /** The server's time in Unix milliseconds, once a second. */
  readonly now: ReadonlySignal<number>
  /** How often the connection came back: what lay between can be asked for. */
  readonly comebacks: ReadonlySignal<number>
  readonly stored: SensorHistory
  readonly pageAge: PageAge
}

export const FrameContext = createContext<Frame | null>(null)

export function useFrame(): Frame {
  const frame = useContext(FrameContext)
  if (frame === null) throw new Error('A part was used outside of the page')
  return frame
}
