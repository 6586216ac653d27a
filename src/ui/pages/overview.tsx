// The whole plant in one glance: a sentence, what needs attention, then every machine in its place.

import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import { formatBytes } from '../format/number.ts'
import { formatDuration } from '../format/time.ts'
import { DEVICE_WORDS, UPLINK_WORDS, counted, listed } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Link } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import type { Plant } from '../state/plant.ts'
import { devicePath, uplinkPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { AlarmLine } from './alarm-line.tsx'
import { MachineCard } from './machine-card.tsx'
import { OverviewHealth } from './overview-health.tsx'

const ALARMS_SHOWN = 5

export function OverviewPage(): JSX.Element {
  const { plant } = useServices()
  const sentence = useComputed(() => plantSentence(plant))
  if (plant.sensors.value.size === 0) {
    return (
      <Page title="Nothing is measured yet">
        <EmptyState title="The configuration has no sensors">
          {plant.may('engineer') ? (
            <>
              <p>Say what is connected: it is looked through, you choose its values, and they appear here.</p>
              <p class="empty-do">
                <Link to="/configuration/add" class="button button-primary">
                  Add the first device
                </Link>
              </p>
            </>
          ) : (
            <p>An engineer adds the first device; its values then appear here.</p>
          )}
        </EmptyState>
      </Page>
    )
  }
  return (
    <Page title={sentence.value} lead={<GatewayLine />}>
      <Attention />
      <section aria-labelledby="machines">
        <h2 id="machines" class="sr-only">
          Machines
        </h2>
        <div class="machines">
          {plant.machines.value.map((view) => (
            <MachineCard key={view.machine.id} view={view} />
          ))}
        </div>
      </section>
      <OverviewHealth />
    </Page>
  )
}

function plantSentence(plant: Plant): string {
  const machines = plant.machines.value
  const abnormal = machines.filter((view) => !['normal', 'waiting'].includes(view.condition.value))
  if (!plant.isConnected.value && plant.live.value !== 'connecting') return 'Not connected: the state is unknown'
  if (abnormal.length === 0)
    return machines.length === 1
      ? `${machines[0]!.machine.name} is normal`
      : `All ${machines.length} machines are normal`
  const names = listed(abnormal.slice(0, 3).map((view) => view.machine.name))
  if (abnormal.length > 3) return `${abnormal.length} of ${machines.length} machines need attention`
  return `${names} ${abnormal.length === 1 ? 'needs' : 'need'} attention`
}

function GatewayLine(): JSX.Element | null {
  const { plant } = useServices()
  const gateway = plant.gateway.value
  if (gateway === null) return null
  return (
    <p>
      {counted(plant.machines.value.length, 'machine')}, {counted(plant.sensors.value.size, 'sensor')}. Running for{' '}
      {formatDuration(plant.now.value - gateway.startedAt)}, {formatBytes(gateway.store.bytes)} of history on disk
      {gateway.store.state === 'failing' && <strong> – the store is failing: {gateway.store.reason}</strong>}.
    </p>
  )
}

function Attention(): JSX.Element | null {
  const { plant } = useServices()
  const alarms = plant.openAlarms.value
  const devices = plant.devices.value.filter((device) => device.state !== 'up')
  const uplinks = plant.uplinks.value.filter((uplink) => uplink.state === 'retrying' || uplink.state === 'stopped')
  if (alarms.length + devices.length + uplinks.length === 0) return null
  return (
    <section class="attention" aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      <ul>
        {alarms.slice(0, ALARMS_SHOWN).map((alarm) => (
          <li key={alarm.id}>
            <AlarmLine alarm={alarm} />
          </li>
        ))}
        {devices.map((device) => (
          <li key={`device ${device.id}`}>
            <Trouble
              to={devicePath(device.id)}
              what={`Device ${device.id}`}
              state={DEVICE_WORDS[device.state]}
              since={device.since}
              reason={device.reason}
            />
          </li>
        ))}
        {uplinks.map((uplink) => (
          <li key={`uplink ${uplink.id}`}>
            <Trouble
              to={uplinkPath(uplink.id)}
              what={`Uplink ${uplink.id}`}
              state={UPLINK_WORDS[uplink.state]}
              since={null}
              reason={uplink.reason}
            />
          </li>
        ))}
      </ul>
      {alarms.length > ALARMS_SHOWN && (
        <Link to="/alarms" class="more">
          All {alarms.length} open alarms
        </Link>
      )}
    </section>
  )
}

interface TroubleProps {
  readonly to: string
  readonly what: string
  readonly state: string
  readonly since: number | null
  readonly reason: string | null
}

function Trouble({ to, what, state, since, reason }: TroubleProps): JSX.Element {
  const { plant } = useServices()
  return (
    <div class="alarm-line">
      <span class="mark mark-bad">
        <Icon name="plugOff" />
        {state}
      </span>
      <Link to={to} class="alarm-where">
        {what}
      </Link>
      <span class="alarm-what">{reason ?? ''}</span>
      <span class="alarm-age">{since === null ? '' : formatDuration(plant.now.value - since)}</span>
    </div>
  )
}
