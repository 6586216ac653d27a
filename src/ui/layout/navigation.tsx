// The ways through the plant: pages, and below them the machines, each with its mark. At the foot of the screen on a phone.

import type { JSX } from 'preact'
import { Link } from '../parts/button.tsx'
import { Icon, type IconName } from '../parts/icon.tsx'
import { ConditionMark } from '../parts/marks.tsx'
import type { MachineView } from '../state/plant.ts'
import { machinePath } from '../state/route.ts'
import { useServices } from '../state/services.ts'

const PAGES: readonly {
  readonly page: string
  readonly path: string
  readonly text: string
  readonly icon: IconName
}[] = [
  { page: 'overview', path: '/', text: 'Overview', icon: 'overview' },
  { page: 'alarms', path: '/alarms', text: 'Alarms', icon: 'alarms' },
  { page: 'journal', path: '/journal', text: 'Journal', icon: 'journal' },
  { page: 'devices', path: '/devices', text: 'Devices', icon: 'devices' },
  { page: 'uplinks', path: '/uplinks', text: 'Uplinks', icon: 'uplinks' },
  { page: 'configuration', path: '/configuration', text: 'System', icon: 'system' },
]

export function Navigation(): JSX.Element {
  const { plant, router } = useServices()
  const route = router.route.value
  return (
    <nav class="navigation" aria-label="Pages">
      <ul class="pages">
        {PAGES.map(({ page, path, text, icon }) => (
          <li key={page}>
            <Link
              to={page === 'configuration' && !plant.may('engineer') ? '/account' : path}
              current={isPage(route, page)}
            >
              <Icon name={icon} />
              {text}
              {page === 'alarms' && <OpenCount />}
            </Link>
          </li>
        ))}
      </ul>
      <div class="machine-list" hidden={plant.machines.value.length === 0}>
        <h2 class="navigation-title">Machines</h2>
        <ul>
          {plant.machines.value.map((view) => (
            <li key={view.machine.id}>
              <MachineLink view={view} isCurrent={isWithin(route, view)} />
            </li>
          ))}
        </ul>
      </div>
    </nav>
  )
}

/** A page of one device belongs to the devices. */
const BELONGS: Readonly<Record<string, string>> = {
  measures: 'alarms',
  device: 'devices',
  registers: 'devices',
  uplink: 'uplinks',
  revisions: 'configuration',
  import: 'configuration',
  addDevice: 'configuration',
  users: 'configuration',
  audit: 'configuration',
  account: 'configuration',
  backup: 'configuration',
  about: 'configuration',
}

function isPage(route: { readonly page: string }, page: string): boolean {
  return (BELONGS[route.page] ?? route.page) === page
}

function OpenCount(): JSX.Element | null {
  const { plant } = useServices()
  const count = plant.openAlarms.value.length
  return count === 0 ? null : (
    <span class="count">
      {count}
      <span class="sr-only"> open</span>
    </span>
  )
}

function MachineLink({ view, isCurrent }: { readonly view: MachineView; readonly isCurrent: boolean }): JSX.Element {
  const condition = view.condition.value
  return (
    <Link to={machinePath(view.machine.id)} current={isCurrent}>
      <span class="machine-name">{view.machine.name}</span>
      {condition !== 'normal' && <ConditionMark condition={condition} form="shape" />}
    </Link>
  )
}

function isWithin(route: { readonly page: string; readonly id?: string }, view: MachineView): boolean {
  if (route.page === 'machine') return route.id === view.machine.id
  return route.page === 'sensor' && view.sensors.some((live) => live.sensor.id === route.id)
}
