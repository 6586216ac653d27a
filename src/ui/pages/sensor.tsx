// One sensor: its value with quality and age, its trend with limits and alarms, statistics, what was found, and writing to it.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { Range } from '../client/sensor-history.ts'
import type { Sensor } from '../client/wire.ts'
import { sensorName } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { comparePath, devicePath, machinePath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { AlarmLine } from './alarm-line.tsx'
import { SensorChecks } from './sensor-checks.tsx'
import { ExportDialog } from './sensor-export.tsx'
import { BigValue, ReadingFacts } from './sensor-now.tsx'
import { useView } from './sensor-range.tsx'
import { SensorTexts } from './sensor-texts.tsx'
import { SensorTrend } from './sensor-trend.tsx'
import { WriteDialog } from './sensor-write.tsx'

export function SensorPage({ id }: { readonly id: string }): JSX.Element {
  const { plant } = useServices()
  const live = plant.sensor(id)
  if (live === undefined) {
    return (
      <Page title="No such sensor">
        <EmptyState title={`This gateway has no sensor ${id}`}>
          <p>
            It may have been renamed in the configuration. <Link to="/">All sensors are on the overview.</Link>
          </p>
        </EmptyState>
      </Page>
    )
  }
  return <KnownSensor key={id} live={live} />
}

function KnownSensor({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { plant } = useServices()
  const { sensor } = live
  const [view, setView] = useView()
  const machine = plant.machine(sensor.machine)?.machine
  const alarms = plant.openAlarms.value.filter((alarm) => alarm.sensor === sensor.id)
  const trail = (
    <>
      <Link to="/">Overview</Link>
      {machine !== undefined && <Link to={machinePath(machine.id)}>{machine.name}</Link>}
    </>
  )
  return (
    <Page title={sensorName(sensor)} trail={trail} lead={<span class="id">{sensor.id}</span>}>
      <div class="sensor-now">
        <BigValue live={live} />
        <ReadingFacts
          live={live}
          origin={[{ term: 'Device', value: <Link to={devicePath(sensor.device)}>{sensor.device}</Link> }]}
        />
        {sensor.writable && <WriteControl live={live} />}
      </div>
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
      {sensor.type === 'string' ? (
        <SensorTexts live={live} />
      ) : (
        <SensorTrend
          live={live}
          view={view}
          onView={setView}
          foot={(range) => <TrendActions sensor={sensor} range={range} />}
        />
      )}
      <SensorChecks live={live} />
    </Page>
  )
}

function TrendActions({ sensor, range }: { readonly sensor: Sensor; readonly range: Range }): JSX.Element {
  const { api } = useServices()
  const [isExporting, setExporting] = useState(false)
  return (
    <>
      <div class="card-foot button-row">
        <Link to={comparePath([sensor.id])} class="button">
          Compare with others
        </Link>
        <Button icon="download" onClick={() => setExporting(true)}>
          Export
        </Button>
      </div>
      {isExporting && (
        <ExportDialog http={api.http} hasParquet sensor={sensor} range={range} onClose={() => setExporting(false)} />
      )}
    </>
  )
}

function WriteControl({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { plant } = useServices()
  const [isOpen, setOpen] = useState(false)
  const mayWrite = plant.may('operator')
  return (
    <div class="write">
      <Button
        icon="edit"
        onClick={() => setOpen(true)}
        disabled={!mayWrite}
        title={mayWrite ? undefined : 'Your role may not write values'}
      >
        Write a value
      </Button>
      {isOpen && <WriteDialog live={live} onClose={() => setOpen(false)} />}
    </div>
  )
}
