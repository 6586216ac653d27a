// All open alarms by priority, then the newest first; those on the shelf and out of service; and what ended while the page was open.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { Alarm } from '../client/wire.ts'
import { counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { useServices } from '../state/services.ts'
import { AlarmActions } from './alarm-actions.tsx'
import { alarmPlace } from './alarm-place.ts'
import { AlarmFilters, AlarmTable, isWanted, leadText, type AlarmFilter } from './alarm-table.tsx'
import { AlarmTabs } from './alarm-tabs.tsx'

export function AlarmsPage(): JSX.Element {
  const { plant } = useServices()
  const [filter, setFilter] = useState<AlarmFilter>({ state: 'all', severity: 'all' })
  const open = plant.openAlarms.value
  const wanted = open.filter((alarm) => isWanted(alarm, filter))
  return (
    <Page title="Alarms" lead={<p>{leadText(open)}</p>}>
      <AlarmTabs current="open" />
      {open.length === 0 ? (
        <EmptyState title="No open alarms" icon="check">
          <p>Every limit is kept, and everything that was raised has been dealt with.</p>
        </EmptyState>
      ) : (
        <Card title="Open" aside={<AlarmFilters alarms={open} filter={filter} onFilter={setFilter} />}>
          {wanted.length === 0 ? (
            <p class="quiet">None of the {counted(open.length, 'open alarm')} is like this.</p>
          ) : (
            <PlantAlarms caption="Open alarms" alarms={wanted} hasActions />
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

interface PlantAlarmsProps {
  readonly caption: string
  readonly alarms: readonly Alarm[]
  readonly hasActions: boolean
}

function Section({ title, ...table }: PlantAlarmsProps & { readonly title: string }): JSX.Element | null {
  if (table.alarms.length === 0) return null
  return (
    <Card title={title}>
      <PlantAlarms {...table} />
    </Card>
  )
}

function PlantAlarms({ caption, alarms, hasActions }: PlantAlarmsProps): JSX.Element {
  const { plant } = useServices()
  return (
    <AlarmTable
      caption={caption}
      alarms={alarms}
      placeOf={(alarm) => alarmPlace(plant, alarm)}
      actionsOf={hasActions ? (alarm) => <AlarmActions alarm={alarm} /> : null}
    />
  )
}
