// The frame of every page: skip link, header, navigation, warning of a lost connection, the page, and what screen readers are told.

import { useRef } from 'preact/hooks'
import type { ComponentChildren, JSX } from 'preact'
import { formatClock, formatDuration } from '../format/time.ts'
import { Notice } from '../parts/card.tsx'
import { OutdatedNotice } from '../parts/outdated.tsx'
import { TitledPage, type PageProps } from '../parts/page.tsx'
import { useServices } from '../state/services.ts'
import { Header } from './header.tsx'
import { Navigation } from './navigation.tsx'

export function Shell({ children }: { readonly children: ComponentChildren }): JSX.Element {
  const { plant } = useServices()
  const isLost = !plant.isConnected.value && plant.live.value !== 'connecting'
  return (
    <div class={`shell${isLost ? ' is-lost' : ''}`}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <Navigation />
      <main id="main" tabIndex={-1}>
        {isLost && <LostBanner />}
        <OutdatedNotice than="the gateway" />
        <HealthNotices />
        {children}
      </main>
      <div class="sr-only" role="status" aria-live="assertive">
        {plant.announcement}
      </div>
    </div>
  )
}

function LostBanner(): JSX.Element {
  const { plant } = useServices()
  const since = useRef(plant.now.peek())
  return (
    <div class="lost">
      <Notice icon="plugOff" tone="data">
        <strong>Not connected to the gateway.</strong> Everything below is as it was at {formatClock(since.current)},{' '}
        {formatDuration(plant.now.value - since.current)} ago. This page tries again by itself; if it does not come
        back, check that the gateway runs and that this device is on its network.
      </Notice>
    </div>
  )
}

/** The gateway's own troubles; a device that is down is shown where it belongs. */
function HealthNotices(): JSX.Element | null {
  const { plant } = useServices()
  const reasons =
    plant.gateway.value?.health.reasons.filter(
      ({ code }) => !code.startsWith('device-') && !code.startsWith('uplink-'),
    ) ?? []
  if (reasons.length === 0) return null
  return (
    <div class="health">
      {reasons.map(({ code, message, blocking }) => (
        <Notice key={code + message} icon="bad" tone="data">
          <strong>{blocking ? 'The gateway cannot do its work.' : 'The gateway is impaired.'}</strong> {message}
        </Notice>
      ))}
    </div>
  )
}

export function Page(props: PageProps): JSX.Element {
  const gateway = useServices().plant.gateway.value?.id
  return <TitledPage {...props} windowTitle={`${props.title} · ${gateway ?? 'TelemetryX Edge'}`} />
}
