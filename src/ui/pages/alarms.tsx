// All open alarms by priority, then the newest first; those on the shelf and out of service; and what ended while the page was open.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { SEVERITIES, type Alarm, type Severity } from '../client/wire.ts'
import { formatDuration, formatMoment } from '../format/time.ts'
import { LEVEL_WORDS, SEVERITY_WORDS, counted, unparted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Link, Segments } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { SeverityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { AlarmActions } from './alarm-actions.tsx'
import { alarmPlace } from './alarm-place.ts'
import { AlarmTabs } from './alarm-tabs.tsx'

const COLUMNS: readonly Column[] = [
  { key: 'priority', head: 'Priority', isNarrow: true },
  { key: 'where', head: 'Where' },
  { key: 'what', head: 'What' },
  { key: 'state', head: 'State' },
  { key: 'raised', head: 'Raised', align: 'end', isNarrow: true },
]
const WITH_ACTIONS: readonly Column[] = [...COLUMNS, { key: 'do', head: 'Actions', align: 'end', isNarrow: true }]

type StateFilter = 'all' | 'active' | 'unacknowledged' | 'waiting'

const STATES: readonly { readonly key: StateFilter; readonly text: string; readonly words?: string }[] = [
  { key: 'all', text: 'All' },
  { key: 'active', text: 'Active' },
  { key: 'unacknowledged', text: 'New', words: 'Not acknowledged' },
  { key: 'waiting', text: 'Over', words: 'Over, but not done with' },
]

function isInState(alarm: Alarm, state: StateFilter): boolean {
  switch (state) {
    case 'all':
      return true
    case 'active':
      return alarm.active
    case 'unacknowledged':
      return !alarm.acknowledged
    case 'waiting':
      return !alarm.active
  }
}

export function AlarmsPage(): JSX.Element {
  const { plant } = useServices()
  const [state, setState] = useState<StateFilter>('all')
  const [severity, setSeverity] = useState<Severity | 'all'>('all')
  const open = plant.openAlarms.value
  const isWanted = (alarm: Alarm): boolean =>
    isInState(alarm, state) && (severity === 'all' || alarm.severity === severity)
  const wanted = open.filter(isWanted)
  return (
    <Page title="Alarms" lead={<p>{leadText(open)}</p>}>
      <AlarmTabs current="open" />
      {open.length === 0 ? (
        <EmptyState title="No open alarms" icon="check">
          <p>Every limit is kept, and everything that was raised has been dealt with.</p>
        </EmptyState>
      ) : (
        <Card
          title="Open"
          aside={
            <div class="filters">
              <Segments label="State" options={STATES} selected={state} onSelect={setState} />
              <Segments label="Priority" options={priorities(open)} selected={severity} onSelect={setSeverity} />
            </div>
          }
        >
          {wanted.length === 0 ? (
            <p class="quiet">None of the {counted(open.length, 'open alarm')} is like this.</p>
          ) : (
            <AlarmTable caption="Open alarms" alarms={wanted} hasActions />
          )}
        </Card>
      )}
      <Section title="Shelved" caption="Shelved alarms" alarms={plant.shelvedAlarms.value} hasActions />
      <Section
        title="Out of service or suppressed"
        caption="Alarms that are out of service or suppressed"
        alarms={plant.silentAlarms.value}
        hasActions
      />
      <Section
        title="Over since this page was opened"
        caption="Alarms that are over"
        alarms={plant.ended.value}
        hasActions={false}
      />
    </Page>
  )
}

function priorities(open: readonly Alarm[]): readonly { key: Severity | 'all'; text: string; words?: string }[] {
  return [
    { key: 'all', text: 'All', words: 'All priorities' },
    ...SEVERITIES.map((key, index) => ({
      key,
      text: `${index + 1}`,
      words: `${SEVERITY_WORDS[key]}, ${open.filter((alarm) => alarm.severity === key).length}`,
    })),
  ]
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

function Section({ title, ...table }: AlarmTableProps & { readonly title: string }): JSX.Element | null {
  if (table.alarms.length === 0) return null
  return (
    <Card title={title}>
      <AlarmTable {...table} />
    </Card>
  )
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
        <span class="second-line">
          {LEVEL_WORDS[alarm.level]}
          {alarm.firstOut && ', first of its group'}
        </span>
      </Cell>
      <Cell head="What" isWide>
        {unparted(alarm.message)}
        {alarm.lastComment !== null && (
          <span class="second-line comment-line">
            <Icon name="comment" />
            {alarm.lastComment.by}: {alarm.lastComment.text}
          </span>
        )}
      </Cell>
      <Cell head="State">
        {stateText(alarm, now)}
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

function stateText(alarm: Alarm, now: number): string {
  if (alarm.active) return 'Active'
  if (alarm.clearedAt === alarm.raisedAt) return 'No alarm'
  return `Over since ${formatMoment(alarm.clearedAt ?? now, now)}${alarm.latched ? ', kept until reset' : ''}`
}

function handledText(alarm: Alarm, now: number): string {
  const parts: string[] = []
  if (alarm.outOfService)
    parts.push(
      alarm.outOfServiceUntil === null
        ? 'out of service until it is returned'
        : `out of service until ${formatMoment(alarm.outOfServiceUntil, now)}`,
    )
  else if (alarm.suppressed) parts.push('suppressed by its condition')
  else if (alarm.acknowledged)
    parts.push(alarm.acknowledgedBy === null ? 'acknowledged' : `acknowledged by ${alarm.acknowledgedBy}`)
  else parts.push('not acknowledged')
  if (alarm.confirmed === false && alarm.acknowledged) parts.push('not confirmed')
  if (alarm.shelvedUntil !== null && alarm.shelvedUntil > now)
    parts.push(
      `shelved until ${formatMoment(alarm.shelvedUntil, now)}${alarm.shelving === 'oneShot' ? ' or until it is over' : ''}`,
    )
  return parts.join(', ')
}
