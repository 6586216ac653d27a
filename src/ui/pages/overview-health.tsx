// What the gateway stands on: devices, uplinks, disk and clock, each in one line, and the way to more.

import type { JSX } from 'preact'
import { formatBytes, formatCount } from '../format/number.ts'
import { formatDuration, formatFull } from '../format/time.ts'
import { counted } from '../format/words.ts'
import { Link } from '../parts/button.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import type { Plant } from '../state/plant.ts'
import { useServices } from '../state/services.ts'

interface Line {
  readonly name: string
  readonly to: string | null
  readonly isWell: boolean
  readonly word: string
  readonly detail: string
}

const SKEW_SHOWN_MS = 5000

export function OverviewHealth(): JSX.Element {
  const { plant } = useServices()
  const lines = [machinesLine(plant), devicesLine(plant), uplinksLine(plant), ...storeLine(plant), ...clockLine(plant)]
  return (
    <section class="card health-lines" aria-labelledby="health">
      <h2 id="health">Health</h2>
      <ul>
        {lines.map(({ name, to, isWell, word, detail }) => (
          <li key={name}>
            <span class="health-name">{to === null ? name : <Link to={to}>{name}</Link>}</span>
            <span class={`mark${isWell ? '' : ' mark-bad'}`}>
              <Icon name={iconOf(isWell)} />
              {word}
            </span>
            <span class="quiet">{detail}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function iconOf(isWell: boolean): IconName {
  return isWell ? 'check' : 'bad'
}

/** How many machines are in which state. */
function machinesLine(plant: Plant): Line {
  const machines = plant.machines.value
  const inState = (isIt: (condition: string) => boolean): number =>
    machines.filter((view) => isIt(view.condition.value)).length
  const alarms = inState((condition) => condition.startsWith('alarm-'))
  const bad = inState((condition) => condition === 'bad' || condition === 'stale' || condition === 'uncertain')
  const waiting = inState((condition) => condition === 'waiting')
  const normal = machines.length - alarms - bad - waiting
  const rest = [
    alarms > 0 ? `${alarms} with an alarm` : '',
    bad > 0 ? `${bad} without trustworthy values` : '',
    waiting > 0 ? `${waiting} waiting for values` : '',
  ].filter((text) => text !== '')
  return {
    name: 'Machines',
    to: null,
    isWell: normal === machines.length,
    word: `${normal} of ${machines.length} normal`,
    detail: rest.join(', '),
  }
}

function devicesLine(plant: Plant): Line {
  const devices = plant.devices.value
  const up = devices.filter(({ state }) => state === 'up').length
  const badSensors = devices.reduce((sum, device) => sum + device.badSensors, 0)
  return {
    name: 'Devices',
    to: '/devices',
    isWell: up === devices.length,
    word: `${up} of ${devices.length} up`,
    detail: badSensors === 0 ? '' : `${counted(badSensors, 'sensor')} without a valid value`,
  }
}

function uplinksLine(plant: Plant): Line {
  const uplinks = plant.uplinks.value
  const troubled = uplinks.filter(({ state }) => state === 'retrying' || state === 'stopped').length
  const pending = uplinks.reduce((sum, uplink) => sum + uplink.pending, 0)
  const letters = uplinks.reduce((sum, uplink) => sum + uplink.deadLetters, 0)
  const details = [
    pending > 0 ? `${formatCount(pending)} waiting` : '',
    letters > 0 ? counted(letters, 'dead letter') : '',
  ].filter((text) => text !== '')
  const online = uplinks.length - troubled
  return {
    name: 'Uplinks',
    to: '/uplinks',
    isWell: troubled === 0 && letters === 0,
    word: uplinks.length === 0 ? 'None' : `${online} of ${uplinks.length} in order`,
    detail: details.join(', '),
  }
}

function storeLine(plant: Plant): readonly Line[] {
  const store = plant.gateway.value?.store
  if (store === undefined) return []
  const isWell = store.state === 'ok'
  const records = `${formatCount(store.durableRecords)} records kept in this run`
  return [
    {
      name: 'Disk',
      to: null,
      isWell,
      word: isWell ? formatBytes(store.bytes) : 'Failing',
      detail: isWell ? `${records}, ${formatBytes(store.writtenBytes)} written` : (store.reason ?? ''),
    },
  ]
}

/** The clock is not well when the gateway says so, or when it differs from this computer's. */
function clockLine(plant: Plant): readonly Line[] {
  const gateway = plant.gateway.value
  if (gateway === null) return []
  const reason = gateway.health.reasons.find(({ code }) => code.startsWith('clock'))
  const skew = plant.clockOffsetMs.value
  const isOff = Math.abs(skew) > SKEW_SHOWN_MS
  const differs = `${formatDuration(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} this computer`
  return [
    {
      name: 'Clock',
      to: null,
      isWell: reason === undefined && !isOff,
      word: reason === undefined && !isOff ? 'In order' : isOff ? 'Differs' : 'Not trusted',
      detail: reason?.message ?? (isOff ? differs : `started ${formatFull(gateway.startedAt)}`),
    },
  ]
}
