// What an operator does with an alarm, one question each: acknowledge, confirm, reset, comment, shelve, take out of service, return.

import { useState } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import type { GatewayApi } from '../client/gateway-api.ts'
import { errorMessage } from '../client/http.ts'
import type { Alarm } from '../client/wire.ts'
import { unparted } from '../format/words.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Choice, Field } from '../parts/field.tsx'
import { useServices } from '../state/services.ts'
import { alarmPlace } from './alarm-place.ts'
import { ServiceEnd, serviceDuration, type ServiceUntil } from './alarm-service-end.tsx'

/** What can be done with one alarm by writing a comment or nothing. */
export type PlainAction = 'acknowledge' | 'confirm' | 'reset' | 'comment' | 'returnToService'
export type AlarmAction = PlainAction | 'shelve' | 'outOfService'

interface AlarmDialogProps {
  readonly alarm: Alarm
  readonly onClose: () => void
}

const COMMENT_LENGTH = 500

/** Runs a command whose answer is the alarm's new state; keeps the dialog open with the reason when it fails. */
export function useAlarmCommand(onClose: () => void): {
  readonly isBusy: boolean
  readonly error: string | null
  readonly run: (command: () => Promise<Alarm>) => void
  readonly fail: (reason: string) => void
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
  return { isBusy, error, run: (command) => void execute(command), fail: setError }
}

interface Plain {
  readonly title: string
  readonly action: string
  readonly explanation?: string
  readonly isCommentRequired?: boolean
  readonly run: (api: GatewayApi, id: string, comment: string) => Promise<Alarm>
}

const PLAIN: Readonly<Record<PlainAction, Plain>> = {
  acknowledge: {
    title: 'Acknowledge alarm',
    action: 'Acknowledge',
    run: (api, id, comment) => api.acknowledge(id, comment),
  },
  confirm: {
    title: 'Confirm alarm',
    action: 'Confirm',
    explanation: 'Its cause has been dealt with.',
    run: (api, id, comment) => api.confirm(id, comment),
  },
  reset: {
    title: 'Reset alarm',
    action: 'Reset',
    explanation: 'The alarm is over and has been kept until somebody has looked. Resetting ends it.',
    run: (api, id, comment) => api.reset(id, comment),
  },
  comment: {
    title: 'Comment on alarm',
    action: 'Save comment',
    isCommentRequired: true,
    run: (api, id, comment) => api.comment(id, comment),
  },
  returnToService: {
    title: 'Return to service',
    action: 'Return to service',
    explanation: 'Alarms of this check are shown again from now on.',
    run: (api, id, comment) => api.returnToService(id, comment),
  },
}

/** The dialog of an action. */
export function AlarmDialog({ action, ...rest }: AlarmDialogProps & { readonly action: AlarmAction }): JSX.Element {
  switch (action) {
    case 'shelve':
      return <ShelveDialog {...rest} />
    case 'outOfService':
      return <OutOfServiceDialog {...rest} />
    case 'acknowledge':
    case 'confirm':
    case 'reset':
    case 'comment':
    case 'returnToService':
      return <PlainDialog {...rest} plain={PLAIN[action]} />
  }
}

function PlainDialog({ alarm, onClose, plain }: AlarmDialogProps & { readonly plain: Plain }): JSX.Element {
  const { api } = useServices()
  const [comment, setComment] = useState('')
  const { isBusy, error, run } = useAlarmCommand(onClose)
  return (
    <Dialog
      title={plain.title}
      action={plain.action}
      onAction={() => run(() => plain.run(api, alarm.id, comment.trim()))}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <AlarmSummary alarm={alarm}>{plain.explanation}</AlarmSummary>
      <Field
        label={plain.isCommentRequired === true ? 'Comment' : 'Comment (optional)'}
        value={comment}
        onInput={setComment}
        hint="Kept in the journal."
        maxLength={COMMENT_LENGTH}
        required={plain.isCommentRequired}
      />
    </Dialog>
  )
}

const DURATIONS = [
  { key: '15m', text: '15 minutes' },
  { key: '1h', text: '1 hour' },
  { key: '8h', text: '8 hours' },
  { key: '24h', text: '1 day' },
  { key: '7d', text: '7 days' },
] as const

function ShelveDialog({ alarm, onClose }: AlarmDialogProps): JSX.Element {
  const { api } = useServices()
  const [duration, setDuration] = useState<(typeof DURATIONS)[number]['key']>('1h')
  const [mode, setMode] = useState<'timed' | 'oneShot'>('timed')
  const [comment, setComment] = useState('')
  const { isBusy, error, run } = useAlarmCommand(onClose)
  return (
    <Dialog
      title="Shelve alarm"
      action="Shelve"
      onAction={() => run(() => api.shelve(alarm.id, duration, mode === 'oneShot', comment.trim()))}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <AlarmSummary alarm={alarm}>While it is shelved it does not count and is not announced.</AlarmSummary>
      <Choice label="At most for" value={duration} options={DURATIONS} onChoose={setDuration} />
      <Choice
        label="It comes back"
        value={mode}
        options={[
          { key: 'timed', text: 'When the time is over' },
          { key: 'oneShot', text: 'Also as soon as the alarm is over (one-shot)' },
        ]}
        onChoose={setMode}
      />
      <Field label="Reason (optional)" value={comment} onInput={setComment} maxLength={COMMENT_LENGTH} />
    </Dialog>
  )
}

function OutOfServiceDialog({ alarm, onClose }: AlarmDialogProps): JSX.Element {
  const { api, plant } = useServices()
  const [until, setUntil] = useState<ServiceUntil>({ key: '8h', time: '' })
  const [comment, setComment] = useState('')
  const { isBusy, error, run, fail } = useAlarmCommand(onClose)
  const take = (): void => {
    const duration = serviceDuration(until, plant.now.peek())
    if (duration === undefined) fail('Give a time in the future.')
    else run(() => api.takeOutOfService(alarm.id, duration, comment.trim()))
  }
  return (
    <Dialog
      title="Take out of service"
      action="Take out of service"
      onAction={take}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <AlarmSummary alarm={alarm}>
        For maintenance: the check goes on, but its alarms are kept without being shown, counted or announced.
      </AlarmSummary>
      <ServiceEnd until={until} onUntil={setUntil} />
      <Field label="Reason (optional)" value={comment} onInput={setComment} maxLength={COMMENT_LENGTH} />
    </Dialog>
  )
}

function AlarmSummary({
  alarm,
  children,
}: {
  readonly alarm: Alarm
  readonly children?: ComponentChildren
}): JSX.Element {
  const { plant } = useServices()
  return (
    <>
      <p class="summary">
        <strong>{alarmPlace(plant, alarm)}</strong>
        <br />
        {unparted(alarm.message)}
      </p>
      {children !== undefined && <p>{children}</p>}
    </>
  )
}
