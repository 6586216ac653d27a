// One sensor of any gateway: its value with quality and age, its trend with what alarms told of its limits, statistics, what was found,
// and what people keep beside it.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import type { Range } from '../client/sensor-history.ts'
import type { Alarm, Sensor } from '../client/wire.ts'
import { sensorName } from '../format/words.ts'
import { AlarmTable } from '../pages/alarm-table.tsx'
import { ExportDialog } from '../pages/sensor-export.tsx'
import { BigValue, ReadingFacts } from '../pages/sensor-now.tsx'
import { useView } from '../pages/sensor-range.tsx'
import { SensorTexts } from '../pages/sensor-texts.tsx'
import { SensorTrend } from '../pages/sensor-trend.tsx'
import { Button, Link } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { isShown } from '../state/condition.ts'
import { useFrame } from '../state/frame.ts'
import type { LiveSensor } from '../state/live-sensor.ts'
import { machinePath } from '../state/route.ts'
import { limitsOfAlarms } from './known-limits.ts'
import { LabelsCard } from './labels.tsx'
import { changeSensor, readLatest, readSensor, type CentralSensor, type Revised } from './model-api.ts'
import { gatewayPath } from './route.ts'
import { useCentral } from './services.ts'
import { LostNotice, Page } from './shell.tsx'
import { useLiveSensors } from './use-live-sensors.ts'
import { usePoll } from './use-poll.ts'

const MODEL_MS = 30_000

export function SensorPage({ id }: { readonly id: string }): JSX.Element {
  const { api } = useCentral()
  const { value, error, refresh } = usePoll(() => readSensor(api.http, id), id, MODEL_MS)
  if (value === null)
    return (
      <Page title={id} trail={<Link to="/machines">Machines</Link>}>
        <LostNotice error={error} isStale={false} />
      </Page>
    )
  return <KnownSensor sensor={value} error={error} onChanged={refresh} />
}

interface KnownSensorProps {
  readonly sensor: Revised<CentralSensor>
  readonly error: string | null
  readonly onChanged: () => void
}

function KnownSensor({ sensor: { value, etag }, error, onChanged }: KnownSensorProps): JSX.Element {
  const { api } = useCentral()
  const { gateway, id, machine } = value
  const now = useFrame().now.value
  const asked = useLiveSensors({
    key: id,
    gateways: [gateway],
    readLatest: async () => [await readLatest(api.http, id)],
    isShown: (alarm) => alarm.sensor === id,
  })
  const live = asked.live.of(value)
  const alarms = asked.live.alarms.value.filter((alarm) => isShown(alarm, now))
  const trail = (
    <>
      <Link to="/machines">Machines</Link>
      <Link to={machinePath(machine)}>{machine}</Link>
    </>
  )
  return (
    <Page title={sensorName(value)} trail={trail} lead={<span class="id">{id}</span>}>
      <LostNotice error={error ?? asked.error} isStale />
      <div class="sensor-now">
        <BigValue live={live} />
        <ReadingFacts
          live={live}
          origin={[
            { term: 'Gateway', value: <Link to={gatewayPath(gateway)}>{gateway}</Link> },
            { term: 'Device', value: value.device },
          ]}
        />
      </div>
      {alarms.length > 0 && <OpenAlarms alarms={alarms} name={sensorName(value)} />}
      {value.type === 'string' ? <SensorTexts live={live} /> : <Trend live={live} />}
      <LabelsCard
        name={sensorName(value)}
        labels={value}
        texts={[
          { key: 'description', label: 'Description', value: value.description, maxLength: 500 },
          { key: 'unit', label: 'Unit', value: value.unit, maxLength: 32, hint: 'As in a configuration: degC, m3/h' },
          { key: 'machine', label: 'Machine, by its id', value: machine, maxLength: 64 },
        ]}
        onSave={(change) => changeSensor(api.http, id, change, etag)}
        onChanged={onChanged}
      />
    </Page>
  )
}

function OpenAlarms({ alarms, name }: { readonly alarms: readonly Alarm[]; readonly name: string }): JSX.Element {
  return (
    <Card title="Open alarms">
      <AlarmTable caption="Open alarms" alarms={alarms} placeOf={() => name} actionsOf={null} />
    </Card>
  )
}

function Trend({ live }: { readonly live: LiveSensor }): JSX.Element {
  const [view, setView] = useView()
  return (
    <SensorTrend
      live={live}
      view={view}
      onView={setView}
      limitsOf={limitsOfAlarms}
      foot={(range) => <TrendFoot sensor={live.sensor} range={range} />}
    />
  )
}

function TrendFoot({ sensor, range }: { readonly sensor: Sensor; readonly range: Range }): JSX.Element {
  const { api } = useCentral()
  const [isExporting, setExporting] = useState(false)
  return (
    <>
      <div class="card-foot button-row">
        <span class="quiet">
          Lines across are limits that alarms of this range told; all limits stand at the gateway.
        </span>
        <Button icon="download" onClick={() => setExporting(true)}>
          Export
        </Button>
      </div>
      {isExporting && (
        <ExportDialog
          http={api.http}
          hasParquet={false}
          sensor={sensor}
          range={range}
          onClose={() => setExporting(false)}
        />
      )}
    </>
  )
}
