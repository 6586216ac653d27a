// All devices; those that do not answer first.

import type { JSX } from 'preact'
import { counted } from '../format/words.ts'
import { Page } from '../layout/shell.tsx'
import { Link } from '../parts/button.tsx'
import { EmptyState } from '../parts/card.tsx'
import { useServices } from '../state/services.ts'
import { DeviceCard } from './device-card.tsx'

export function DevicesPage(): JSX.Element {
  const { plant } = useServices()
  const devices = plant.devices.value
  const sorted = [...devices].sort((a, b) => Number(a.state === 'up') - Number(b.state === 'up'))
  const down = devices.filter((device) => device.state !== 'up').length
  const lead =
    down === 0
      ? `${counted(devices.length, 'device')}, all answering`
      : `${down} of ${counted(devices.length, 'device')} not answering`
  return (
    <Page title="Devices" lead={devices.length === 0 ? undefined : <p>{lead}</p>}>
      {devices.length === 0 ? (
        <EmptyState title="No devices are configured" icon="devices">
          {plant.may('engineer') ? (
            <p class="empty-do">
              <Link to="/configuration/add" class="button button-primary">
                Add the first device
              </Link>
            </p>
          ) : (
            <p>An engineer adds them.</p>
          )}
        </EmptyState>
      ) : (
        <div class="columns">
          {sorted.map((device) => (
            <DeviceCard key={device.id} device={device} />
          ))}
        </div>
      )}
    </Page>
  )
}
