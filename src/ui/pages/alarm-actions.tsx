// The buttons of an alarm: what is due first, the rest behind it.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import type { Alarm } from '../client/wire.ts'
import { Button } from '../parts/button.tsx'
import { ErrorText } from '../parts/field.tsx'
import { isShelved } from '../state/condition.ts'
import { useServices } from '../state/services.ts'
import { AlarmDialog, type AlarmAction, type PlainAction } from './alarm-dialogs.tsx'
import { alarmPlace } from './alarm-place.ts'

/** What an operator has to do next; null: nothing but wait until it is over. */
export function dueAction(alarm: Alarm): PlainAction | null {
  if (alarm.outOfService) return 'returnToService'
  if (!alarm.acknowledged) return 'acknowledge'
  if (alarm.confirmed === false) return 'confirm'
  return alarm.latched && !alarm.active ? 'reset' : null
}

export const ACTION_WORDS: Readonly<Record<PlainAction, string>> = {
  acknowledge: 'Acknowledge',
  confirm: 'Confirm',
  reset: 'Reset',
  comment: 'Comment',
  returnToService: 'Return to service',
}

export function AlarmActions({ alarm }: { readonly alarm: Alarm }): JSX.Element {
  const { plant, api } = useServices()
  const [action, setAction] = useState<AlarmAction | null>(null)
  const [error, setError] = useState<string | null>(null)
  const isAllowed = plant.may('operator')
  const title = isAllowed ? undefined : 'Your role may not act on alarms'
  const place = alarmPlace(plant, alarm)
  const due = dueAction(alarm)
  const onShelf = isShelved(alarm, plant.now.value)
  const unshelve = async (): Promise<void> => {
    setError(null)
    try {
      plant.putAlarm(await api.unshelve(alarm.id))
    } catch (cause) {
      setError(errorMessage(cause))
    }
  }
  const button = (key: AlarmAction, text: string, isDue = false): JSX.Element => (
    <Button
      kind={isDue ? 'plain' : 'quiet'}
      onClick={() => setAction(key)}
      disabled={!isAllowed}
      title={title}
      label={`${text} ${place}`}
    >
      {text}
    </Button>
  )
  return (
    <>
      <div class="button-row">
        {due !== null && button(due, ACTION_WORDS[due], true)}
        {onShelf ? (
          <Button kind="quiet" onClick={() => void unshelve()} disabled={!isAllowed} label={`Unshelve ${place}`}>
            Unshelve
          </Button>
        ) : (
          !alarm.outOfService && button('shelve', 'Shelve')
        )}
        {button('comment', 'Comment')}
        {!alarm.outOfService && button('outOfService', 'Out of service')}
      </div>
      <ErrorText text={error} />
      {action !== null && <AlarmDialog alarm={alarm} action={action} onClose={() => setAction(null)} />}
    </>
  )
}
