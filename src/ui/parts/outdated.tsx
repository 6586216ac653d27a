// What a page says that was loaded before its server was updated: what it shows may be wrong, and what to do.

import type { JSX } from 'preact'
import { useFrame } from '../state/frame.ts'
import { Button } from './button.tsx'
import { Notice } from './card.tsx'

interface OutdatedNoticeProps {
  /** What was updated: `the gateway`. */
  readonly than: string
}

/** Nothing while the page is the present one. */
export function OutdatedNotice({ than }: OutdatedNoticeProps): JSX.Element {
  const isOutdated = useFrame().pageAge.isOutdated.value
  return (
    <div role="alert" class={isOutdated ? 'health' : undefined}>
      {isOutdated && (
        <Notice icon="restart" tone="data">
          <strong>{`This page is older than ${than}: reload it.`}</strong> It was loaded before an update, and may not
          understand everything. <ReloadButton />
        </Notice>
      )}
    </div>
  )
}

export function ReloadButton(): JSX.Element {
  return (
    <Button icon="restart" onClick={() => location.reload()}>
      Reload this page
    </Button>
  )
}
