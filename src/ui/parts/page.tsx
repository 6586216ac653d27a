// A page with its title, where it hangs, and what stands below.

import { useEffect, useRef } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { useFrame } from '../state/frame.ts'

export interface PageProps {
  readonly title: string
  readonly lead?: ComponentChildren
  /** Where this page hangs: links above the title. */
  readonly trail?: ComponentChildren
  readonly children: ComponentChildren
}

interface TitledPageProps extends PageProps {
  /** What the window, and so a bookmark, is called. */
  readonly windowTitle: string
}

/** The focus goes to the title, so that a screen reader says where one has come. */
export function TitledPage({ title, windowTitle, lead, trail, children }: TitledPageProps): JSX.Element {
  const { router } = useFrame()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = windowTitle
  }, [windowTitle])
  useEffect(() => {
    // On the first page the focus stays where the browser puts it.
    if (router.hasMoved) heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <>
      <div class="page-head">
        {trail !== undefined && (
          <nav class="trail" aria-label="Where this page is">
            {trail}
          </nav>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead !== undefined && <div class="lead">{lead}</div>}
      </div>
      {children}
    </>
  )
}
