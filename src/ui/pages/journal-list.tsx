// Entries of the journal in a table: what happened to alarms, or events.

import type { JSX } from 'preact'
import type { JournalEntry } from '../client/journal.ts'
import type { Alarm } from '../client/wire.ts'
import { formatMoment } from '../format/time.ts'
import { nameFromId, unparted } from '../format/words.ts'
import { Link } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import { Badge, SeverityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { sensorPath } from '../state/route.ts'

const ALARM_COLUMNS: readonly Column[] = [
  { key: 'time', head: 'Time', isNarrow: true },
  { key: 'priority', head: 'Priority', isNarrow: true },
  { key: 'change', head: 'What happened' },
  { key: 'where', head: 'Where' },
  { key: 'message', head: 'Alarm' },
  { key: 'by', head: 'Who' },
]
const EVENT_COLUMNS: readonly Column[] = [
  { key: 'time', head: 'Time', isNarrow: true },
  { key: 'severity', head: 'Severity', isNarrow: true },
  { key: 'source', head: 'Source' },
  { key: 'message', head: 'Event' },
  { key: 'by', head: 'Who' },
]

interface EntriesProps {
  readonly kind: 'alarm' | 'event'
  readonly entries: readonly JournalEntry[]
  readonly isLoading: boolean
  /** Where an alarm is, in words. */
  readonly placeOf: (alarm: Alarm) => string
}

export function JournalEntries({ kind, entries, isLoading, placeOf }: EntriesProps): JSX.Element {
  if (entries.length === 0 && !isLoading)
    return (
      <EmptyState title="Nothing like this happened">
        <p>Choose a longer time or fewer filters.</p>
      </EmptyState>
    )
  return (
    <Table caption="Entries of the journal" columns={kind === 'alarm' ? ALARM_COLUMNS : EVENT_COLUMNS}>
      {entries.map((entry) => (
        <EntryRow key={`${entry.gateway ?? ''} ${entry.position}`} entry={entry} placeOf={placeOf} />
      ))}
    </Table>
  )
}

interface EntryRowProps extends Pick<EntriesProps, 'placeOf'> {
  readonly entry: JournalEntry
}

function EntryRow({ entry, placeOf }: EntryRowProps): JSX.Element {
  const { now } = useFrame()
  const time = <HeadCell>{formatMoment(entry.time, now.peek())}</HeadCell>
  const who = <Cell head="Who">{entry.by ?? <span class="quiet">gateway</span>}</Cell>
  if (entry.kind === 'event') {
    const isTrouble = entry.severity === 'error' || entry.severity === 'warning'
    return (
      <tr>
        {time}
        <Cell head="Severity">
          <Badge tone={isTrouble ? 'data' : 'quiet'} icon={isTrouble ? 'bad' : undefined}>
            {nameFromId(entry.severity)}
          </Badge>
        </Cell>
        <Cell head="Source">
          {entry.source}
          {entry.gateway !== null && <span class="second-line">at {entry.gateway}</span>}
        </Cell>
        <Cell head="Event" isWide>
          {entry.message}
          <span class="second-line">{entry.type}</span>
        </Cell>
        {who}
      </tr>
    )
  }
  const { alarm, change, comment } = entry
  return (
    <tr>
      {time}
      <Cell head="Priority">
        <SeverityMark severity={alarm.severity} isHollow={!alarm.active} />
      </Cell>
      <Cell head="What happened">{changeWords(change)}</Cell>
      <Cell head="Where" isWide>
        <Link to={sensorPath(alarm.sensor)}>{placeOf(alarm)}</Link>
        {entry.gateway !== null && <span class="second-line">at {entry.gateway}</span>}
      </Cell>
      <Cell head="Alarm" isWide>
        {unparted(alarm.message)}
        {comment !== null && <span class="second-line">“{comment}”</span>}
      </Cell>
      {who}
    </tr>
  )
}

/** `outOfService` → `Out of service` */
function changeWords(change: string): string {
  if (change === 'level') return 'Other limit'
  return nameFromId(change.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))
}
