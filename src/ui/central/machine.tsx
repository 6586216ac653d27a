// One machine: the latest values of its sensors, its open alarms, and what people keep beside it.

import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import { sensorName } from '../format/words.ts'
import { AlarmTable } from '../pages/alarm-table.tsx'
import { ReadingAge } from '../pages/reading-age.tsx'
import { Link } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { ConditionMark } from '../parts/marks.tsx'
import { Facts, Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { LiveValue } from '../parts/value.tsx'
import { isShown } from '../state/condition.ts'
import { useFrame } from '../state/frame.ts'
import type { LiveSensor } from '../state/live-sensor.ts'
import { sensorPath } from '../state/route.ts'
import { LabelsCard } from './labels.tsx'
import {
  changeMachine,
  readMachine,
  readMachineLatest,
  readMachineSensors,
  type CentralMachine,
  type CentralSensor,
  type Revised,
} from './model-api.ts'
import { gatewayPath } from './route.ts'
import { useCentral } from './services.ts'
import { LostNotice, Page } from './shell.tsx'
import { useLiveSensors } from './use-live-sensors.ts'
import { usePoll } from './use-poll.ts'

/** What there is changes seldom. */
const MODEL_MS = 30_000

export function MachinePage({ id }: { readonly id: string }): JSX.Element {
  const { api } = useCentral()
  const { value, error, refresh } = usePoll(
    async () => {
      const [machine, sensors] = await Promise.all([readMachine(api.http, id), readMachineSensors(api.http, id)])
      return { machine, sensors: sensors.items, hasMore: sensors.next !== null }
    },
    id,
    MODEL_MS,
  )
  return (
    <Page
      title={value?.machine.value.name ?? id}
      trail={
        <>
          <Link to="/machines">Machines</Link>
          <span>{id}</span>
        </>
      }
      {...(value !== null && { lead: <p>{value.machine.value.factory}</p> })}
    >
      <LostNotice error={error} isStale={value !== null} />
      {value !== null && (
        <>
          <Sensors id={id} sensors={value.sensors} hasMore={value.hasMore} />
          <MachineFacts machine={value.machine} sensors={value.sensors} onChanged={refresh} />
        </>
      )}
    </Page>
  )
}

const COLUMNS: readonly Column[] = [
  { key: 'sensor', head: 'Sensor' },
  { key: 'value', head: 'Value', align: 'end', isNarrow: true },
  { key: 'state', head: 'State' },
  { key: 'from', head: 'From' },
  { key: 'age', head: 'Age', align: 'end', isNarrow: true },
]

interface SensorsProps {
  readonly id: string
  readonly sensors: readonly CentralSensor[]
  readonly hasMore: boolean
}

function Sensors({ id, sensors, hasMore }: SensorsProps): JSX.Element {
  const { api } = useCentral()
  const now = useFrame().now.value
  const gateways = [...new Set(sensors.map(({ gateway }) => gateway))]
  const { live, error } = useLiveSensors({
    key: id,
    gateways,
    readLatest: () => readMachineLatest(api.http, id),
    isShown: (alarm) => alarm.machine === id,
  })
  const alarms = live.alarms.value.filter((alarm) => isShown(alarm, now))
  if (sensors.length === 0)
    return (
      <EmptyState title="This machine has no sensors">
        <p>A gateway tells of them when it synchronises; an engineer can move sensors here.</p>
      </EmptyState>
    )
  return (
    <>
      <LostNotice error={error} isStale />
      {alarms.length > 0 && (
        <Card title="Open alarms">
          <AlarmTable
            caption="Open alarms"
            alarms={alarms}
            placeOf={({ sensor }) => nameIn(sensors, sensor)}
            actionsOf={null}
          />
        </Card>
      )}
      <Card title="Sensors">
        <Table caption={`Sensors of ${id}`} columns={COLUMNS}>
          {sensors.map((sensor) => (
            <SensorRow key={sensor.id} live={live.of(sensor)} gateway={sensor.gateway} />
          ))}
        </Table>
        {hasMore && (
          <p class="quiet">
            The first {sensors.length}; <Link to="/machines">find others by their words</Link>.
          </p>
        )}
      </Card>
    </>
  )
}

function nameIn(sensors: readonly CentralSensor[], id: string): string {
  const sensor = sensors.find((each) => each.id === id)
  return sensor === undefined ? id : sensorName(sensor)
}

function SensorRow({ live, gateway }: { readonly live: LiveSensor; readonly gateway: string }): JSX.Element {
  const { sensor } = live
  const className = useComputed(() => `is-${live.condition.value}`)
  return (
    <tr class={className}>
      <HeadCell>
        <Link to={sensorPath(sensor.id)}>{sensorName(sensor)}</Link>
        <span class="id">{sensor.id}</span>
      </HeadCell>
      <Cell head="Value" align="end">
        <LiveValue live={live} />
      </Cell>
      <Cell head="State">
        <Condition live={live} />
      </Cell>
      <Cell head="From">
        <Link to={gatewayPath(gateway)}>{gateway}</Link>
      </Cell>
      <Cell head="Age" align="end">
        <ReadingAge live={live} />
      </Cell>
    </tr>
  )
}

function Condition({ live }: { readonly live: LiveSensor }): JSX.Element {
  return <ConditionMark condition={live.condition.value} />
}

interface MachineFactsProps {
  readonly machine: Revised<CentralMachine>
  readonly sensors: readonly CentralSensor[]
  readonly onChanged: () => void
}

function MachineFacts({ machine: { value, etag }, sensors, onChanged }: MachineFactsProps): JSX.Element {
  const { api } = useCentral()
  const gateways = [...new Set(sensors.map(({ gateway }) => gateway))]
  return (
    <div class="columns columns-pair">
      <Card title="What it is">
        <Facts
          facts={[
            { term: 'Id', value: value.id },
            { term: 'Factory', value: value.factory },
            { term: 'Sensors', value: String(value.sensors) },
            { term: 'Read through', value: gateways.length === 0 ? '–' : gateways.join(', ') },
          ]}
        />
      </Card>
      <LabelsCard
        name={value.name}
        labels={value}
        texts={[{ key: 'name', label: 'Name', value: value.name, maxLength: 100 }]}
        onSave={(change) => changeMachine(api.http, value.id, change, etag)}
        onChanged={onChanged}
      />
    </div>
  )
}
