// After a change the gateway watches itself: how long still, and what came of it. It asks until it is decided.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readRevisions, type Revision } from '../client/configuration.ts'
import { formatDuration } from '../format/time.ts'
import { Notice } from '../parts/card.tsx'
import { useServices } from '../state/services.ts'

export interface Watched {
  readonly revision: number
  /** Unix milliseconds; null: it was not watched. */
  readonly until: number | null
}

const ASK_MS = 2000

interface WatchNoticeProps {
  readonly watched: Watched
  /** Told once, when it is decided whether the revision stays. */
  readonly onDecided: (revision: Revision) => void
}

export function WatchNotice({ watched, onDecided }: WatchNoticeProps): JSX.Element {
  const { api, plant } = useServices()
  const [decided, setDecided] = useState<Revision | null>(null)
  const turn = decided === null ? Math.floor(plant.now.value / ASK_MS) : -1
  useEffect(() => {
    if (decided !== null) return
    let isGone = false
    readRevisions(api.http).then(
      (revisions) => {
        const mine = revisions.find(({ number }) => number === watched.revision)
        if (isGone || mine === undefined || mine.state === 'watched' || mine.state === 'applying') return
        setDecided(mine)
        onDecided(mine)
      },
      () => undefined, // asked again at the next turn
    )
    return () => {
      isGone = true
    }
  }, [turn, watched.revision])
  return <div role="status">{decided === null ? <Watching watched={watched} /> : <Decided revision={decided} />}</div>
}

function Watching({ watched }: { readonly watched: Watched }): JSX.Element {
  const { plant } = useServices()
  const left = watched.until === null ? 0 : watched.until - plant.now.value
  return (
    <Notice icon="clock">
      <strong>Revision {watched.revision} is in force and watched</strong>
      {left > 0 ? `, ${formatDuration(left)} still.` : '.'} If a device or an uplink that it changed does not come back,
      or the gateway can no longer do its work, it is taken back by itself.
    </Notice>
  )
}

function Decided({ revision }: { readonly revision: Revision }): JSX.Element {
  if (revision.state === 'kept')
    return (
      <Notice icon="check">
        <strong>Revision {revision.number} stays.</strong> The gateway runs as well as before.
      </Notice>
    )
  if (revision.state === 'replaced')
    return <Notice icon="check">Revision {revision.number} was replaced by a later one.</Notice>
  return (
    <Notice icon="bad" tone="data">
      <strong>
        Revision {revision.number} was {revision.state === 'rolledBack' ? 'taken back' : 'not applied'}:
      </strong>{' '}
      {revision.reason ?? 'no reason is known'}. What was in force before is in force again; the text stands under
      Revisions.
    </Notice>
  )
}
