// A share from 0 to 1 as a bar. Decoration: the number stands beside it.

import type { JSX } from 'preact'

interface MeterProps {
  readonly value: number
  /** Beyond what is usual: drawn with stripes, not only in another tone. */
  readonly isHigh?: boolean
}

export function Meter({ value, isHigh = false }: MeterProps): JSX.Element {
  const width = Math.max(0, Math.min(100, value * 100))
  return (
    <svg
      class={`bar${isHigh ? ' is-high' : ''}`}
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <rect class="bar-ground" width="100" height="6" />
      <rect class="bar-value" width={width} height="6" />
    </svg>
  )
}
