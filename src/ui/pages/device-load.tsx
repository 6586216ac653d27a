// How much a device asks of its wire: utilisation, requests before and after planning, and how long its polls take.

import { useEffect, useState } from 'preact/hooks'
import type { JSX } from 'preact'
import { readLatency, type Latencies } from '../client/device-asks.ts'
import type { Device } from '../client/wire.ts'
import { formatCount, formatNumber } from '../format/number.ts'
import { Meter } from '../parts/meter.tsx'
import { Card } from '../parts/card.tsx'
import { Facts, type Fact } from '../parts/table.tsx'
import { useServices } from '../state/services.ts'
import { Latency } from './device-latency.tsx'

/** A wire that is taken for longer leaves no room for what goes wrong. */
const BUSY_SHARE = 0.8

export function DeviceLoad({ device }: { readonly device: Device }): JSX.Element {
  const { busUtilisation, plan } = device
  const latencies = useLatencies(device.id)
  const facts: Fact[] = []
  if (busUtilisation !== null) {
    facts.push(
      { term: 'Wire taken, by anyone', value: <ShareMeter value={busUtilisation.bus} /> },
      { term: 'Wire taken, by this device', value: <ShareMeter value={busUtilisation.device} /> },
    )
  }
  if (plan !== null) facts.push({ term: 'Requests of one poll', value: planText(plan) })
  return (
    <Card title="Load of the wire">
      {facts.length === 0 ? (
        <p class="quiet">This device sends by itself: nothing is asked of it.</p>
      ) : (
        <Facts facts={facts} />
      )}
      {busUtilisation !== null && busUtilisation.bus > BUSY_SHARE && (
        <p class="outcome">The wire has little room left: poll less often, or spread devices over more wires.</p>
      )}
      <Latency title="Poll time" spread={device.pollMs} steps={latencies?.poll ?? null} />
      <Latency title="Poll delay" spread={device.lagMs} steps={latencies?.lag ?? null} />
    </Card>
  )
}

export function planText(plan: NonNullable<Device['plan']>): string {
  const { pointRequests, requests } = plan
  const saved = pointRequests > requests ? `, ${formatNumber((1 - requests / pointRequests) * 100, 0)} % fewer` : ''
  return `${formatCount(pointRequests)} before planning, ${formatCount(requests)} after${saved}`
}

export function ShareMeter({ value }: { readonly value: number }): JSX.Element {
  return (
    <span class="bar-row">
      <Meter value={value} isHigh={value > BUSY_SHARE} />
      {formatNumber(value * 100, 1)} %
    </span>
  )
}

const ASK_MS = 5000

function useLatencies(device: string): Latencies | null {
  const { api, plant } = useServices()
  const [latencies, setLatencies] = useState<Latencies | null>(null)
  const turn = Math.floor(plant.now.value / ASK_MS)
  useEffect(() => {
    const abort = new AbortController()
    // Without them the figures in words still stand there.
    readLatency(api.http, device, abort.signal).then(setLatencies, () => undefined)
    return () => abort.abort()
  }, [device, turn])
  return latencies
}
