// One device: its state in words, how it answers, what went wrong so far, and a restart.

import { useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { errorMessage } from '../client/http.ts'
import type { Device, DeviceState, Spread } from '../client/wire.ts'
import { formatCount } from '../format/number.ts'
import { formatAge, formatDuration, formatMilliseconds } from '../format/time.ts'
import { counted, DEVICE_WORDS } from '../format/words.ts'
import { Button, Link } from '../parts/button.tsx'
import { Card, Notice } from '../parts/card.tsx'
import { Dialog } from '../parts/dialog.tsx'
import type { IconName } from '../parts/icon.tsx'
import { Badge } from '../parts/marks.tsx'
import { Facts } from '../parts/table.tsx'
import { devicePath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { planText, ShareMeter } from './device-load.tsx'

const ICONS: Readonly<Record<DeviceState, IconName>> = {
  up: 'check',
  connecting: 'waiting',
  down: 'plugOff',
  paused: 'pause',
  stopped: 'cross',
}

export function DeviceBadge({ state }: { readonly state: DeviceState }): JSX.Element {
  return (
    <Badge tone={state === 'up' ? 'normal' : state === 'connecting' ? 'quiet' : 'data'} icon={ICONS[state]}>
      {DEVICE_WORDS[state]}
    </Badge>
  )
}

interface DeviceCardProps {
  readonly device: Device
  /** On its own page: without a link to it. */
  readonly isAlone?: boolean
}

export function DeviceCard({ device, isAlone = false }: DeviceCardProps): JSX.Element {
  const { plant } = useServices()
  const now = plant.now.value
  const [isAsking, setAsking] = useState(false)
  const restartButton = (
    <Button
      icon="restart"
      onClick={() => setAsking(true)}
      disabled={!plant.may('engineer')}
      title={plant.may('engineer') ? undefined : 'Your role may not restart devices'}
      label={`Restart ${device.id}`}
    >
      Restart
    </Button>
  )
  return (
    <Card title={isAlone ? 'State' : device.id} aside={<DeviceBadge state={device.state} />}>
      {device.reason !== null && (
        <Notice icon="plugOff" tone="data">
          {device.reason}
        </Notice>
      )}
      <Facts
        facts={[
          { term: `${DEVICE_WORDS[device.state]} for`, value: formatDuration(now - device.since) },
          { term: 'Connection', value: `${device.driver}, ${device.bus}` },
          { term: 'Sensors', value: sensorsText(device) },
          {
            term: 'Last reading',
            value: device.lastReadingAt === null ? 'none yet' : formatAge(now - device.lastReadingAt),
          },
          // On its own page they stand beside it, drawn.
          ...(isAlone
            ? []
            : [
                { term: 'Poll time', value: <SpreadText spread={device.pollMs} /> },
                { term: 'Poll delay', value: <SpreadText spread={device.lagMs} /> },
              ]),
          {
            term: 'Polls',
            value: `${formatCount(device.polls)}${device.skippedPolls > 0 ? `, ${formatCount(device.skippedPolls)} left out` : ''}`,
          },
          { term: 'Requests', value: formatCount(device.requests) },
          ...(device.plan === null || isAlone ? [] : [{ term: 'Requests of one poll', value: planText(device.plan) }]),
          ...(device.busUtilisation === null || isAlone
            ? []
            : [{ term: 'Wire taken', value: <ShareMeter value={device.busUtilisation.bus} /> }]),
          { term: 'Reconnects', value: formatCount(device.reconnects) },
          { term: 'Errors', value: <ErrorCounts errors={device.errors} /> },
        ]}
      />
      <div class="card-foot button-row">
        {!isAlone && (
          <Link to={devicePath(device.id)} class="button">
            Details<span class="sr-only"> of {device.id}</span>
          </Link>
        )}
        {restartButton}
      </div>
      {isAsking && <RestartDialog device={device} onClose={() => setAsking(false)} />}
    </Card>
  )
}

function sensorsText(device: Device): string {
  const all = counted(device.sensors, 'sensor')
  return device.badSensors === 0 ? all : `${all}, ${device.badSensors} without a valid value`
}

function SpreadText({ spread }: { readonly spread: Spread | null }): JSX.Element {
  if (spread === null) return <>–</>
  return (
    <span class="spread">
      <span>
        <span class="quiet">median </span>
        {formatMilliseconds(spread.p50)}
      </span>
      <span>
        <span class="quiet">99 % </span>
        {formatMilliseconds(spread.p99)}
      </span>
      <span>
        <span class="quiet">max </span>
        {formatMilliseconds(spread.max)}
      </span>
    </span>
  )
}

function ErrorCounts({ errors }: { readonly errors: Device['errors'] }): JSX.Element {
  const kinds = Object.entries(errors).filter(([, count]) => count > 0)
  if (kinds.length === 0) return <span class="quiet">none</span>
  return (
    <span class="counts">
      {kinds.map(([kind, count]) => (
        <span key={kind}>
          {formatCount(count)} {kind}
        </span>
      ))}
    </span>
  )
}

function RestartDialog({ device, onClose }: { readonly device: Device; readonly onClose: () => void }): JSX.Element {
  const { api, plant } = useServices()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<string | null>(null)
  const restart = async (): Promise<void> => {
    setBusy(true)
    setError(null)
    try {
      plant.putDevice(await api.restart(device.id))
      onClose()
    } catch (cause) {
      setError(errorMessage(cause))
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={`Restart ${device.id}?`}
      action="Restart"
      onAction={() => void restart()}
      onClose={onClose}
      isBusy={isBusy}
      error={error}
    >
      <p>
        The gateway closes its connection to the device and opens it anew. The device itself is not restarted; its{' '}
        {counted(device.sensors, 'sensor')} {device.sensors === 1 ? 'has' : 'have'} no values until it answers.
      </p>
    </Dialog>
  )
}
