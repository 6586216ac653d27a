// One machine: all its sensors in a table, its alarms, and the devices that it is read through.

import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import { formatShort } from '../format/number.ts'
import { displayUnit, sensorName } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Link } from '../parts/button.tsx'
import { Card, EmptyState } from '../parts/card.tsx'
import { ConditionMark } from '../parts/marks.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { LiveValue } from '../parts/value.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { AlarmLine } from './alarm-line.tsx'
import { DeviceCard } from './device-card.tsx'
import { ReadingAge } from './reading-age.tsx'

const COLUMNS: readonly Column[] = [
  { key: 'sensor', head: 'Sensor' },
  { key: 'trend', head: 'Recent', isNarrow: true },
  { key: 'value', head: 'Value', align: 'end', isNarrow: true },
  { key: 'state', head: 'State' },
  { key: 'limits', head: 'Limits', align: 'end', isNarrow: true },
  { key: 'age', head: 'Age', align: 'end', isNarrow: true },
]

export function MachinePage({ id }: { readonly id: string }): JSX.Element {
  const { plant } = useServices()
  const view = plant.machine(id)
  if (view === undefined) {
    return (
      <Page title="No such machine">
        <EmptyState title={`This gateway has no machine ${id}`}>
          <p>
            It may have been renamed in the configuration. <Link to="/">All machines are on the overview.</Link>
          </p>
        </EmptyState>
      </Page>
    )
  }
  const alarms = plant.openAlarms.value.filter((alarm) => view.sensors.some((live) => live.sensor.id === alarm.sensor))
  const devices = plant.devices.value.filter((device) => view.devices.includes(device.id))
  return (
    <Page
      title={view.machine.name}
      trail={<Link to="/">Overview</Link>}
      lead={<ConditionMark condition={view.condition.value} />}
    >
      {alarms.length > 0 && (
        <section class="attention" aria-labelledby="alarms">
          <h2 id="alarms">Open alarms</h2>
          <ul>
            {alarms.map((alarm) => (
              <li key={alarm.id}>
                <AlarmLine alarm={alarm} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <Card title="Sensors">
        <Table caption={`Sensors of ${view.machine.name}`} kind="sensors" columns={COLUMNS}>
          {view.sensors.map((live) => (
            <SensorTableRow key={live.sensor.id} live={live} />
          ))}
        </Table>
      </Card>
      <div class="columns">
        {devices.map((device) => (
          <DeviceCard key={device.id} device={device} />
        ))}
      </div>
    </Page>
  )
}

function SensorTableRow({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { sensor } = live
  const className = useComputed(() => `is-${live.condition.value}`)
  return (
    <tr class={className}>
      <HeadCell>
        <Link to={sensorPath(sensor.id)}>{sensorName(sensor)}</Link>
        <span class="id">{sensor.id}</span>
      </HeadCell>
      <Cell head="Recent">{sensor.type === 'string' ? null : <Sparkline live={live} />}</Cell>
      <Cell head="Value" align="end">
        <LiveValue live={live} />
      </Cell>
      <Cell head="State">
        <ConditionCell live={live} />
      </Cell>
      <Cell head="Limits" align="end">
        <LimitText live={live} />
      </Cell>
      <Cell head="Age" align="end">
        <ReadingAge live={live} />
      </Cell>
    </tr>
  )
}

function ConditionCell({ live }: { readonly live: LiveSensor }): JSX.Element {
  return <ConditionMark condition={live.condition.value} />
}

/** `10 … 75 °C`: the nearer limits. */
function LimitText({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { limits, unit } = live.sensor
  const low = limits.low ?? limits.lowLow
  const high = limits.high ?? limits.highHigh
  if (low === null && high === null) return <span class="quiet">–</span>
  const text =
    low !== null && high !== null
      ? `${formatShort(low)} … ${formatShort(high)}`
      : high === null
        ? `≥ ${formatShort(low!)}`
        : `≤ ${formatShort(high)}`
  return (
    <span class="quiet">
      {text} {displayUnit(unit)}
    </span>
  )
}
