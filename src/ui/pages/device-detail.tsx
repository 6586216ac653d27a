// One device: its state, how it answers, the wire; asking it now, starting it anew, its frames as they go by.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { probe, readFrames, type Frame, type ProbeResult } from '../client/device-asks.ts'
import { errorMessage, isAborted } from '../client/http.ts'
import type { Device } from '../client/wire.ts'
import { hexWords, modbusFrameWords, textOfBytes } from '../format/modbus-frame.ts'
import { formatCount } from '../format/number.ts'
import { formatExactClock, formatMilliseconds } from '../format/time.ts'
import { sensorName } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Button, Link, Segments } from '../parts/button.tsx'
import { Card, EmptyState, Notice } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { ConditionMark } from '../parts/marks.tsx'
import { Cell, HeadCell, Table, type Column } from '../parts/table.tsx'
import { LiveValue } from '../parts/value.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { registersPath, sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { DeviceCard } from './device-card.tsx'
import { DeviceLoad } from './device-load.tsx'

export function DevicePage({ id }: { readonly id: string }): JSX.Element {
  const { plant } = useServices()
  const device = plant.devices.value.find((other) => other.id === id)
  const trail = <Link to="/devices">Devices</Link>
  if (device === undefined)
    return (
      <Page title="No such device" trail={trail}>
        <EmptyState title={`This gateway has no device ${id}`} icon="devices">
          <p>It may have been renamed in the configuration.</p>
        </EmptyState>
      </Page>
    )
  const sensors = [...plant.sensors.value.values()].filter(({ sensor }) => sensor.device === id)
  return (
    <Page
      title={device.id}
      trail={trail}
      lead={
        <p>
          {device.driver}, {device.bus}
        </p>
      }
    >
      <div class="columns columns-pair">
        <DeviceCard device={device} isAlone />
        <div class="stack">
          <DeviceLoad device={device} />
          <ProbeCard device={device} />
        </div>
      </div>
      <Frames device={device} />
      <Sensors sensors={sensors} />
    </Page>
  )
}

function ProbeCard({ device }: { readonly device: Device }): JSX.Element {
  const { api, plant } = useServices()
  const [result, setResult] = useState<ProbeResult | null>(null)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const ask = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    setResult(null)
    try {
      const answer = await probe(api.http, device.id)
      setResult(answer)
      plant.putDevice(answer.device)
    } catch (cause) {
      setError(errorMessage(cause))
    }
    setBusy(false)
  }
  return (
    <Card title="Ask it now">
      <p class="quiet">One poll of everything beside the schedule; a device that is down is tried at once.</p>
      <div role="status">
        {result !== null && (
          <p class="outcome">
            <Icon name={result.answered ? 'check' : 'plugOff'} />
            {result.answered
              ? `It answered after ${formatMilliseconds(result.milliseconds)}.`
              : `No answer after ${formatMilliseconds(result.milliseconds)}: ${result.reason ?? 'no reason is known'}`}
          </p>
        )}
        {error !== null && <p class="outcome">{error}</p>}
      </div>
      <div class="card-foot button-row">
        {device.driver === 'modbus' && (
          <Link to={registersPath(device.id)} class="button">
            Explore registers
          </Link>
        )}
        <Button icon="probe" onClick={() => void ask()} disabled={isBusy || !plant.may('operator')}>
          {isBusy ? 'Asking…' : 'Probe now'}
        </Button>
      </div>
    </Card>
  )
}

const FRAMES_MS = 1000
const SHOWN = 60
const FRAME_COLUMNS: readonly Column[] = [
  { key: 'time', head: 'Time', isNarrow: true },
  { key: 'direction', head: 'Direction', isNarrow: true },
  { key: 'meaning', head: 'What it says' },
  { key: 'bytes', head: 'Bytes' },
]

function Frames({ device }: { readonly device: Device }): JSX.Element {
  const { api, plant } = useServices()
  const [frames, setFrames] = useState<readonly Frame[] | null>(null)
  const [error, setError] = useState<string | null>(null)
  const [mode, setMode] = useState<'live' | 'still'>('live')
  const turn = mode === 'live' ? Math.floor(plant.now.value / FRAMES_MS) : -1
  const isAllowed = plant.may('engineer')
  useEffect(() => {
    if (!isAllowed || (mode === 'still' && frames !== null)) return
    const abort = new AbortController()
    readFrames(api.http, device.id, abort.signal).then(
      (loaded) => {
        setFrames(loaded)
        setError(null)
      },
      (cause: unknown) => {
        if (!isAborted(cause)) setError(errorMessage(cause))
      },
    )
    return () => abort.abort()
  }, [device.id, turn, isAllowed])
  const isTcp = device.bus.startsWith('tcp:')
  return (
    <Card
      title="Frames on the wire"
      aside={
        <Segments
          label="Frames"
          options={[
            { key: 'live', text: 'Live' },
            { key: 'still', text: 'Hold' },
          ]}
          selected={mode}
          onSelect={setMode}
        />
      }
    >
      {!isAllowed && <p class="quiet">Frames are shown to engineers.</p>}
      {error !== null && (
        <Notice icon="bad" tone="data">
          <strong>The frames could not be loaded.</strong> {error}
        </Notice>
      )}
      {frames !== null && frames.length === 0 && (
        <p class="quiet">None so far, or the driver {device.driver} records none.</p>
      )}
      {frames !== null && frames.length > 0 && (
        <Table caption={`Frames of ${device.id}, newest first`} columns={FRAME_COLUMNS}>
          {frames
            .slice(-SHOWN)
            .toReversed()
            .map((frame, index) => (
              <FrameRow key={`${frame.time} ${index}`} frame={frame} device={device} isTcp={isTcp} />
            ))}
        </Table>
      )}
      {frames !== null && frames.length > SHOWN && (
        <p class="quiet">
          The newest {SHOWN} of {formatCount(frames.length)}.
        </p>
      )}
    </Card>
  )
}

interface FrameRowProps {
  readonly frame: Frame
  readonly device: Device
  readonly isTcp: boolean
}

function FrameRow({ frame, device, isTcp }: FrameRowProps): JSX.Element {
  const isSent = frame.direction === 'sent'
  return (
    <tr>
      <HeadCell>{formatExactClock(frame.time)}</HeadCell>
      <Cell head="Direction">
        <span class="mark">
          <Icon name={isSent ? 'right' : 'left'} />
          {isSent ? 'Sent' : 'Received'}
        </span>
      </Cell>
      <Cell head="What it says" isWide>
        {device.driver === 'modbus' ? modbusFrameWords(frame.bytes, isSent, isTcp) : textOfBytes(frame.bytes)}
      </Cell>
      <Cell head="Bytes" isWide>
        <code class="bytes">{hexWords(frame.bytes)}</code>
      </Cell>
    </tr>
  )
}

const SENSOR_COLUMNS: readonly Column[] = [
  { key: 'sensor', head: 'Sensor' },
  { key: 'value', head: 'Value', align: 'end' },
  { key: 'state', head: 'State' },
]

function Sensors({ sensors }: { readonly sensors: readonly LiveSensor[] }): JSX.Element {
  return (
    <Card title="Its sensors">
      {sensors.length === 0 ? (
        <p class="quiet">None are configured.</p>
      ) : (
        <Table caption="Sensors of the device" kind="short" columns={SENSOR_COLUMNS}>
          {sensors.map((live) => (
            <tr key={live.sensor.id}>
              <HeadCell>
                <Link to={sensorPath(live.sensor.id)}>{sensorName(live.sensor)}</Link>
                <span class="id">{live.sensor.id}</span>
              </HeadCell>
              <Cell head="Value" align="end">
                <LiveValue live={live} />
              </Cell>
              <Cell head="State">
                <State live={live} />
              </Cell>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

function State({ live }: { readonly live: LiveSensor }): JSX.Element {
  return <ConditionMark condition={live.condition.value} />
}
