// One machine on the overview: its state in words, then its sensors, each with trend, value and mark.

import { useComputed } from '@preact/signals'
import type { JSX } from 'preact'
import type { Plant, MachineView } from '../state/plant.ts'
import { sensorName } from '../format/words.ts'
import { Link } from '../parts/button.tsx'
import { ConditionMark } from '../parts/marks.tsx'
import { Sparkline } from '../parts/sparkline.tsx'
import { isWide, LiveValue } from '../parts/value.tsx'
import type { LiveSensor } from '../state/live-sensor.ts'
import { machinePath, sensorPath } from '../state/route.ts'
import { useServices } from '../state/services.ts'
import { ReadingAge } from './reading-age.tsx'

/** More would make the card a list to scroll; the machine's own page has them all. */
const SENSORS_SHOWN = 8

export function MachineCard({ view }: { readonly view: MachineView }): JSX.Element {
  const { plant } = useServices()
  const condition = view.condition.value
  const cause = useComputed(() => machineCause(plant, view))
  const shown = view.sensors.slice(0, SENSORS_SHOWN)
  const hidden = view.sensors.slice(SENSORS_SHOWN)
  return (
    <article class={`card machine-card is-${condition}`} aria-labelledby={`machine-${view.machine.id}`}>
      <div class="card-head">
        <h3 id={`machine-${view.machine.id}`}>
          <Link to={machinePath(view.machine.id)}>{view.machine.name}</Link>
        </h3>
        <ConditionMark condition={condition} word={cause.value} />
      </div>
      <ul class="sensors">
        {shown.map((live) => (
          <SensorRow key={live.sensor.id} live={live} />
        ))}
      </ul>
      {hidden.length > 0 && <MoreSensors view={view} hidden={hidden} />}
    </article>
  )
}

function SensorRow({ live }: { readonly live: LiveSensor }): JSX.Element {
  const className = useComputed(() => `sensor-row is-${live.condition.value}`)
  return (
    <li class={className}>
      <Link to={sensorPath(live.sensor.id)} class="sensor-name">
        {sensorName(live.sensor)}
      </Link>
      {isWide(live.sensor.type) ? null : <Sparkline live={live} />}
      <LiveValue live={live} />
      <SensorMark live={live} />
    </li>
  )
}

/** The mark of a row; nothing when normal, with its age when it is stale. */
function SensorMark({ live }: { readonly live: LiveSensor }): JSX.Element {
  const condition = live.condition.value
  if (condition === 'normal') return <span class="sensor-mark" />
  return (
    <span class="sensor-mark">
      <ConditionMark condition={condition} form="shape" />
      {condition === 'stale' && <ReadingAge live={live} />}
    </span>
  )
}

function MoreSensors({
  view,
  hidden,
}: {
  readonly view: MachineView
  readonly hidden: readonly LiveSensor[]
}): JSX.Element {
  const abnormal = useComputed(
    () => hidden.filter((live) => !['normal', 'waiting'].includes(live.condition.value)).length,
  )
  return (
    <Link to={machinePath(view.machine.id)} class="more">
      {hidden.length} more {hidden.length === 1 ? 'sensor' : 'sensors'}
      {abnormal.value > 0 && `, ${abnormal.value} of them not normal`}
    </Link>
  )
}

/** Why a machine is in its condition, short enough for the head of its card. */
function machineCause(plant: Plant, view: MachineView): string {
  const condition = view.condition.value
  const causes = view.sensors.filter((live) => live.condition.value === condition)
  const first = causes[0]
  switch (condition) {
    case 'normal':
      return 'Normal'
    case 'waiting':
      return 'Waiting for values'
    case 'bad': {
      const down = plant.devices.value.find(
        (device) => view.devices.includes(device.id) && device.state !== 'up' && device.state !== 'connecting',
      )
      if (down !== undefined) return `Device ${down.id} is ${down.state}`
      return first === undefined ? 'No valid value' : `No valid value: ${named(first, causes.length)}`
    }
    case 'stale':
      return first === undefined ? 'Stale' : `Stale: ${named(first, causes.length)}`
    case 'uncertain':
      return first === undefined ? 'Uncertain' : `Uncertain: ${named(first, causes.length)}`
    case 'alarm-urgent':
    case 'alarm-high':
    case 'alarm-medium':
    case 'alarm-low':
      return first === undefined ? 'Alarm' : named(first, causes.length)
  }
}

function named(first: LiveSensor, count: number): string {
  return count === 1 ? sensorName(first.sensor) : `${sensorName(first.sensor)} and ${count - 1} more`
}
