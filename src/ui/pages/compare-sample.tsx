// A piece of a compared line with its letter: what the line looks like in the chart.

import type { JSX } from 'preact'
import { DASHES } from '../charts/compare-overlay.ts'

export function SeriesSample({ index, letter }: { readonly index: number; readonly letter: string }): JSX.Element {
  return (
    <span class={`series series-${(index % DASHES.length) + 1}`}>
      <svg viewBox="0 0 36 8" aria-hidden="true" focusable="false">
        <path d="M0 4h36" stroke-dasharray={DASHES[index % DASHES.length]!.join(' ')} />
      </svg>
      <strong>{letter}</strong>
    </span>
  )
}
