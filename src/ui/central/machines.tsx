// Every machine of the tenant, and finding sensors by words and tags. What is looked for stands in the address.

import type { JSX } from 'preact'
import type { Page as ListPage } from '../client/decode-page.ts'
import { displayUnit, sensorName } from '../format/words.ts'
import { usePages, type Pages } from '../pages/use-pages.ts'
import { Button, Link } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Field } from '../parts/field.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { useFrame } from '../state/frame.ts'
import { machinePath, sensorPath } from '../state/route.ts'
import { TagList } from './labels.tsx'
import { readMachines, readSensors, type CentralMachine, type CentralSensor } from './model-api.ts'
import { gatewayPath } from './route.ts'
import { useCentral } from './services.ts'
import { Page } from './shell.tsx'

export function MachinesPage(): JSX.Element {
  const { router } = useFrame()
  const params = new URLSearchParams(router.query.value)
  const q = params.get('q') ?? ''
  const tag = params.get('tag') ?? ''
  const set = router.setQuery.bind(router)
  return (
    <Page title="Machines" lead={<p>Of all gateways. They appear here when their gateway tells of them.</p>}>
      <form class="filter-form find-form" role="search" onSubmit={(event) => event.preventDefault()}>
        <Field
          label="Find sensors"
          value={q}
          onInput={(words) => set({ q: words })}
          maxLength={256}
          hint="Words of the id, the description or the unit."
        />
        <Field label="With the tag" value={tag} onInput={(word) => set({ tag: word })} maxLength={64} />
      </form>
      {q.trim() === '' && tag.trim() === '' ? <Machines /> : <FoundSensors q={q.trim()} tag={tag.trim()} />}
    </Page>
  )
}

const MACHINE_COLUMNS: readonly Column[] = [
  { key: 'machine', head: 'Machine' },
  { key: 'factory', head: 'Factory' },
  { key: 'sensors', head: 'Sensors', align: 'end', isNarrow: true },
  { key: 'tags', head: 'Tags' },
]

function Machines(): JSX.Element {
  const { api } = useCentral()
  const list = usePages<CentralMachine>('machines', (cursor, signal) => readMachines(api.http, { cursor }, signal))
  return (
    <List
      title="Machines"
      list={list}
      empty={
        <EmptyState title="No machine yet">
          <p>
            A gateway tells of its machines when it synchronises. <Link to="/">How to connect one</Link>
          </p>
        </EmptyState>
      }
    >
      <Table caption="Machines" columns={MACHINE_COLUMNS}>
        {list.entries.map((machine) => (
          <tr key={machine.id}>
            <HeadCell>
              <Link to={machinePath(machine.id)} class="row-link">
                {machine.name}
              </Link>
              <span class="id">{machine.id}</span>
            </HeadCell>
            <Cell head="Factory">{machine.factory}</Cell>
            <Cell head="Sensors" align="end">
              {String(machine.sensors)}
            </Cell>
            <Cell head="Tags">{machine.tags.length === 0 ? '–' : <TagList tags={machine.tags} />}</Cell>
          </tr>
        ))}
      </Table>
    </List>
  )
}

const SENSOR_COLUMNS: readonly Column[] = [
  { key: 'sensor', head: 'Sensor' },
  { key: 'machine', head: 'Machine' },
  { key: 'gateway', head: 'From' },
  { key: 'unit', head: 'Unit' },
  { key: 'tags', head: 'Tags' },
]

function FoundSensors({ q, tag }: { readonly q: string; readonly tag: string }): JSX.Element {
  const { api } = useCentral()
  const list = usePages<CentralSensor>(`${tag} ${q}`, (cursor, signal): Promise<ListPage<CentralSensor>> =>
    readSensors(api.http, { q, tag, cursor }, signal),
  )
  return (
    <List
      title="Sensors found"
      list={list}
      empty={
        <EmptyState title="No sensor is like this">
          <p>All words must occur in its id, description or unit, and the tag must be written as it is.</p>
        </EmptyState>
      }
    >
      <Table caption="Sensors found" columns={SENSOR_COLUMNS}>
        {list.entries.map((sensor) => (
          <tr key={sensor.id}>
            <HeadCell>
              <Link to={sensorPath(sensor.id)} class="row-link">
                {sensorName(sensor)}
              </Link>
              <span class="id">{sensor.id}</span>
            </HeadCell>
            <Cell head="Machine">
              <Link to={machinePath(sensor.machine)}>{sensor.machine}</Link>
            </Cell>
            <Cell head="From">
              <Link to={gatewayPath(sensor.gateway)}>{sensor.gateway}</Link>
            </Cell>
            <Cell head="Unit">{displayUnit(sensor.unit) || '–'}</Cell>
            <Cell head="Tags">{sensor.tags.length === 0 ? '–' : <TagList tags={sensor.tags} />}</Cell>
          </tr>
        ))}
      </Table>
    </List>
  )
}

interface ListProps {
  readonly title: string
  readonly list: Pages<unknown>
  readonly empty: JSX.Element
  readonly children: JSX.Element
}

function List({ title, list, empty, children }: ListProps): JSX.Element {
  const { entries, error, isLoading, more } = list
  if (entries.length === 0 && !isLoading && error === null) return empty
  return (
    <Card title={title}>
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>They could not be loaded.</strong> {error}
        </Notice>
      )}
      {entries.length > 0 && children}
      <div class="card-foot button-row">
        <span class="quiet" role="status">
          {isLoading ? 'Loading…' : more === null ? `${entries.length} in all` : `The first ${entries.length}`}
        </span>
        {more !== null && (
          <Button onClick={more} disabled={isLoading}>
            Show more
          </Button>
        )}
      </div>
    </Card>
  )
}
