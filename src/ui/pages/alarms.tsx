// All open alarms by priority, then the newest first; those on the shelf; and what ended while the page was open.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import type { Alarm } from '../client/wire.ts'
import { formatDuration, formatMoment } from '../format/time.ts'
import { LEVEL_WORDS, counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { ErrorText } from '../parts/field.tsx'
import { SeverityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { AcknowledgeDialog, ShelveDialog } from './alarm-dialogs.tsx'
import { alarmPlace } from './alarm-place.ts'

const COLUMNS: readonly Column[] = [
  { key: 'priority', head: 'Priority', isNarrow: true },
  { key: 'where', head: 'Where' },
  { key: 'what', head: 'What' },
  { key: 'state', head: 'State' },
  { key: 'raised', head: 'Raised', align: 'end', isNarrow: true },
]
const WITH_ACTIONS: readonly Column[] = [...COLUMNS, { key: 'do', head: 'Actions', align: 'end', isNarrow: true }]

export function AlarmsPage(): JSX.Element {
  const { plant } = useServices()
  const open = plant.openAlarms.value
  const shelved = plant.shelvedAlarms.value
  const ended = plant.ended.value
  return (
    <Page title="Alarms" lead={<p>{leadText(open)}</p>}>
      {open.length === 0 ? (
        <EmptyState title="No open alarms" icon="check">
          <p>Every limit is kept, and everything that was raised has been acknowledged.</p>
        </EmptyState>
      ) : (
        <Card title="Open">
          <AlarmTable caption="Open alarms" alarms={open} hasActions />
        </Card>
      )}
      {shelved.length > 0 && (
        <Card title="Shelved">
          <AlarmTable caption="Shelved alarms" alarms={shelved} hasActions />
        </Card>
      )}
      {ended.length > 0 && (
        <Card title="Over since this page was opened">
          <AlarmTable caption="Alarms that are over" alarms={ended} hasActions={false} />
        </Card>
      )}
      <p class="quiet">Earlier alarms of a sensor stand on its own page, in the range of its trend.</p>
    </Page>
  )
}

function leadText(open: readonly Alarm[]): string {
  const waiting = open.filter((alarm) => !alarm.acknowledged).length
  const active = open.filter((alarm) => alarm.active).length
  return open.length === 0 ? 'Nothing to do.' : `${counted(active, 'active alarm')}, ${waiting} not acknowledged`
}

interface AlarmTableProps {
  readonly caption: string
  readonly alarms: readonly Alarm[]
  readonly hasActions: boolean
}

function AlarmTable({ caption, alarms, hasActions }: AlarmTableProps): JSX.Element {
  return (
    <Table caption={caption} columns={hasActions ? WITH_ACTIONS : COLUMNS}>
      {alarms.map((alarm) => (
        <AlarmRow key={alarm.id} alarm={alarm} hasActions={hasActions} />
      ))}
    </Table>
  )
}

function AlarmRow({ alarm, hasActions }: { readonly alarm: Alarm; readonly hasActions: boolean }): JSX.Element {
  const { plant } = useServices()
  const now = plant.now.value
  return (
    <tr class={alarm.active && !alarm.acknowledged ? 'is-waiting-for-you' : undefined}>
      <HeadCell>
        <SeverityMark severity={alarm.severity} isHollow={!alarm.active} />
      </HeadCell>
      <Cell head="Where" isWide>
        <Link to={sensorPath(alarm.sensor)}>{alarmPlace(plant, alarm)}</Link>
      </Cell>
      <Cell head="What" isWide>
        {alarm.message}
        <span class="second-line">{LEVEL_WORDS[alarm.level]}</span>
      </Cell>
      <Cell head="State">
        {alarm.active ? 'Active' : `Over since ${formatMoment(alarm.clearedAt ?? now, now)}`}
        <span class="second-line">{handledText(alarm, now)}</span>
      </Cell>
      <Cell head="Raised" align="end">
        {formatMoment(alarm.raisedAt, now)}
        <span class="second-line">{formatDuration(now - alarm.raisedAt)} ago</span>
      </Cell>
      {hasActions && (
        <Cell head="Actions" align="end" isWide>
          <AlarmActions alarm={alarm} />
        </Cell>
      )}
    </tr>
  )
}

function handledText(alarm: Alarm, now: number): string {
  const parts: string[] = []
  if (alarm.acknowledged)
    parts.push(alarm.acknowledgedBy === null ? 'acknowledged' : `acknowledged by ${alarm.acknowledgedBy}`)
  else parts.push('not acknowledged')
  if (alarm.shelvedUntil !== null && alarm.shelvedUntil > now)
    parts.push(`shelved until ${formatMoment(alarm.shelvedUntil, now)}`)
  return parts.join(', ')
}

function AlarmActions({ alarm }: { readonly alarm: Alarm }): JSX.Element {
  const { plant, api } = useServices()
  const [dialog, setDialog] = useState<'acknowledge' | 'shelve' | null>(null)
  const [error, setError] = useState<string | null>(null)
  const isAllowed = plant.may('operator')
  const place = alarmPlace(plant, alarm)
  const isShelved = alarm.shelvedUntil !== null && alarm.shelvedUntil > plant.now.value
  const unshelve = async (): Promise<void> => {
    try {
      plant.putAlarm(await api.unshelve(alarm.id))
    } catch (cause) {
      setError(errorMessage(cause))
    }
  }
  return (
    <>
      <div class="button-row">
        {!alarm.acknowledged && (
          <Button onClick={() => setDialog('acknowledge')} disabled={!isAllowed} label={`Acknowledge ${place}`}>
            Acknowledge
          </Button>
        )}
        {isShelved ? (
          <Button kind="quiet" onClick={() => void unshelve()} disabled={!isAllowed} label={`Unshelve ${place}`}>
            Unshelve
          </Button>
        ) : (
          <Button kind="quiet" onClick={() => setDialog('shelve')} disabled={!isAllowed} label={`Shelve ${place}`}>
            Shelve
          </Button>
        )}
      </div>
      <ErrorText text={error} />
      {dialog === 'acknowledge' && <AcknowledgeDialog alarm={alarm} onClose={() => setDialog(null)} />}
      {dialog === 'shelve' && <ShelveDialog alarm={alarm} onClose={() => setDialog(null)} />}
    </>
  )
}
