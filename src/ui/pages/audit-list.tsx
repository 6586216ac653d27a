// Who changed what, when, from where, before and after: filters, pages of entries, and what was found as a file. The filters stand
// in the address.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { AuditEntry } from '../client/audit.ts'
import type { Page } from '../client/decode-page.ts'
import { toCsv } from '../format/csv.ts'
import { formatMoment } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { ErrorText, Field, Select } from '../parts/field.tsx'
import { Badge } from '../parts/marks.tsx'
import { saveFile } from '../parts/save-file.ts'
import { ListFoot } from '../parts/list-foot.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { usePages } from './use-pages.ts'
import { useWork } from './use-work.ts'

const HOUR = 3_600_000
const SPANS = [
  { key: '24h', text: 'Last 24 hours', ms: 24 * HOUR },
  { key: '7d', text: 'Last 7 days', ms: 168 * HOUR },
  { key: '30d', text: 'Last 30 days', ms: 720 * HOUR },
  { key: 'all', text: 'All', ms: null },
] as const
/** What a file holds at most; narrower filters give the rest. */
const MOST_IN_FILE = 50_000
const PAGE_IN_FILE = '1000'

type Read = (filters: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Page<AuditEntry>>

interface AuditListProps {
  readonly read: Read
  /** First words of actions, and what they are about. The first is all of them. */
  readonly subjects: readonly { readonly key: string; readonly text: string }[]
  readonly fileName: string
  readonly aside?: JSX.Element
}

/** The filters of the address bar, complete. */
function filtersOf(query: string, subjects: AuditListProps['subjects']) {
  const params = new URLSearchParams(query)
  return {
    span: SPANS.find(({ key }) => key === params.get('span'))?.key ?? ('7d' as const),
    action: subjects.find(({ key }) => key === params.get('action'))?.key ?? '',
    who: params.get('who') ?? '',
    target: params.get('target') ?? '',
  }
}
type Filters = ReturnType<typeof filtersOf>

/** As the API wants them. */
function askedFor({ span, ...rest }: Filters, now: number): Readonly<Record<string, string>> {
  const ms = SPANS.find(({ key }) => key === span)!.ms
  return { ...rest, from: ms === null ? '' : new Date(now - ms).toISOString() }
}

export function AuditList({ read, subjects, fileName, aside }: AuditListProps): JSX.Element {
  const { now, router } = useFrame()
  const filters = filtersOf(router.query.value, subjects)
  const { entries, isLoading, error, more } = usePages(JSON.stringify(filters), (cursor, signal) =>
    read({ ...askedFor(filters, now.peek()), cursor }, signal),
  )
  const set = router.setQuery.bind(router)
  return (
    <Card title="Changes" aside={aside}>
      <div class="filter-form">
        <Select label="Time" value={filters.span} options={SPANS} onChoose={(span) => set({ span })} />
        <Select label="About" value={filters.action} options={subjects} onChoose={(action) => set({ action })} />
        <Field label="Who, exactly" value={filters.who} onInput={(who) => set({ who })} maxLength={256} />
        <Field
          label="What was changed, exactly"
          value={filters.target}
          onInput={(target) => set({ target })}
          maxLength={256}
        />
      </div>
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>The audit log could not be loaded.</strong> {error}
        </Notice>
      )}
      {entries.length > 0 && <Entries entries={entries} />}
      {entries.length === 0 && !isLoading && error === null && (
        <EmptyState title="Nothing like this was changed">
          <p>Choose a longer time or fewer filters.</p>
        </EmptyState>
      )}
      <ListFoot count={entries.length} nouns={['entry', 'entries']} isLoading={isLoading} more={more}>
        {entries.length > 0 && <SaveButton read={read} filters={filters} fileName={fileName} />}
      </ListFoot>
    </Card>
  )
}

interface SaveButtonProps extends Pick<AuditListProps, 'read' | 'fileName'> {
  readonly filters: Filters
}

function SaveButton({ read, filters, fileName }: SaveButtonProps): JSX.Element {
  const { now } = useFrame()
  const [note, setNote] = useState<string | null>(null)
  const save = async (): Promise<void> => {
    const { entries, isWhole } = await readWhole(read, askedFor(filters, now.peek()))
    saveFile(fileName, auditCsv(entries), 'text/csv;charset=utf-8')
    const count = counted(entries.length, 'entry', 'entries')
    setNote(isWhole ? `Saved ${count}.` : `Saved the newest ${count}; narrow the filters for the others.`)
  }
  const { isBusy, error, run } = useWork(save, () => undefined)
  return (
    <>
      <Button icon="download" onClick={run} disabled={isBusy}>
        Save as CSV
      </Button>
      <span class="quiet" role="status">
        {note}
      </span>
      {error !== null && <ErrorText text={error} />}
    </>
  )
}

async function readWhole(
  read: Read,
  filters: Readonly<Record<string, string>>,
): Promise<{ readonly entries: readonly AuditEntry[]; readonly isWhole: boolean }> {
  const entries: AuditEntry[] = []
  const { signal } = new AbortController()
  for (let cursor = ''; ;) {
    const page = await read({ ...filters, cursor, limit: PAGE_IN_FILE }, signal)
    entries.push(...page.items)
    if (page.next === null) return { entries, isWhole: true }
    if (entries.length >= MOST_IN_FILE) return { entries, isWhole: false }
    cursor = page.next
  }
}

/** Times in UTC. Pure. */
export function auditCsv(entries: readonly AuditEntry[]): string {
  const head = ['time', 'who', 'via', 'from', 'action', 'target', 'outcome', 'before', 'after']
  const json = (value: unknown): string | null => ((value ?? null) === null ? null : JSON.stringify(value))
  return toCsv([
    head,
    ...entries.map(({ time, who, via, from, action, target, outcome, before, after }) => [
      new Date(time).toISOString(),
      who,
      via,
      from,
      action,
      target,
      outcome,
      json(before),
      json(after),
    ]),
  ])
}

const COLUMNS: readonly Column[] = [
  { key: 'time', head: 'When', isNarrow: true },
  { key: 'who', head: 'Who' },
  { key: 'action', head: 'Did what' },
  { key: 'outcome', head: 'Outcome', isNarrow: true },
  { key: 'details', head: 'Before → after' },
]

function Entries({ entries }: { readonly entries: readonly AuditEntry[] }): JSX.Element {
  const { now } = useFrame()
  return (
    <Table caption="Changes" columns={COLUMNS}>
      {entries.map((entry, index) => (
        // Entries only follow behind: a place stays its entry's.
        <tr key={index}>
          <HeadCell>{formatMoment(entry.time, now.peek())}</HeadCell>
          <Cell head="Who">
            {entry.who}
            <span class="second-line">
              {entry.via}
              {entry.from !== null && `, from ${entry.from}`}
            </span>
          </Cell>
          <Cell head="Did what">
            {entry.action}
            {entry.target !== null && <span class="second-line">{entry.target}</span>}
          </Cell>
          <Cell head="Outcome">
            <Badge
              tone={entry.outcome === 'done' ? 'quiet' : 'data'}
              icon={entry.outcome === 'done' ? undefined : 'bad'}
            >
              {{ done: 'Done', refused: 'Refused', failed: 'Failed' }[entry.outcome]}
            </Badge>
          </Cell>
          <Cell head="Before → after" isWide>
            <Details entry={entry} />
          </Cell>
        </tr>
      ))}
    </Table>
  )
}

function Details({ entry }: { readonly entry: AuditEntry }): JSX.Element | null {
  const { before, after, suppressed } = entry
  const hasDetails = (before ?? null) !== null || (after ?? null) !== null
  return (
    <>
      {hasDetails && (
        <code class="bytes">
          {(before ?? null) !== null && `${JSON.stringify(before)} → `}
          {(after ?? null) === null ? '(nothing)' : JSON.stringify(after)}
        </code>
      )}
      {suppressed > 0 && <span class="second-line">{counted(suppressed, 'refusal')} before it are only counted</span>}
    </>
  )
}
