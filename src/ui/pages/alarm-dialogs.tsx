// What an operator does with an alarm: acknowledge with a comment, shelve for a while.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import type { Alarm } from '../client/wire.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, Field } from '../parts/field.tsx'
import { useServices } from '../state/services.ts'
import { alarmPlace } from './alarm-place.ts'

interface AlarmDialogProps {
  readonly alarm: Alarm
  readonly onClose: () => void
}

const COMMENT_LENGTH = 500

/** Runs a command whose answer is the alarm's new state; keeps the dialog open with the reason when it fails. */
function useAlarmCommand(onClose: () => void): {
  readonly isBusy: boolean
  readonly error: string | null
  readonly run: (command: () => Promise<Alarm>) => void
} {
  const { plant } = useServices()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const execute = async (command: () => Promise<Alarm>): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      plant.putAlarm(await command())
      onClose()
    } catch (cause) {
      setError(errorMessage(cause))
      setBusy(false)
    }
  }
  return { isBusy, error, run: (command) => void execute(command) }
}

export function AcknowledgeDialog({ alarm, onClose }: AlarmDialogProps): JSX.Element {
  const { api, plant } = useServices()
  const [comment, setComment] = useState('')
  const { isBusy, error, run } = useAlarmCommand(onClose)
  return (
    <Dialog
      title="Acknowledge alarm"
      action="Acknowledge"
      onAction={() => run(() => api.acknowledge(alarm.id, comment.trim()))}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <AlarmSummary place={alarmPlace(plant, alarm)} message={alarm.message} />
      <Field
        label="Comment (optional)"
        value={comment}
        onInput={setComment}
        hint="Kept in the journal."
        maxLength={COMMENT_LENGTH}
      />
    </Dialog>
  )
}

const DURATIONS = [
  { key: '15m', text: '15 minutes' },
  { key: '1h', text: '1 hour' },
  { key: '8h', text: '8 hours' },
] as const

export function ShelveDialog({ alarm, onClose }: AlarmDialogProps): JSX.Element {
  const { api, plant } = useServices()
  const [duration, setDuration] = useState<(typeof DURATIONS)[number]['key']>('1h')
  const [comment, setComment] = useState('')
  const { isBusy, error, run } = useAlarmCommand(onClose)
  return (
    <Dialog
      title="Shelve alarm"
      action="Shelve"
      onAction={() => run(() => api.shelve(alarm.id, duration, comment.trim()))}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <AlarmSummary place={alarmPlace(plant, alarm)} message={alarm.message} />
      <p>While it is shelved it does not count and is not announced. It comes back by itself.</p>
      <Choice label="For" value={duration} options={DURATIONS} onChoose={setDuration} />
      <Field label="Reason (optional)" value={comment} onInput={setComment} maxLength={COMMENT_LENGTH} />
    </Dialog>
  )
}

function AlarmSummary({ place, message }: { readonly place: string; readonly message: string }): JSX.Element {
  return (
    <p class="summary">
      <strong>{place}</strong>
      <br />
      {message}
    </p>
  )
}
