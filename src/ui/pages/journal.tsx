// What happened: every change of an alarm, or the events of the gateway and its programs. The filters stand in the address.

import type { JSX } from 'preact'
import { readJournal, type JournalEntry } from '../client/journal.ts'
import { SEVERITIES } from '../client/wire.ts'
import { fromLocalInput, toLocalInput } from '../format/time.ts'
import { SEVERITY_WORDS, nameFromId } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Segments } from '../parts/button.tsx'
import { Card, Notice } from '../parts/card.tsx'
import { ListFoot } from '../parts/list-foot.tsx'
import { Field, Select } from '../parts/field.tsx'
import { useServices } from '../state/services.ts'
import { alarmPlace } from './alarm-place.ts'
import { AlarmTabs } from './alarm-tabs.tsx'
import { JournalEntries } from './journal-list.tsx'
import { usePages, type Pages } from './use-pages.ts'

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
  const { plant, router } = useServices()
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
        <JournalEntries
          kind={filters.kind}
          entries={journal.entries}
          isLoading={journal.isLoading}
          placeOf={(alarm) => alarmPlace(plant, alarm)}
        />
        <ListFoot
          count={journal.entries.length}
          nouns={['entry', 'entries']}
          isLoading={journal.isLoading}
          more={journal.more}
        />
      </Card>
    </Page>
  )
}

function useJournal(filters: Filters): Pages<JournalEntry> {
  const { api, plant } = useServices()
  return usePages(JSON.stringify(filters), (cursor, signal) => {
    const { span, from, to, ...rest } = filters
    const now = plant.now.peek()
    const range: Readonly<Record<string, string>> =
      span === 'own'
        ? {
            from: toIso(fromLocalInput(from) ?? now - 24 * HOUR),
            to: to === '' ? '' : toIso(fromLocalInput(to) ?? now),
          }
        : { from: toIso(now - SPANS.find((option) => option.key === span)!.ms) }
    return readJournal(api.http, { ...rest, ...range, cursor }, signal)
  })
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
