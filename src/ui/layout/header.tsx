// The strip above every page: which gateway, is it connected, what is abnormal, what time is it.

import { useComputed } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { SEVERITIES } from '../client/wire.ts'
import { formatClock, formatDuration, formatFull } from '../format/time.ts'
import { formatCount } from '../format/number.ts'
import { SEVERITY_WORDS, UPLINK_WORDS } from '../format/words.ts'
import { BrandMark } from '../parts/brand-mark.tsx'
import { Link } from '../parts/button.tsx'
import { Icon } from '../parts/icon.tsx'
import { SeverityShape } from '../parts/marks.tsx'
import { ThemeButton } from '../parts/theme-button.tsx'
import { useServices } from '../state/services.ts'

export function Header(): JSX.Element {
  const { plant, theme } = useServices()
  return (
    <header class="header">
      <Link to="/" class="brand">
        <BrandMark />
        <span>
          <span class="brand-product">TelemetryX Edge</span>
          <span class="brand-gateway">{plant.gateway.value?.id ?? '…'}</span>
        </span>
      </Link>
      <div class="status" role="group" aria-label="State of the gateway">
        <ConnectionCell />
        <AlarmCell />
        <DeviceCell />
        <UplinkCell />
      </div>
      <Clock />
      <div class="header-tools">
        <ThemeButton theme={theme} />
        <User />
      </div>
    </header>
  )
}

interface StatusCellProps {
  readonly label: string
  readonly to?: string
  readonly isAbnormal?: boolean
  readonly children: ComponentChildren
}

function StatusCell({ label, to, isAbnormal = false, children }: StatusCellProps): JSX.Element {
  const content = (
    <>
      <span class="status-label">{label}</span>
      <span class="status-value">{children}</span>
    </>
  )
  const className = `status-cell${isAbnormal ? ' is-abnormal' : ''}`
  return to === undefined ? (
    <div class={className}>{content}</div>
  ) : (
    <Link to={to} class={className}>
      {content}
    </Link>
  )
}

function ConnectionCell(): JSX.Element {
  const { plant } = useServices()
  const isLive = plant.isConnected.value
  const word = isLive ? 'Live' : plant.live.value === 'connecting' ? 'Connecting' : 'Not live'
  return (
    <StatusCell label="Values" isAbnormal={!isLive}>
      {!isLive && <Icon name="plugOff" />}
      {word}
    </StatusCell>
  )
}

function AlarmCell(): JSX.Element {
  const { plant } = useServices()
  const counts = plant.activeCounts.value
  return (
    <StatusCell label="Active alarms" to="/alarms">
      <span class="alarm-counts">
        {SEVERITIES.map((severity) => (
          <span
            key={severity}
            class={counts[severity] === 0 ? 'is-zero' : undefined}
            title={`${SEVERITY_WORDS[severity]}: ${counts[severity]}`}
          >
            <SeverityShape severity={severity} isHollow={counts[severity] === 0} />
            {counts[severity]}
            <span class="sr-only"> {SEVERITY_WORDS[severity]} </span>
          </span>
        ))}
      </span>
    </StatusCell>
  )
}

function DeviceCell(): JSX.Element {
  const { plant } = useServices()
  const devices = plant.devices.value
  const up = devices.filter((device) => device.state === 'up').length
  return (
    <StatusCell label="Devices" to="/devices" isAbnormal={up < devices.length}>
      {up < devices.length && <Icon name="plugOff" />}
      {devices.length === 0 ? 'None' : `${up} of ${devices.length} up`}
    </StatusCell>
  )
}

function UplinkCell(): JSX.Element {
  const { plant } = useServices()
  const uplinks = plant.uplinks.value
  const troubled = uplinks.find((uplink) => uplink.state === 'retrying' || uplink.state === 'stopped')
  const pending = uplinks.reduce((sum, uplink) => sum + uplink.pending, 0)
  const oldest = Math.max(0, ...uplinks.map((uplink) => uplink.oldestPendingAge))
  const backlog = oldest >= 5 ? `, ${formatDuration(oldest * 1000)}` : ''
  return (
    <StatusCell label="Uplinks" to="/uplinks" isAbnormal={troubled !== undefined}>
      {troubled !== undefined && <Icon name="plugOff" />}
      {uplinks.length === 0
        ? 'None'
        : troubled === undefined && pending === 0
          ? 'Delivered'
          : `${formatCount(pending)} waiting${backlog}`}
      {troubled !== undefined && <span class="sr-only"> {UPLINK_WORDS[troubled.state]}</span>}
    </StatusCell>
  )
}

const SKEW_SHOWN_MS = 5000

function Clock(): JSX.Element {
  const { plant } = useServices()
  const text = useComputed(() => formatClock(plant.now.value))
  const day = useComputed(() => formatFull(plant.now.value).replace(/, [^,]*$/, ''))
  const skew = plant.clockOffsetMs.value
  const isOff = Math.abs(skew) > SKEW_SHOWN_MS
  return (
    <div class="clock">
      <span class="status-label">{day}</span>
      <time class="status-value">{text}</time>
      {isOff && (
        <span class="clock-skew">
          <Icon name="clock" />
          {formatDuration(Math.abs(skew))} {skew > 0 ? 'ahead of' : 'behind'} this computer
        </span>
      )}
    </div>
  )
}

function User(): JSX.Element | null {
  const { plant, api, feed } = useServices()
  const session = plant.session.value
  const user = session?.user ?? null
  if (user === null || session?.auth === 'none') return null
  const leave = async (): Promise<void> => {
    await api.logout().catch(() => undefined) // the session may have ended already
    feed.stop()
    location.assign('/')
  }
  return (
    <button
      class="button button-quiet user"
      type="button"
      onClick={() => void leave()}
      title={`${user.role}. Sign out`}
    >
      <Icon name="user" />
      {user.name}
      <span class="sr-only">, {user.role}, sign out</span>
    </button>
  )
}
