// A device that has just been written: is it kept, and what do its sensors say.

import { useEffect } from 'preact/hooks'
import type { JSX } from 'preact'
import { counted, sensorName } from '../format/words.ts'
import { Button, Link } from '../parts/button.tsx'
import { Card } from '../parts/card.tsx'
import { ConditionMark } from '../parts/marks.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { LiveValue } from '../parts/value.tsx'
import { wantedRows, type DeviceForm } from '../set-up/device-form.ts'
import type { LiveSensor } from '../state/live-sensor.ts'
import { devicePath, machinePath, sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { WatchNotice, type Watched } from './configuration-watch.tsx'
import { DeviceBadge } from './device-card.tsx'

const ASK_MS = 2000

const COLUMNS: readonly Column[] = [
  { key: 'sensor', head: 'Sensor' },
  { key: 'trend', head: 'Recent', isNarrow: true },
  { key: 'value', head: 'Value', align: 'end', isNarrow: true },
  { key: 'state', head: 'State' },
]

interface AddedDeviceProps {
  readonly form: DeviceForm
  readonly written: Watched
  readonly onMore: () => void
}

export function AddedDevice({ form, written, onMore }: AddedDeviceProps): JSX.Element {
  const { plant, feed } = useServices()
  const device = plant.devices.value.find(({ id }) => id === form.id)
  const wanted = wantedRows(form).length
  const sensors = [...plant.sensors.value.values()].filter(({ sensor }) => sensor.device === form.id)
  const isWhole = sensors.length >= wanted && device?.state === 'up'
  const turn = isWhole ? -1 : Math.floor(plant.now.value / ASK_MS)
  useEffect(() => {
    if (!isWhole) void feed.refresh()
  }, [turn])
  useEffect(() => scrollTo(0, 0), [])
  const machine = sensors[0]?.sensor.machine
  return (
    <>
      <WatchNotice watched={written} onDecided={() => void feed.refresh()} />
      <Card
        title={`5. Live: ${form.id}`}
        aside={device === undefined ? undefined : <DeviceBadge state={device.state} />}
      >
        {device !== undefined && device.reason !== null && <p class="outcome">{device.reason}</p>}
        {sensors.length === 0 ? (
          <p class="quiet">The gateway takes it up…</p>
        ) : (
          <Table caption={`Sensors of ${form.id}`} kind="sensors" columns={COLUMNS}>
            {sensors.map((live) => (
              <Row key={live.sensor.id} live={live} />
            ))}
          </Table>
        )}
        <div class="card-foot button-row">
          <span class="quiet">{counted(sensors.length, 'sensor')}</span>
          {device !== undefined && (
            <Link to={devicePath(form.id)} class="button">
              Open the device
            </Link>
          )}
          {machine !== undefined && (
            <Link to={machinePath(machine)} class="button">
              Open the machine
            </Link>
          )}
          <Button kind="primary" icon="add" onClick={onMore}>
            Add another device
          </Button>
        </div>
      </Card>
    </>
  )
}

function Row({ live }: { readonly live: LiveSensor }): JSX.Element {
  return (
    <tr>
      <HeadCell>
        <Link to={sensorPath(live.sensor.id)}>{sensorName(live.sensor)}</Link>
        <span class="id">{live.sensor.id}</span>
      </HeadCell>
      <Cell head="Recent">{live.sensor.type === 'string' ? null : <Sparkline live={live} />}</Cell>
      <Cell head="Value" align="end">
        <LiveValue live={live} />
      </Cell>
      <Cell head="State">
        <ConditionMark condition={live.condition.value} />
      </Cell>
    </tr>
  )
}
