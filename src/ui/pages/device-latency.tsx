// How long polls took over the run: how often each duration came, with median, 99 % and maximum, on a scale of powers of ten.

import type { JSX } from 'preact'
import { latencyBars, type LatencyStep } from '../charts/latency-bars.ts'
import type { Spread } from '../client/wire.ts'
import { formatCount } from '../format/number.ts'
import { formatMilliseconds } from '../format/time.ts'

interface LatencyProps {
  readonly title: string
  /** null: it is not asked. */
  readonly spread: Spread | null
  /** null: not loaded, or the gateway does not tell. */
  readonly steps: readonly LatencyStep[] | null
}

const TICKS_MS = [0.1, 1, 10, 100, 1000, 10_000]
const HEIGHT = 40

export function Latency({ title, spread, steps }: LatencyProps): JSX.Element | null {
  if (spread === null) return null
  const { p50, p99, max } = spread
  const { bars, total, at } = latencyBars(steps ?? [], TICKS_MS[0]!, TICKS_MS.at(-1)!)
  const words = `median ${formatMilliseconds(p50)}, 99 % below ${formatMilliseconds(p99)}, at most ${formatMilliseconds(max)}`
  return (
    <figure class="latency" aria-label={`${title}: ${words}${total > 0 ? `, ${formatCount(total)} measured` : ''}`}>
      <figcaption>
        <span>{title}</span>
        <span class="latency-words">
          median {formatMilliseconds(p50)} · 99 % {formatMilliseconds(p99)} · max {formatMilliseconds(max)}
        </span>
      </figcaption>
      <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {TICKS_MS.map((tick) => (
          <path key={tick} class="latency-tick" d={`M${at(tick)} 0V${HEIGHT}`} />
        ))}
        {bars.map(({ from, to, share }) => (
          <rect
            key={from}
            class="latency-bar"
            x={from}
            width={Math.max(0.3, to - from - 0.3)}
            y={HEIGHT - Math.max(1, share * (HEIGHT - 2))}
            height={Math.max(1, share * (HEIGHT - 2))}
          />
        ))}
        <path class="latency-median" d={`M${at(p50)} 0V${HEIGHT}`} />
        <path class="latency-most" d={`M${at(p99)} 0V${HEIGHT}`} />
      </svg>
      <div class="latency-ticks" aria-hidden="true">
        {TICKS_MS.map((tick) => (
          <span key={tick}>{tick < 1000 ? `${tick} ms` : `${tick / 1000} s`}</span>
        ))}
      </div>
    </figure>
  )
}
