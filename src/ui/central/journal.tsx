// What happened to alarms at all gateways, or the events of gateways and programs, newest first. The filters stand in the address.

import type { JSX } from 'preact'
import { readJournal, type JournalEntry } from '../client/journal.ts'
import { JournalEntries } from '../pages/journal-list.tsx'
import { usePages } from '../pages/use-pages.ts'
import { Segments } from '../parts/button.tsx'
import { Card, Notice } from '../parts/card.tsx'
import { ListFoot } from '../parts/list-foot.tsx'
import { Select } from '../parts/field.tsx'
import { useFrame } from '../state/frame.ts'
import { AlarmTabs } from '../pages/alarm-tabs.tsx'
import { useCentral } from './services.ts'
import { Page } from './shell.tsx'
import { SPANS } from './spans.ts'
import { useGateways } from './use-gateways.ts'

const KINDS = [
  { key: 'alarm', text: 'Alarms' },
  { key: 'event', text: 'Events' },
] as const

export function JournalPage(): JSX.Element {
  const { api } = useCentral()
  const { now, router } = useFrame()
  const params = new URLSearchParams(router.query.value)
  const kind = params.get('kind') === 'event' ? 'event' : 'alarm'
  const span = SPANS.find(({ key }) => key === params.get('span')) ?? SPANS[2]
  const gateway = params.get('gateway') ?? ''
  const gateways = useGateways(gateway)
  const { entries, error, isLoading, more } = usePages<JournalEntry>(
    `${kind} ${span.key} ${gateway}`,
    (cursor, signal) => {
      const from = new Date(now.peek() - span.ms).toISOString()
      return readJournal(api.http, { kind, gateway, from, cursor }, signal)
    },
  )
  const set = router.setQuery.bind(router)
  return (
    <Page title="Journal" lead={<p>What happened, newest first. Nothing in it can be changed.</p>}>
      <AlarmTabs current="journal" of="central" />
      <Card
        title={kind === 'alarm' ? 'Alarms' : 'Events'}
        aside={
          <Segments
            label="What"
            options={KINDS}
            selected={kind}
            onSelect={(chosen) => set({ kind: chosen === 'event' ? chosen : null })}
          />
        }
      >
        <div class="filter-form">
          <Select label="Time" value={span.key} options={SPANS} onChoose={(chosen) => set({ span: chosen })} />
          <Select label="Gateway" value={gateway} options={gateways} onChoose={(chosen) => set({ gateway: chosen })} />
        </div>
        {error !== null && (
          <Notice icon="bad" tone="data">
            <strong>The journal could not be loaded.</strong> {error}
          </Notice>
        )}
        <JournalEntries
          kind={kind}
          entries={entries.filter((entry) => entry.kind === kind)}
          isLoading={isLoading}
          placeOf={({ sensor }) => sensor}
        />
        <ListFoot count={entries.length} nouns={['entry', 'entries']} isLoading={isLoading} more={more} />
      </Card>
    </Page>
  )
}
