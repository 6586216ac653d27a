// The audit log: who changed what, when, from where, before and after. For administrators; nothing in it can be changed.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readAudit, readIntegrity, type AuditEntry } from '../client/accounts.ts'
import { errorMessage, isAborted } from '../client/http.ts'
import { formatMoment } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Field, Select } from '../parts/field.tsx'
import { Badge } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { SystemTabs } from './system-tabs.tsx'

const HOUR = 3_600_000
const SPANS = [
  { key: '24h', text: 'Last 24 hours', ms: 24 * HOUR },
  { key: '7d', text: 'Last 7 days', ms: 168 * HOUR },
  { key: '30d', text: 'Last 30 days', ms: 720 * HOUR },
  { key: 'all', text: 'All', ms: null },
] as const

const ACTIONS = [
  { key: '', text: 'All' },
  { key: 'config', text: 'Configuration' },
  { key: 'user', text: 'Users' },
  { key: 'token', text: 'Tokens' },
  { key: 'session', text: 'Sessions' },
  { key: 'sensor', text: 'Writes to sensors' },
  { key: 'alarm', text: 'Alarms' },
  { key: 'device', text: 'Devices' },
  { key: 'uplink', text: 'Uplinks' },
] as const

/** The filters of the address bar, complete. */
function filtersOf(query: string) {
  const params = new URLSearchParams(query)
  return {
    span: SPANS.find(({ key }) => key === params.get('span'))?.key ?? ('7d' as const),
    action: ACTIONS.find(({ key }) => key === params.get('action'))?.key ?? ('' as const),
    who: params.get('who') ?? '',
    target: params.get('target') ?? '',
  }
}
type Filters = ReturnType<typeof filtersOf>

export function AuditPage(): JSX.Element {
  const { plant } = useServices()
  return (
    <Page title="Audit log" lead={<p>Who changed what, newest first. Nothing in it can be changed.</p>}>
      <SystemTabs current="audit" />
      {plant.may('admin') ? (
        <Audit />
      ) : (
        <EmptyState title="The audit log is for administrators" icon="user">
          <p>Sign in as an administrator.</p>
        </EmptyState>
      )}
    </Page>
  )
}

function Audit(): JSX.Element {
  const { router } = useServices()
  const filters = filtersOf(router.query.value)
  const { entries, isLoading, error, more } = useAudit(filters)
  const set = router.setQuery.bind(router)
  return (
    <Card title="Changes" aside={<Integrity />}>
      <div class="filter-form">
        <Select label="Time" value={filters.span} options={SPANS} onChoose={(span) => set({ span })} />
        <Select label="About" value={filters.action} options={ACTIONS} onChoose={(action) => set({ action })} />
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
      <div class="card-foot button-row">
        <span class="quiet" role="status">
          {isLoading ? 'Loading…' : counted(entries.length, 'entry', 'entries')}
        </span>
        {more !== null && (
          <Button onClick={more} disabled={isLoading}>
            Show older ones
          </Button>
        )}
      </div>
    </Card>
  )
}

function useAudit(filters: Filters): {
  readonly entries: readonly AuditEntry[]
  readonly isLoading: boolean
  readonly error: string | null
  readonly more: (() => void) | null
} {
  const { api, plant } = useServices()
  const [entries, setEntries] = useState<readonly AuditEntry[]>([])
  const [next, setNext] = useState<string | null>(null)
  const [isLoading, setLoading] = useState(true)
  const [error, setError] = useState<string | null>(null)
  const load = async (cursor: string | null, signal: AbortSignal): Promise<void> => {
    setLoading(true)
    const { span, ...rest } = filters
    const ms = SPANS.find(({ key }) => key === span)!.ms
    const from = ms === null ? '' : new Date(plant.now.peek() - ms).toISOString()
    const page = await readAudit(api.http, { ...rest, from, cursor: cursor ?? '' }, signal)
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
  }, [JSON.stringify(filters)])
  return { entries, isLoading, error, more: next === null ? null : () => run(next, new AbortController().signal) }
}

function Integrity(): JSX.Element {
  const { api } = useServices()
  const [words, setWords] = useState<string | null>(null)
  const ask = async (): Promise<void> => {
    setWords('Checking…')
    try {
      const fault = await readIntegrity(api.http)
      setWords(fault === null ? 'Every entry is as it was written.' : `It was altered at ${fault}`)
    } catch (cause) {
      setWords(errorMessage(cause))
    }
  }
  return (
    <div class="button-row integrity">
      <span role="status">{words}</span>
      <Button icon="check" onClick={() => void ask()}>
        Check that it is intact
      </Button>
    </div>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'time', head: 'When', isNarrow: true },
  { key: 'who', head: 'Who' },
  { key: 'action', head: 'Did what' },
  { key: 'outcome', head: 'Outcome', isNarrow: true },
  { key: 'details', head: 'Before → after' },
]

function Entries({ entries }: { readonly entries: readonly AuditEntry[] }): JSX.Element {
  const { plant } = useServices()
  return (
    <Table caption="Changes" columns={COLUMNS}>
      {entries.map((entry) => (
        <tr key={entry.seq}>
          <HeadCell>{formatMoment(entry.time, plant.now.peek())}</HeadCell>
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
