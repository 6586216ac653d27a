// Alarms in a table, and how they are narrowed: at a gateway with what can be done about each, at central without.

import type { ComponentChildren, JSX } from 'preact'
import { SEVERITIES, type Alarm, type Severity } from '../client/wire.ts'
import { formatDuration, formatMoment } from '../format/time.ts'
import { LEVEL_WORDS, SEVERITY_WORDS, counted, unparted } from '../format/words.ts'
import { Link, Segments } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { SeverityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { sensorPath } from '../state/route.ts'

const COLUMNS: readonly Column[] = [
  { key: 'priority', head: 'Priority', isNarrow: true },
  { key: 'where', head: 'Where' },
  { key: 'what', head: 'What' },
  { key: 'state', head: 'State' },
  { key: 'raised', head: 'Raised', align: 'end', isNarrow: true },
]
const WITH_ACTIONS: readonly Column[] = [...COLUMNS, { key: 'do', head: 'Actions', align: 'end', isNarrow: true }]

export type StateFilter = 'all' | 'active' | 'unacknowledged' | 'waiting'

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

export interface AlarmFilter {
  readonly state: StateFilter
  readonly severity: Severity | 'all'
}

export function isWanted(alarm: Alarm, { state, severity }: AlarmFilter): boolean {
  return isInState(alarm, state) && (severity === 'all' || alarm.severity === severity)
}

interface AlarmFiltersProps {
  readonly alarms: readonly Alarm[]
  readonly filter: AlarmFilter
  readonly onFilter: (filter: AlarmFilter) => void
}

export function AlarmFilters({ alarms, filter, onFilter }: AlarmFiltersProps): JSX.Element {
  return (
    <div class="filters">
      <Segments
        label="State"
        options={STATES}
        selected={filter.state}
        onSelect={(state) => onFilter({ ...filter, state })}
      />
      <Segments
        label="Priority"
        options={priorities(alarms)}
        selected={filter.severity}
        onSelect={(severity) => onFilter({ ...filter, severity })}
      />
    </div>
  )
}

/** How many there are, in words. */
export function leadText(open: readonly Alarm[]): string {
  const waiting = open.filter((alarm) => !alarm.acknowledged).length
  const active = open.filter((alarm) => alarm.active).length
  return open.length === 0 ? 'Nothing to do.' : `${counted(active, 'active alarm')}, ${waiting} not acknowledged`
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

interface AlarmTableProps {
  readonly caption: string
  readonly alarms: readonly Alarm[]
  /** Where it is, in words. */
  readonly placeOf: (alarm: Alarm) => string
  /** Buttons of an alarm; null: nothing can be done here. */
  readonly actionsOf: ((alarm: Alarm) => ComponentChildren) | null
}

export function AlarmTable({ caption, alarms, ...of }: AlarmTableProps): JSX.Element {
  return (
    <Table caption={caption} columns={of.actionsOf === null ? COLUMNS : WITH_ACTIONS}>
      {alarms.map((alarm) => (
        <AlarmRow key={alarm.id} alarm={alarm} {...of} />
      ))}
    </Table>
  )
}

interface AlarmRowProps extends Pick<AlarmTableProps, 'placeOf' | 'actionsOf'> {
  readonly alarm: Alarm
}

function AlarmRow({ alarm, placeOf, actionsOf }: AlarmRowProps): JSX.Element {
  const now = useFrame().now.value
  return (
    <tr class={alarm.active && !alarm.acknowledged ? 'is-waiting-for-you' : undefined}>
      <HeadCell>
        <SeverityMark severity={alarm.severity} isHollow={!alarm.active} />
      </HeadCell>
      <Cell head="Where" isWide>
        <Link to={sensorPath(alarm.sensor)}>{placeOf(alarm)}</Link>
        <span class="second-line">
          {LEVEL_WORDS[alarm.level]}
          {alarm.firstOut && ', first of its group'}
          {alarm.gateway !== null && `, at ${alarm.gateway}`}
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
      {actionsOf !== null && (
        <Cell head="Actions" align="end" isWide>
          {actionsOf(alarm)}
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
