// What happened: every change of an alarm, or the events of the gateway and its programs. The filters stand in the address.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage, isAborted } from '../client/http.ts'
import { readJournal, type JournalEntry } from '../client/journal.ts'
import { SEVERITIES } from '../client/wire.ts'
import { formatMoment, fromLocalInput, toLocalInput } from '../format/time.ts'
import { SEVERITY_WORDS, counted, nameFromId, unparted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link, Segments } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Field, Select } from '../parts/field.tsx'
import { Badge, SeverityMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { alarmPlace } from './alarm-place.ts'
import { AlarmTabs } from './alarm-tabs.tsx'

const HOUR = 3_600_000
const SPANS = [
  { key: '1h', text: 'Last hour', ms: HOUR },
  { key: '8h', text: 'Last 8 hours', ms: 8 * HOUR },
  { key: '24h', text: 'Last 24 hours', ms: 24 * HOUR },
  { key: '7d', text: 'Last 7 days', ms: 168 * HOUR },
  { key: '30d', text: 'Last 30 days', ms: 720 * HOUR },
  { key: 'own', text: 'From … to …', ms: 0 },
] as const
type Span = (typeof SPANS)[number]['key']

const CHANGES = [
  { key: '', text: 'All' },
  { key: 'raised', text: 'Raised' },
  { key: 'cleared', text: 'Cleared' },
  { key: 'acknowledged', text: 'Acknowledged' },
  { key: 'confirmed', text: 'Confirmed' },
  { key: 'reset', text: 'Reset' },
  { key: 'commented', text: 'Commented' },
  { key: 'shelved', text: 'Shelved' },
  { key: 'outOfService', text: 'Out of service' },
  { key: 'suppressed', text: 'Suppressed' },
] as const
const EVENT_SEVERITIES = ['error', 'warning', 'info', 'debug'] as const

/** The filters of the address bar, complete. */
function filtersOf(query: string) {
  const params = new URLSearchParams(query)
  const read = (key: string): string => params.get(key) ?? ''
  return {
    kind: params.get('kind') === 'event' ? ('event' as const) : ('alarm' as const),
    span: SPANS.find(({ key }) => key === read('span'))?.key ?? ('24h' as const),
    from: read('from'),
    to: read('to'),
    machine: read('machine'),
    sensor: read('sensor'),
    severity: read('severity'),
    type: read('type'),
    by: read('by'),
  }
}
type Filters = ReturnType<typeof filtersOf>

export function JournalPage(): JSX.Element {
  const { router } = useServices()
  const filters = filtersOf(router.query.value)
  const journal = useJournal(filters)
  const set = (changes: Readonly<Record<string, string | null>>): void => router.setQuery(changes)
  return (
    <Page title="Journal" lead={<p>What happened, newest first. Nothing in it can be changed.</p>}>
      <AlarmTabs current="journal" />
      <Card
        title={filters.kind === 'alarm' ? 'Alarms' : 'Events'}
        aside={
          <Segments
            label="What"
            options={[
              { key: 'alarm', text: 'Alarms' },
              { key: 'event', text: 'Events' },
            ]}
            selected={filters.kind}
            onSelect={(kind) => set({ kind: kind === 'event' ? kind : null, severity: null, type: null })}
          />
        }
      >
        <FilterForm filters={filters} onChange={set} />
        {journal.error !== null && (
          <Notice icon="bad" tone="data">
            <strong>The journal could not be loaded.</strong> {journal.error}
          </Notice>
        )}
        <Entries kind={filters.kind} entries={journal.entries} isLoading={journal.isLoading} />
        <div class="card-foot button-row">
          <span class="quiet" role="status">
            {journal.isLoading ? 'Loading…' : counted(journal.entries.length, 'entry', 'entries')}
          </span>
          {journal.more !== null && (
            <Button onClick={journal.more} disabled={journal.isLoading}>
              Show older ones
            </Button>
          )}
        </div>
      </Card>
    </Page>
  )
}

function useJournal(filters: Filters): {
  readonly entries: readonly JournalEntry[]
  readonly isLoading: boolean
  readonly error: string | null
  readonly more: (() => void) | null
} {
  const { api, plant } = useServices()
  const [entries, setEntries] = useState<readonly JournalEntry[]>([])
  const [next, setNext] = useState<string | null>(null)
  const [isLoading, setLoading] = useState(true)
  const [error, setError] = useState<string | null>(null)
  const key = JSON.stringify(filters)
  const load = async (cursor: string | null, signal: AbortSignal): Promise<void> => {
    setLoading(true)
    const { span, from, to, ...rest } = filters
    const now = plant.now.peek()
    const range: Readonly<Record<string, string>> =
      span === 'own'
        ? {
            from: toIso(fromLocalInput(from) ?? now - 24 * HOUR),
            to: to === '' ? '' : toIso(fromLocalInput(to) ?? now),
          }
        : { from: toIso(now - SPANS.find((option) => option.key === span)!.ms) }
    const page = await readJournal(api.http, { ...rest, ...range, cursor: cursor ?? '' }, signal)
    if (signal.aborted) return
    setEntries((before) => (cursor === null ? page.items : [...before, ...page.items]))
    setNext(page.next)
    setError(null)
    setLoading(false)
  }
  const run = (cursor: string | null, signal: AbortSignal): void => {
    load(cursor, signal).catch((cause: unknown) => {
      if (signal.aborted || isAborted(cause)) return
      setError(errorMessage(cause))
      setLoading(false)
    })
  }
  useEffect(() => {
    const abort = new AbortController()
    run(null, abort.signal)
    return () => abort.abort()
  }, [key])
  const more = next === null ? null : () => run(next, new AbortController().signal)
  return { entries, isLoading, error, more }
}

function toIso(time: number): string {
  return new Date(time).toISOString()
}

interface FilterFormProps {
  readonly filters: Filters
  readonly onChange: (changes: Readonly<Record<string, string | null>>) => void
}

function FilterForm({ filters, onChange }: FilterFormProps): JSX.Element {
  const { plant } = useServices()
  const machines = plant.machines.value.map(({ machine }) => ({ key: machine.id, text: machine.name }))
  const sensors = [...plant.sensors.value.keys()].map((id) => ({ key: id, text: id }))
  const isAlarm = filters.kind === 'alarm'
  const severities = isAlarm
    ? SEVERITIES.map((key) => ({ key: key as string, text: SEVERITY_WORDS[key] }))
    : EVENT_SEVERITIES.map((key) => ({ key: key as string, text: nameFromId(key) }))
  const choose = (span: Span): void => {
    const now = plant.now.peek()
    if (span === 'own') onChange({ span, from: toLocalInput(now - 24 * HOUR), to: toLocalInput(now) })
    else onChange({ span: span === '24h' ? null : span, from: null, to: null })
  }
  const all = { key: '', text: 'All' }
  return (
    <form class="filter-form" onSubmit={(event) => event.preventDefault()} aria-label="Filters of the journal">
      <Select label="Time" value={filters.span} options={SPANS} onChoose={choose} />
      {filters.span === 'own' && (
        <>
          <Field label="From" type="datetime-local" value={filters.from} onInput={(from) => onChange({ from })} />
          <Field label="To" type="datetime-local" value={filters.to} onInput={(to) => onChange({ to })} />
        </>
      )}
      <Select
        label="Machine"
        value={filters.machine}
        options={[all, ...machines]}
        onChoose={(machine) => onChange({ machine })}
      />
      {isAlarm && (
        <Select
          label="Sensor"
          value={filters.sensor}
          options={[all, ...sensors]}
          onChoose={(sensor) => onChange({ sensor })}
        />
      )}
      <Select
        label={isAlarm ? 'Priority' : 'Severity'}
        value={filters.severity}
        options={[all, ...severities]}
        onChoose={(severity) => onChange({ severity })}
      />
      {isAlarm ? (
        <Select
          label="What happened"
          value={filters.type}
          options={CHANGES.map(({ key, text }) => ({ key: key as string, text }))}
          onChoose={(type) => onChange({ type })}
        />
      ) : (
        <Field label="Type begins with" value={filters.type} onInput={(type) => onChange({ type })} />
      )}
      <Field label="Who" value={filters.by} onInput={(by) => onChange({ by })} />
    </form>
  )
}

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
}

function Entries({ kind, entries, isLoading }: EntriesProps): JSX.Element {
  if (entries.length === 0 && !isLoading)
    return (
      <EmptyState title="Nothing like this happened">
        <p>Choose a longer time or fewer filters.</p>
      </EmptyState>
    )
  return (
    <Table caption="Entries of the journal" columns={kind === 'alarm' ? ALARM_COLUMNS : EVENT_COLUMNS}>
      {entries.map((entry) => (
        <EntryRow key={entry.position} entry={entry} />
      ))}
    </Table>
  )
}

function EntryRow({ entry }: { readonly entry: JournalEntry }): JSX.Element {
  const { plant } = useServices()
  const time = <HeadCell>{formatMoment(entry.time, plant.now.peek())}</HeadCell>
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
        <Cell head="Source">{entry.source}</Cell>
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
        <Link to={sensorPath(alarm.sensor)}>{alarmPlace(plant, alarm)}</Link>
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
