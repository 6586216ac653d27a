// How much a device asks of its wire: utilisation, requests before and after planning, and how long its polls take.

import type { ComponentChildren, JSX } from 'preact'
import type { Device, Spread } from '../client/wire.ts'
import { formatCount, formatNumber } from '../format/number.ts'
import { formatMilliseconds } from '../format/time.ts'
import { Meter } from '../parts/meter.tsx'
import { Card } from '../parts/card.tsx'
import { Facts, type Fact } from '../parts/table.tsx'

/** A wire that is taken for longer leaves no room for what goes wrong. */
const BUSY_SHARE = 0.8

export function DeviceLoad({ device }: { readonly device: Device }): JSX.Element {
  const { busUtilisation, plan } = device
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
      <LatencyRange title="Poll time" spread={device.pollMs} />
      <LatencyRange title="Poll delay" spread={device.lagMs} />
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

const TICKS_MS = [0.1, 1, 10, 100, 1000, 10_000]
const LOW = Math.log10(TICKS_MS[0]!)
const DECADES = TICKS_MS.length - 1

/** Where median, 99 % and maximum lie from a tenth of a millisecond to ten seconds, each step ten times the one before. */
function LatencyRange({
  title,
  spread,
}: {
  readonly title: string
  readonly spread: Spread | null
}): ComponentChildren {
  if (spread === null) return null
  const x = (ms: number): number => Math.min(100, Math.max(0, ((Math.log10(Math.max(ms, 0.1)) - LOW) / DECADES) * 100))
  return (
    <figure
      class="latency"
      aria-label={`${title}: median ${formatMilliseconds(spread.p50)}, 99 % below ${formatMilliseconds(spread.p99)}, at most ${formatMilliseconds(spread.max)}`}
    >
      <figcaption>{title}</figcaption>
      <svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {TICKS_MS.map((_, index) => (
          <path key={index} class="latency-tick" d={`M${(index / DECADES) * 100} 0v14`} />
        ))}
        <path class="latency-range" d={`M${x(spread.p50)} 7H${x(spread.max)}`} />
        <path class="latency-body" d={`M${x(spread.p50)} 7H${Math.max(x(spread.p50) + 0.6, x(spread.p99))}`} />
        <path class="latency-median" d={`M${x(spread.p50)} 1v12`} />
      </svg>
      <div class="latency-ticks" aria-hidden="true">
        {TICKS_MS.map((tick) => (
          <span key={tick}>{tick < 1000 ? `${tick} ms` : `${tick / 1000} s`}</span>
        ))}
      </div>
    </figure>
  )
}
