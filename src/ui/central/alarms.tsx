// Open alarms of all gateways, by priority, then the newest first. They are acted on at their gateway, which is where it is decided
// whether they are over.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { Alarm } from '../client/wire.ts'
import { counted } from '../format/words.ts'
import { AlarmFilters, AlarmTable, isWanted, leadText, type AlarmFilter } from '../pages/alarm-table.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { Select } from '../parts/field.tsx'
import { compareAlarms, isShelved, isShown, isSilent } from '../state/condition.ts'
import { useFrame } from '../state/frame.ts'
import { AlarmTabs } from '../pages/alarm-tabs.tsx'
import { readAlarms } from './model-api.ts'
import { useCentral } from './services.ts'
import { LostNotice, Page } from './shell.tsx'
import { useGateways } from './use-gateways.ts'
import { usePoll } from './use-poll.ts'

const EVERY_MS = 5000

export function AlarmsPage(): JSX.Element {
  const { api } = useCentral()
  const { now, router } = useFrame()
  const gateway = new URLSearchParams(router.query.value).get('gateway') ?? ''
  const gateways = useGateways(gateway)
  const { value, error } = usePoll(
    async () => ({ gateway, ...(await readAlarms(api.http, { gateway })) }),
    gateway,
    EVERY_MS,
  )
  // What was asked for another gateway is not shown for this one.
  const known = value?.gateway === gateway ? value : null
  const time = now.value
  const all = (known?.items ?? []).toSorted(compareAlarms)
  const open = all.filter((alarm) => isShown(alarm, time))
  return (
    <Page title="Alarms" lead={known !== null && <p>{leadText(open)}</p>}>
      <AlarmTabs current="open" of="central" />
      <div class="filter-form">
        <Select
          label="Gateway"
          value={gateway}
          options={gateways}
          onChoose={(chosen) => router.setQuery({ gateway: chosen })}
        />
      </div>
      <LostNotice error={error} isStale={known !== null} />
      {known !== null && <Open alarms={open} />}
      {known !== null && known.next !== null && <p class="quiet">The newest {all.length}; choose a gateway.</p>}
      <Section title="Shelved" alarms={all.filter((alarm) => isShelved(alarm, time) && !isSilent(alarm))} />
      <Section title="Out of service or suppressed" alarms={all.filter(isSilent)} />
    </Page>
  )
}

function Open({ alarms }: { readonly alarms: readonly Alarm[] }): JSX.Element {
  const [filter, setFilter] = useState<AlarmFilter>({ state: 'all', severity: 'all' })
  const wanted = alarms.filter((alarm) => isWanted(alarm, filter))
  if (alarms.length === 0)
    return (
      <EmptyState title="No open alarms" icon="check">
        <p>No gateway has told of one that is not dealt with. What happened before stands in the journal.</p>
      </EmptyState>
    )
  return (
    <Card title="Open" aside={<AlarmFilters alarms={alarms} filter={filter} onFilter={setFilter} />}>
      {wanted.length === 0 ? (
        <p class="quiet">None of the {counted(alarms.length, 'open alarm')} is like this.</p>
      ) : (
        <AlarmTable caption="Open alarms" alarms={wanted} placeOf={placeOf} actionsOf={null} />
      )}
      <p class="quiet chart-foot">Alarms are acknowledged and shelved on the page of their gateway.</p>
    </Card>
  )
}

function Section({ title, alarms }: { readonly title: string; readonly alarms: readonly Alarm[] }): JSX.Element | null {
  if (alarms.length === 0) return null
  return (
    <Card title={title}>
      <AlarmTable caption={title} alarms={alarms} placeOf={placeOf} actionsOf={null} />
    </Card>
  )
}

const placeOf = ({ machine, sensor }: Alarm): string => (machine === null ? sensor : `${machine} · ${sensor}`)
