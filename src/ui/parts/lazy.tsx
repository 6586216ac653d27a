// A page that is fetched when it is first shown: what few people open is not loaded by all.

import { useEffect, useState } from 'preact/hooks'
import type { ComponentType, JSX } from 'preact'
import { useFrame } from '../state/frame.ts'
import { Notice } from './card.tsx'

type Loaded<P> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed' }
  | { readonly state: 'ready'; readonly page: ComponentType<P> }

/** `load` is asked once for each time the page is opened; browsers keep what they have. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  return function Lazy(props: P): JSX.Element {
    const { pageAge } = useFrame()
    const [loaded, setLoaded] = useState<Loaded<P>>({ state: 'loading' })
    useEffect(() => {
      let isGone = false
      load().then(
        (page) => !isGone && setLoaded({ state: 'ready', page }),
        () => {
          // After an update the parts of an older page are gone.
          void pageAge.check()
          if (!isGone) setLoaded({ state: 'failed' })
        },
      )
      return () => {
        isGone = true
      }
    }, [])
    if (loaded.state === 'loading') return <p class="quiet">Loading…</p>
    if (loaded.state === 'failed')
      return (
        <Notice icon="bad" tone="data">
          <strong>This page could not be loaded.</strong> What it comes from may be away, or was updated: load the page
          anew.
        </Notice>
      )
    const Loadable = loaded.page
    return <Loadable {...props} />
  }
}
