// One alarm in one line: priority, where, what, since when, and the button for what is due.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { Alarm } from '../client/wire.ts'
import { formatDuration } from '../format/time.ts'
import { unparted } from '../format/words.ts'
import { Button, Link } from '../parts/button.tsx'
import { SeverityMark } from '../parts/marks.tsx'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { ACTION_WORDS, dueAction } from './alarm-actions.tsx'
import { AlarmDialog } from './alarm-dialogs.tsx'
import { alarmPlace } from './alarm-place.ts'

export function AlarmLine({ alarm }: { readonly alarm: Alarm }): JSX.Element {
  const { plant } = useServices()
  const [isOpen, setOpen] = useState(false)
  const place = alarmPlace(plant, alarm)
  const due = dueAction(alarm)
  return (
    <div class="alarm-line">
      <SeverityMark severity={alarm.severity} isHollow={!alarm.active} />
      <Link to={sensorPath(alarm.sensor)} class="alarm-where">
        {place}
      </Link>
      <span class="alarm-what">
        {unparted(alarm.message)}
        {!alarm.active && <span class="quiet"> (over)</span>}
      </span>
      <span class="alarm-age">{formatDuration(plant.now.value - alarm.raisedAt)}</span>
      <span class="alarm-do">
        {due === null ? (
          <span class="quiet">Acknowledged</span>
        ) : (
          <Button
            onClick={() => setOpen(true)}
            disabled={!plant.may('operator')}
            label={`${ACTION_WORDS[due]} ${place}`}
          >
            {ACTION_WORDS[due]}
          </Button>
        )}
      </span>
      {isOpen && due !== null && <AlarmDialog alarm={alarm} action={due} onClose={() => setOpen(false)} />}
    </div>
  )
}
