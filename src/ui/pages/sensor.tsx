// One sensor: its value with quality and age, its trend with limits and alarms, statistics, what was found, and writing to it.

import { useComputed } from '@preact/signals'
import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { formatExact } from '../format/number.ts'
import { formatAge, formatExactTime } from '../format/time.ts'
import { displayUnit, sensorName } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import { ConditionMark, QualityMark } from '../parts/marks.tsx'
import { Facts } from '../parts/table.tsx'
import { LiveValue } from '../parts/value.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { devicePath, machinePath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { AlarmLine } from './alarm-line.tsx'
import { SensorChecks } from './sensor-checks.tsx'
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
        <ReadingFacts live={live} />
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
        <SensorTrend live={live} view={view} onView={setView} />
      )}
      <SensorChecks live={live} />
    </Page>
  )
}

function BigValue({ live }: { readonly live: LiveSensor }): JSX.Element {
  const className = useComputed(() => `big-value is-${live.condition.value}`)
  return (
    <div class={className}>
      <LiveValue live={live} />
      <BigCondition live={live} />
    </div>
  )
}

function BigCondition({ live }: { readonly live: LiveSensor }): JSX.Element {
  return <ConditionMark condition={live.condition.value} />
}

function ReadingFacts({ live }: { readonly live: LiveSensor }): JSX.Element {
  const { plant } = useServices()
  const latest = live.latest.value
  const exact = formatExact(latest.value, live.sensor.type)
  const age = useComputed(() => {
    const { receivedAt } = live.latest.value
    return receivedAt === null ? 'nothing received yet' : formatAge(plant.now.value - receivedAt)
  })
  return (
    <Facts
      facts={[
        { term: 'Quality', value: <QualityMark quality={latest.quality} status={latest.status} /> },
        { term: 'Exact value', value: `${exact} ${displayUnit(live.sensor.unit)}` },
        { term: 'Measured', value: latest.time === null ? '–' : formatExactTime(latest.time) },
        { term: 'Received', value: <>{age}</> },
        { term: 'Device', value: <Link to={devicePath(live.sensor.device)}>{live.sensor.device}</Link> },
      ]}
    />
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
